/** The jobs for what a directory has been found to need. Pure. */
import type { CompareChecksumAction, TransferAction } from './action.ts'
import { joinedPath } from './diff.ts'
import {
  jobOf,
  type DirectoryJob,
  type FilesJob,
  type JobRoot,
  type MirrorJob,
  type MirrorJobFile,
  type RangeJob,
} from './job.ts'
import type { PlannedDirectory } from './plan-directory.ts'

/** How many small files one job has. */
const FILES_PER_JOB = 100
/** A file of so many bytes has a job of its own; several together do not have more. */
const JOB_BYTES = 64 * 2 ** 20
/** Ranges begin at multiples of this: what a range wrote is in no block that another one writes. */
const RANGE_ALIGN_BYTES = 2 ** 20

export interface PlannedJobs extends Pick<PlannedDirectory, 'actions' | 'descend' | 'identities'> {
  readonly root: JobRoot
  /** The directory. */
  readonly path: string
  readonly above: readonly (string | null)[]
}

/** Directories first: there may be much in them. */
export function jobsFor(planned: PlannedJobs): MirrorJob[] {
  const { root, path, above, descend, identities, actions } = planned
  const { filesPerJob = FILES_PER_JOB, rangeBytes = Infinity } = root.options
  const directories = descend.map(({ name }): DirectoryJob => {
    const unique = identities.get(name)?.unique ?? null
    return jobOf(root, {
      type: 'directory',
      path: joinedPath(path, name),
      above: [...above, unique],
    })
  })
  const files = actions.filter(isOfFile)
  const isCut = (action: FileAction): boolean => (action.size ?? 0) > rangeBytes && isSeenWhenThere(action)
  const cut = files.filter(isCut).flatMap((action) => rangesOf(root, action, rangeBytes))
  const whole = batches(files.filter((action) => !isCut(action)).map(fileOf), filesPerJob).map(
    (batch): FilesJob => jobOf(root, { type: 'files', files: batch }),
  )
  return [...directories, ...cut, ...whole]
}

type FileAction = TransferAction | CompareChecksumAction

function isOfFile(action: PlannedDirectory['actions'][number]): action is FileAction {
  return action.type === 'transfer' || action.type === 'compare-checksum'
}

/** Whether size and time tell, of the whole file, that it has come. */
function isSeenWhenThere(action: FileAction): boolean {
  return action.type === 'transfer' && action.reason !== 'always'
}

function fileOf({ path, size, modifiedMs, precision }: FileAction): MirrorJobFile {
  return {
    path,
    ...(size !== undefined && { size }),
    ...(modifiedMs !== undefined && { modifiedMs }),
    ...(precision !== undefined && { precision }),
  }
}

function rangesOf(root: JobRoot, action: FileAction, rangeBytes: number): RangeJob[] {
  const file = { ...fileOf(action), size: action.size ?? 0 }
  const bytes = Math.ceil(rangeBytes / RANGE_ALIGN_BYTES) * RANGE_ALIGN_BYTES
  const count = Math.ceil(file.size / bytes)
  return Array.from({ length: count }, (_, index) =>
    jobOf(root, {
      type: 'range',
      ...{ file, index, count },
      ...{ start: index * bytes, end: Math.min(file.size, (index + 1) * bytes) },
    }),
  )
}

/** In their order; large ones, and those of unknown size, by themselves. */
function batches(files: readonly MirrorJobFile[], most: number): MirrorJobFile[][] {
  const all: MirrorJobFile[][] = []
  let batch: MirrorJobFile[] = []
  let bytes = 0
  for (const file of files) {
    const size = file.size ?? JOB_BYTES
    if (size >= JOB_BYTES) {
      all.push([file])
      continue
    }
    if (batch.length === most || bytes + size > JOB_BYTES) {
      all.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(file)
    bytes += size
  }
  return batch.length === 0 ? all : [...all, batch]
}
