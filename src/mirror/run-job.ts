/** Does one piece of a mirror down: by `runMirror`'s own parts, in one directory, or for the files that it names. */
import { withSession } from '../operations/with-session.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import type { Action } from './action.ts'
import { compareFiles } from './compare-files.ts'
import type {
  DirectoryJob,
  DirectoryJobResult,
  FilesJob,
  FilesJobResult,
  MirrorJob,
  MirrorJobFile,
  MirrorJobResult,
} from './job.ts'
import { mirrorWorks, type MirrorRequest, type MirrorWorks } from './mirror.ts'
import type { MirrorFailure } from './mirror-result.ts'
import { MirrorRun } from './mirror-run.ts'
import { planDirectory, type PlannedDirectory } from './plan-directory.ts'
import { jobsFor } from './plan-jobs.ts'
import { runRangeJob } from './range-job.ts'
import { UNKNOWN, type Identity, type Way } from './way.ts'

export async function runMirrorJob(
  job: MirrorJob,
  request: MirrorRequest,
  context: TransferContext,
): Promise<MirrorJobResult> {
  const works = await mirrorWorks(request, context)
  switch (job.type) {
    case 'directory':
      return runDirectoryJob(job, works, request, context)
    case 'files':
      return runFilesJob(job, works, request, context)
    case 'range':
      return runRangeJob(job, works, request, context)
    default:
      return job satisfies never
  }
}

async function runDirectoryJob(
  job: DirectoryJob,
  works: MirrorWorks,
  request: MirrorRequest,
  context: TransferContext,
): Promise<DirectoryJobResult> {
  const { direction, local } = works
  const { settings } = request
  const { path } = job
  const root = await openDirection(works, request, context)
  context.enter('transferring')
  for (const directory of withParents(path)) await local.makeDirectory(directory)
  const way = wayTo(job, root)
  const listed = await direction.list(path, true)
  const planned = await planDirectory(
    { direction, settings },
    { path, way, isExtra: false },
    listed,
    undefined,
  )
  const { linksMade, failures } = await makeLinks(planned, works)
  const above = job.above.length === 0 ? [root.unique ?? null] : job.above
  return {
    type: 'directory',
    jobs: jobsFor({ ...planned, root: job, path, above }),
    equal: planned.actions.filter((action) => action.type === 'equal' && action.rule !== 'directory').length,
    skipped: planned.actions.filter(({ type }) => type === 'skip').length,
    linksMade,
    failures: [...failures, ...planned.actions.flatMap(refusalIn)],
  }
}

async function runFilesJob(
  { files }: FilesJob,
  works: MirrorWorks,
  request: MirrorRequest,
  context: TransferContext,
): Promise<FilesJobResult> {
  const { settings, retry } = request
  const actions: Action[] = []
  for (const file of files) actions.push(await actionFor(file, works, request))
  const result = await new MirrorRun({ ...works, retry, settings, context, actions }).run()
  const { transferred, equal, bytes, failures } = result
  return { type: 'files', transferred, equal, bytes, failures }
}

/** What is to be done about a file, by what stands there now. */
async function actionFor(
  file: MirrorJobFile,
  { local, direction }: MirrorWorks,
  { settings }: MirrorRequest,
): Promise<Action> {
  const { path, size, modifiedMs, precision } = file
  const facts = { path, size, modifiedMs, precision }
  const there = await local.look(path)
  if (there?.type !== 'file') {
    const reason = there === undefined ? 'missing' : 'type'
    return { type: 'transfer', ...facts, reason, replaces: there }
  }
  const verdict = compareFiles(facts, there, { compare: settings.compare, keepsTimes: direction.keepsTimes })
  switch (verdict.type) {
    case 'equal':
      return { type: 'equal', path, rule: verdict.rule }
    case 'ask':
      return { type: 'compare-checksum', ...facts, replaces: there }
    case 'different':
      return { type: 'transfer', ...facts, reason: verdict.reason, replaces: there }
    default:
      return verdict satisfies never
  }
}

/** Makes sure of the root, and asks what it is. */
async function openDirection(
  { direction, sessions }: MirrorWorks,
  { retry }: MirrorRequest,
  context: TransferContext,
): Promise<Identity> {
  context.enter('connecting')
  const { signal } = context
  const { lease, value } = await withSession(sessions, { signal, retry }, (session) =>
    direction.open(session),
  )
  lease.release()
  return value
}

/** A directory, and before it those that it is in; none for the root. */
function withParents(path: string): string[] {
  if (path === '') return []
  const names = path.split('/')
  return names.map((_, index) => names.slice(0, index + 1).join('/'))
}

/** By which directories the job has come to its own. */
function wayTo({ path, above }: DirectoryJob, root: Identity): Way {
  const names = path === '' ? [] : path.split('/')
  let way: Way = { ...root, path: '', above: undefined }
  for (const index of names.keys()) {
    const unique = above[index + 1] ?? undefined
    way = { ...UNKNOWN, unique, path: names.slice(0, index + 1).join('/'), above: way }
  }
  return way
}

async function makeLinks(
  { actions }: PlannedDirectory,
  { direction }: MirrorWorks,
): Promise<{ readonly linksMade: number; readonly failures: readonly MirrorFailure[] }> {
  let linksMade = 0
  const failures: MirrorFailure[] = []
  for (const action of actions) {
    if (action.type !== 'link') continue
    const { path, target } = action
    try {
      await direction.makeLink(path, target)
      linksMade += 1
    } catch (error) {
      failures.push({ path, action: 'link', error })
    }
  }
  return { linksMade, failures }
}

function refusalIn(action: Action): MirrorFailure[] {
  return action.type === 'refuse' ? [{ path: action.path, action: 'refuse', error: action.error }] : []
}
