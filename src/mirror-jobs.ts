/**
 * `planMirror(url, directory)` and `runJob(job)`: a mirror down as data, which many processes and machines do together.
 */
import { resolve } from 'node:path'
import { localPath, startMirrorJob, type FtpClient } from './client.ts'
import {
  checkJob,
  jobOf,
  type DirectoryJob,
  type DirectoryJobResult,
  type JobRoot,
  type MirrorJob,
  type MirrorJobOptions,
  type MirrorJobResult,
} from './mirror/job.ts'
import { mirrorSettings, type MirrorOptions } from './mirror/mirror-options.ts'
import type { MirrorFailure } from './mirror/mirror-result.ts'
import { clientOf, expectSameServer, givingBack, partOf } from './one-shots.ts'
import { CLIENT_OPTIONS, MOST_CONNECTIONS, readUrl, type FtpClientOptions } from './options.ts'
import { describeFtpUrl, parseFtpUrl, type FtpUrl } from './protocol/url.ts'
import type { TransferListeners } from './transfer/events.ts'
import type { Transfer } from './transfer/transfer.ts'
import {
  expectFunction,
  limit,
  oneOf,
  optionsObject,
  wholeNumber,
  type OptionNames,
} from './util/validate.ts'

/** How a mirror is divided into jobs. Those of {@link MirrorOptions} mean the same as there. */
export interface PlanOptions extends Pick<
  MirrorOptions,
  'signal' | 'compare' | 'newerThan' | 'overwrite' | 'maxDepth' | 'preserveModified' | 'connections'
> {
  /** Globs, as those of a mirror. No functions: a job is data. @default all */
  readonly include?: readonly string[] | undefined
  /** Globs, as those of a mirror. No functions: a job is data. @default nothing */
  readonly exclude?: readonly string[] | undefined
  /** As of a mirror; none is followed. @default 'skip' */
  readonly symlinks?: 'skip' | 'recreate' | undefined
  /** How many small files one job has at most. @default 100 */
  readonly filesPerJob?: number | undefined
  /**
   * Files of more bytes are cut into ranges of about so many, a job each, which come together in one file: for workers
   * that share the directory. Needs a server that can start anywhere in a file (REST). @default Infinity, none
   */
  readonly rangeBytes?: number | undefined
  /**
   * `'jobs'`: a directory is a job, and what is in it comes of that. `'walk'`: all directories are listed (and made)
   * here, and the jobs are files and ranges alone. @default 'jobs'
   */
  readonly directories?: 'jobs' | 'walk' | undefined
  /** Told of each name that is not to be mirrored, such as one that leads elsewhere. @default the plan rejects with it */
  readonly onFailure?: ((failure: MirrorFailure) => void) | undefined
}

/** The options of a plan, and those of the client that makes it, or the client itself. */
export interface PlanMirrorOptions extends PlanOptions, FtpClientOptions {
  /** Use this client; the URL must be of its server, and the client's own options hold. */
  readonly client?: FtpClient | undefined
}

type ClientPart = FtpClientOptions & Pick<PlanMirrorOptions, 'client'>

const PLAN_OPTIONS: OptionNames<PlanOptions> = {
  ...{ signal: true, compare: true, newerThan: true, overwrite: true, maxDepth: true },
  ...{ preserveModified: true, connections: true, include: true, exclude: true, symlinks: true },
  ...{ filesPerJob: true, rangeBytes: true, directories: true, onFailure: true },
}

/** A file this small needs no ranges. */
const LEAST_RANGE_BYTES = 2 ** 20

/**
 * What has to be done to make the local directory `target` like the remote directory `source`, as jobs: plain data to be
 * put into a queue, and done by {@link runJob} in any process that has the directory.
 *
 * ```ts
 * for await (const job of planMirror('ftp://ftp.example.org/pub/', '/srv/pub')) await queue.add(job.type, job)
 * ```
 *
 * Nothing is deleted by jobs: a mirror with `delete` does that when they are done, and finds nothing else to do. Jobs
 * hold no user and no password.
 *
 * Rejects as `client.mirrorDown` does; a URL or an option that makes no sense is a `TypeError` or `RangeError`, thrown at
 * once.
 */
export function planMirror(
  source: string | URL,
  target: string,
  options?: PlanMirrorOptions,
): AsyncGenerator<MirrorJob, void> {
  const given = optionsObject(options, 'options', { ...PLAN_OPTIONS, ...CLIENT_OPTIONS, client: true })
  const location = readUrl(source)
  if (location.type === 'ascii') throw new TypeError('A mirror copies files as they are: leave out ;type=a')
  const root: JobRoot = {
    source: describeFtpUrl(location),
    target: resolve(localPath(target)),
    options: jobOptions(given),
  }
  const walks = oneOf(given, 'directories', 'jobs', ['jobs', 'walk']) === 'walk'
  expectFunction(given, 'onFailure')
  const { signal, connections, onFailure } = given
  mirrorSettings({ ...mirrorOptions(root.options), signal, connections }, MOST_CONNECTIONS)
  const { client, giveBack } = clientOf(
    partOf<ClientPart>(given, { ...CLIENT_OPTIONS, client: true }),
    location,
  )
  return givingBack(planned(root, { client, signal, connections }, walks, onFailure), giveBack)
}

async function* planned(
  root: JobRoot,
  how: RunJobOptions,
  walks: boolean,
  onFailure: PlanOptions['onFailure'],
): AsyncGenerator<MirrorJob, void> {
  const waiting: DirectoryJob[] = [jobOf(root, { type: 'directory', path: '', above: [] })]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { jobs, failures } = (await runJob(next, how)) as DirectoryJobResult
    for (const failure of failures) {
      if (onFailure === undefined) throw failure.error
      onFailure(failure)
    }
    for (const job of jobs) {
      if (walks && job.type === 'directory') waiting.push(job)
      else yield job
    }
  }
}

/** Of one run of a job. */
export interface RunJobOptions {
  /** Of the server of the jobs, with the login that they have not. */
  readonly client: FtpClient
  /** Cancels it; it rejects with `signal.reason`, and may be run again. */
  readonly signal?: AbortSignal | undefined
  /** How many connections work for it at once; as of a mirror. @default 4 */
  readonly connections?: number | 'auto' | undefined
  /** Listeners, attached before anything happens. */
  readonly on?: TransferListeners | undefined
}

const RUN_OPTIONS: OptionNames<RunJobOptions> = { client: true, signal: true, connections: true, on: true }

/**
 * Does one job of {@link planMirror}, and says what it did.
 *
 * ```ts
 * const result = await runJob(job, { client, signal })
 * if (result.type === 'directory') for (const next of result.jobs) await queue.add(next.type, next)
 * ```
 *
 * The client is of the job's server: `new FtpClient(new URL('/', job.source), { user, password })`.
 *
 * A job that is run twice, by two at once, or once more after it was killed half-way, leaves the right files: what is
 * there already is looked at and left. Two at once may reject with `ERR_FTP_LOCAL_FILE`, of which the later one finds
 * the work done when it is tried again.
 *
 * Resolves with what could not be done in `failures`; rejects with an `FtpError` where nothing could, with the reason of
 * the abort, and with `ERR_FTP_SOURCE_CHANGED` where a range is of another version than was planned: its directory is to
 * be planned anew. What is no job, or not of the client's server, is a `TypeError`, thrown at once.
 */
export function runJob(job: MirrorJob, options: RunJobOptions): Transfer<MirrorJobResult> {
  const { client, signal, connections, on } = optionsObject(options, 'options', RUN_OPTIONS)
  const checked = checkJob(job)
  const location: FtpUrl = parseFtpUrl(checked.source)
  expectSameServer(client, {}, location)
  return startMirrorJob(client, checked, location.path, {
    ...mirrorOptions(checked.options),
    ...{ signal, connections, on },
  })
}

/** What differs from the defaults, as data. */
function jobOptions(given: PlanMirrorOptions): MirrorJobOptions {
  const { include, exclude, compare, newerThan, overwrite, maxDepth, preserveModified } = given
  expectGlobs(given, 'include')
  expectGlobs(given, 'exclude')
  const symlinks = oneOf(given, 'symlinks', 'skip', ['skip', 'recreate'])
  const filesPerJob = wholeNumber(given, 'filesPerJob', 0, 1, 10_000)
  const rangeBytes = limit(given, 'rangeBytes', undefined)
  if (rangeBytes !== undefined && rangeBytes < LEAST_RANGE_BYTES)
    throw new RangeError(`Option "rangeBytes" is ${rangeBytes}; it must be at least ${LEAST_RANGE_BYTES}`)
  const newerThanMs = newerThan?.getTime()
  return withoutUndefined({
    ...{ include, exclude, compare, newerThanMs, overwrite, preserveModified },
    symlinks: symlinks === 'skip' ? undefined : symlinks,
    maxDepth: maxDepth === Infinity ? undefined : maxDepth,
    filesPerJob: filesPerJob === 0 ? undefined : filesPerJob,
    rangeBytes: rangeBytes === Infinity ? undefined : rangeBytes,
  })
}

function mirrorOptions(options: MirrorJobOptions): MirrorOptions {
  const { include, exclude, compare, newerThanMs, overwrite, symlinks, maxDepth, preserveModified } = options
  const newerThan = newerThanMs === undefined ? undefined : new Date(newerThanMs)
  return { include, exclude, compare, newerThan, overwrite, symlinks, maxDepth, preserveModified }
}

function expectGlobs(given: PlanMirrorOptions, name: 'include' | 'exclude'): void {
  const patterns: unknown = given[name]
  if (!Array.isArray(patterns)) return // Anything else is told by the checks of a mirror.
  const index = patterns.findIndex((pattern) => typeof pattern === 'function')
  if (index >= 0)
    throw new TypeError(`Option "${name}[${index}]" is a function; it must be a glob, since a job is data`)
}

function withoutUndefined<T extends object>(options: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Name in keyof T]?: Exclude<T[Name], undefined> }
}
