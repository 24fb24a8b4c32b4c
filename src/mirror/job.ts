/**
 * The work of a mirror in pieces that are plain data: to be done by whoever takes them, on whichever machine, in
 * whichever order, and once more where it is not known whether it was done. The outcome is the same.
 */
import { createHash } from 'node:crypto'
import type { TreeEntry } from '../local/tree-entry.ts'
import type { MirrorOptions } from './mirror-options.ts'
import type { MirrorFailure } from './mirror-result.ts'

/** What every job holds. `JSON.stringify` and `JSON.parse` change nothing of it. */
export interface MirrorJobBase {
  /** 32 digits (base 16): those of another job of the same work are the same, those of other work are others. */
  readonly id: string
  /** The URL of the directory that is mirrored. There is no password in it. */
  readonly source: string
  /** The local directory that is made like it. A worker that has it elsewhere may change it. */
  readonly target: string
  /** How. */
  readonly options: MirrorJobOptions
}

/** Of the options of a plan, those that its jobs need; what is as by default is missing. */
export interface MirrorJobOptions {
  /** Globs of files that are taken. */
  readonly include?: readonly string[]
  /** Globs of what is left out. */
  readonly exclude?: readonly string[]
  /** By what a file that is there is found equal. */
  readonly compare?: MirrorOptions['compare']
  /** Milliseconds since 1970, UTC: files that were last changed then or before are left out. */
  readonly newerThanMs?: number
  /** What becomes of something that is not as the source has it. */
  readonly overwrite?: MirrorOptions['overwrite']
  /** What becomes of symbolic links. */
  readonly symlinks?: 'skip' | 'recreate'
  /** How deep directories are entered. */
  readonly maxDepth?: number
  /** Whether files get the times of their sources. */
  readonly preserveModified?: boolean
  /** How many small files one job has at most. */
  readonly filesPerJob?: number
  /** Larger files are cut into ranges of about so many bytes. */
  readonly rangeBytes?: number
}

/** A file as the listing of its directory told it. What is not known is missing. */
export interface MirrorJobFile {
  /** From the root of the mirror, names joined by `/`. */
  readonly path: string
  /** Bytes. */
  readonly size?: number
  /** Milliseconds since 1970, UTC. */
  readonly modifiedMs?: number
  /** How finely the time was told. */
  readonly precision?: NonNullable<TreeEntry['precision']>
}

/** A file whose size the listing told. */
export interface SizedJobFile extends MirrorJobFile {
  /** Bytes. */
  readonly size: number
}

/** A directory is to be listed and made; its result holds the jobs for what is in it. */
export interface DirectoryJob extends MirrorJobBase {
  /** Which kind it is. */
  readonly type: 'directory'
  /** From the root of the mirror; `''` for the root. */
  readonly path: string
  /** What the server tells the directories above it by, as far as it does: one that comes again is not entered. */
  readonly above: readonly (string | null)[]
}

/** Files are to be brought over: one, or several small ones of one directory. */
export interface FilesJob extends MirrorJobBase {
  /** Which kind it is. */
  readonly type: 'files'
  /** Those that differed when they were listed. */
  readonly files: readonly MirrorJobFile[]
}

/**
 * A range of a large file is to be brought to its place. Whoever brings the last one gives the file its name; so all of
 * them need one directory `target`, on storage that they share.
 */
export interface RangeJob extends MirrorJobBase {
  /** Which kind it is. */
  readonly type: 'range'
  /** The file. Its size is known. */
  readonly file: SizedJobFile
  /** Which of its ranges, from 0. */
  readonly index: number
  /** How many there are. */
  readonly count: number
  /** The first byte. */
  readonly start: number
  /** The byte behind the last one. */
  readonly end: number
}

/** One piece of a mirror's work: by `type`. */
export type MirrorJob = DirectoryJob | FilesJob | RangeJob

/** What a {@link DirectoryJob} has come to. */
export interface DirectoryJobResult {
  /** Of which kind the job was. */
  readonly type: 'directory'
  /** What is to be done next. */
  readonly jobs: readonly MirrorJob[]
  /** Files, and links that were to be made, that are the same on both sides. */
  readonly equal: number
  /** What is left out on purpose. */
  readonly skipped: number
  /** Symbolic links that were made. */
  readonly linksMade: number
  /** What is not to be done, or could not be, each with its error. */
  readonly failures: readonly MirrorFailure[]
}

/** What a {@link FilesJob} has come to. */
export interface FilesJobResult {
  /** Of which kind the job was. */
  readonly type: 'files'
  /** Files brought over. */
  readonly transferred: number
  /** Files that were there already. */
  readonly equal: number
  /** Of the files brought over. */
  readonly bytes: number
  /** What could not be brought, each with its error: the job done once more does the rest. */
  readonly failures: readonly MirrorFailure[]
}

/** What a {@link RangeJob} has come to. */
export interface RangeJobResult {
  /** Of which kind the job was. */
  readonly type: 'range'
  /** Bytes that it brought: 0 where they were there. */
  readonly bytes: number
  /** Whether the file has got its name. */
  readonly isFileWhole: boolean
}

/** What a job has come to: by `type`. */
export type MirrorJobResult = DirectoryJobResult | FilesJobResult | RangeJobResult

/** What is the same in all jobs of a mirror. */
export type JobRoot = Pick<MirrorJobBase, 'source' | 'target' | 'options'>

/** A job of its own kind, with its id. That of the target is not in it: it may be elsewhere on each machine. */
export function jobOf<Work extends object>(root: JobRoot, work: Work): Work & MirrorJobBase {
  const { source, target, options } = root
  return { id: digitsOf([source, options, work], 32), source, target, options, ...work }
}

/** Eight digits that are others for another version of the file, and for other ranges. */
export function rangeKey({ file, count }: RangeJob): string {
  const { size, modifiedMs, precision } = file
  return digitsOf([size, modifiedMs, precision, count], 8)
}

/** So many digits (base 16), the same for the same data. */
function digitsOf(data: readonly unknown[], count: number): string {
  return createHash('sha256').update(JSON.stringify(data)).digest('hex').slice(0, count)
}

/** Throws a `TypeError` for what is no job: it has come a long way. */
export function checkJob(job: unknown): MirrorJob {
  const given = objectOf(job, 'A job')
  for (const name of ['id', 'source', 'target'] as const) expect(typeof given[name] === 'string', name)
  objectOf(given['options'], 'A job\'s "options"')
  switch (given['type']) {
    case 'directory':
      expect(given['path'] === '' || isPath(given['path']), 'path')
      expect(Array.isArray(given['above']) && given['above'].every(isIdentity), 'above')
      break
    case 'files':
      expect(Array.isArray(given['files']) && given['files'].every(isFile), 'files')
      break
    case 'range':
      expectRange(given)
      break
    default:
      throw new TypeError('A job\'s "type" must be one of "directory", "files", "range"')
  }
  return job as MirrorJob
}

function expectRange(given: Readonly<Record<string, unknown>>): void {
  const { file, index, count, start, end } = given
  expect(isFile(file) && file.size !== undefined, 'file')
  expect(isCount(count) && count > 0, 'count')
  expect(isCount(index) && index < count, 'index')
  expect(isCount(start) && isCount(end) && start < end && end <= (file.size ?? 0), 'start" and "end')
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>
  throw new TypeError(`${what} must be an object, as planMirror() gives it`)
}

function expect(holds: boolean, name: string): asserts holds {
  if (!holds) throw new TypeError(`A job's "${name}" is not as planMirror() gives it`)
}

function isFile(value: unknown): value is MirrorJobFile {
  if (typeof value !== 'object' || value === null) return false
  const { path, size, modifiedMs } = value as Record<string, unknown>
  return (
    isPath(path) &&
    (size === undefined || isCount(size)) &&
    (modifiedMs === undefined || Number.isSafeInteger(modifiedMs))
  )
}

/** Names that mean no other directory. */
function isPath(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.split('/').every((name) => name !== '' && name !== '.' && name !== '..')
  )
}

function isIdentity(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
