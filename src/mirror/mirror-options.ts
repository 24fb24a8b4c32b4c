/** What a mirror may be told. */
import {
  connectionsOption,
  DOWNLOAD_DEFAULTS,
  downloadSettings,
  type DownloadSettings,
  type DownloadVerification,
} from '../segmented/options.ts'
import { checkedListeners, type TransferListeners } from '../transfer/events.ts'
import {
  abortSignal,
  dateMs,
  flag,
  limit,
  number,
  oneOf,
  optionsObject,
  type OptionNames,
} from '../util/validate.ts'
import { mirrorFilter, type Filter, type MirrorPattern } from './filter.ts'

/** Of a mirror, in either direction. */
export interface MirrorOptions {
  /** Cancels the mirror; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
  /**
   * How many connections work at once, for listings and files together, up to the client's `maxConnections`; or
   * `'auto'`: begins with eight and doubles them as long as that brings more. `transfer.setConnections()` changes it.
   * @default 4
   */
  readonly connections?: number | 'auto' | undefined
  /**
   * Only files that match one of these are taken. Directories are made and entered all the same, unless they are
   * excluded. An empty array is as none. @default all
   */
  readonly include?: readonly MirrorPattern[] | undefined
  /**
   * What matches one of these is left out, on both sides, whatever `include` says; a directory with all that is in it.
   * @default nothing
   */
  readonly exclude?: readonly MirrorPattern[] | undefined
  /**
   * By what a file that is there is found equal, and not transferred. `'size+modified'`: times are compared as exactly
   * as both sides know them, with 2 seconds of slack; where the target cannot have the time of its source, one that is
   * not older is equal; where a time is not known, the size alone counts, and the other way round. `'size'`: the size
   * alone. `'checksum'`: by that of both sides, where the sizes do not differ. `'always'`: none is equal.
   * @default 'size+modified'
   */
  readonly compare?: 'size+modified' | 'size' | 'checksum' | 'always' | undefined
  /**
   * Files of the source that were last changed at this time or before are not transferred, and what the target has of
   * their names stays. One of which only the minute or the day is known counts by the end of that. @default all are
   */
  readonly newerThan?: Date | undefined
  /**
   * What becomes of something at the target that is not as the source has it: replaced, skipped, or refused with
   * `ERR_FTP_LOCAL_FILE` (down) or `ERR_FTP_EXISTS` (up). A directory is replaced by a file, and a file by a directory,
   * with `delete` alone. @default 'replace'
   */
  readonly overwrite?: 'replace' | 'skip' | 'error' | undefined
  /**
   * Delete what the target has and the source has not, but for what is excluded; last of all, and only if all
   * directories could be listed. @default false
   */
  readonly delete?: boolean | undefined
  /** With `delete`: delete what is excluded, too. @default false */
  readonly deleteExcluded?: boolean | undefined
  /** With `delete`: go on where the source is empty, and so delete all. @default false */
  readonly allowEmptySource?: boolean | undefined
  /**
   * With `delete`: how many entries may be deleted; for more, `ERR_FTP_DELETE_REFUSED`, and none is. Files have been
   * transferred by then all the same. `Infinity` for no limit. @default half of the target's, at least 10
   */
  readonly maxDelete?: number | undefined
  /** Only tell what would be done. @default false */
  readonly dryRun?: boolean | undefined
  /**
   * Symbolic links of the source: `'skip'`; `'follow'`, what they lead to is mirrored, and `ERR_FTP_UNSAFE_PATH` (up:
   * `ERR_FTP_LOCAL_FILE`) for one that leads nowhere, or back to a directory above it; or `'recreate'`, they are links
   * at the target, too: down, but for those that lead out of it; up, each is a failure, as FTP makes none. Servers that
   * list links as what they lead to are followed. A link at the target is never entered nor written through.
   * @default 'skip'
   */
  readonly symlinks?: 'skip' | 'follow' | 'recreate' | undefined
  /**
   * How deep directories are entered: 0 for the files of the first one alone. Deeper ones are neither made nor deleted.
   * @default Infinity; but `ERR_FTP_LISTING_TOO_LARGE` for a directory of a server that is more than 64 deep
   */
  readonly maxDepth?: number | undefined
  /** After a failure with one entry: go on with the others, and tell at the end; or stop. @default 'continue' */
  readonly onError?: 'stop' | 'continue' | undefined
  /** Give files the modification time of their sources. @default true */
  readonly preserveModified?: boolean | undefined
  /** Of large files, as of a download. @default 1 MiB */
  readonly minSegmentSize?: number | undefined
  /** Of large files: go on with what an earlier run left of one. @default true */
  readonly resume?: boolean | undefined
  /** Of large files that are fetched, as of a download. @default 'auto' */
  readonly keepPartial?: boolean | 'auto' | undefined
  /**
   * What is compared of each file, as of a download; of files that are sent, by SIZE and by the server's checksum. With
   * `checksum` small files go one by one.
   */
  readonly verify?: Omit<DownloadVerification, 'expect'> | undefined
  /** The most bytes a second, of all files together; `transfer.setLimit()` changes it. @default Infinity */
  readonly bytesPerSecond?: number | undefined
  /** Listeners, attached before anything happens. */
  readonly on?: TransferListeners | undefined
}

export interface MirrorSettings {
  readonly signal: AbortSignal | undefined
  readonly connections: number | 'auto'
  /** The client's cap, and that of `'auto'`. */
  readonly maxConnections: number
  readonly filter: Filter
  readonly compare: 'size+modified' | 'size' | 'checksum' | 'always'
  /** Milliseconds since 1970. */
  readonly newerThanMs: number | undefined
  readonly overwrite: 'replace' | 'skip' | 'error'
  readonly delete: boolean
  readonly deleteExcluded: boolean
  readonly allowEmptySource: boolean
  /** `undefined`: half of the target's entries, at least 10. */
  readonly maxDelete: number | undefined
  readonly dryRun: boolean
  readonly symlinks: 'skip' | 'follow' | 'recreate'
  readonly maxDepth: number
  readonly onError: 'stop' | 'continue'
  readonly preserveModified: boolean
  /** Of each file that goes by itself. */
  readonly files: DownloadSettings
  readonly bytesPerSecond: number
  readonly on: TransferListeners
}

export const MIRROR_DEFAULTS: Readonly<{
  connections: number
  compare: 'size+modified' | 'size' | 'checksum' | 'always'
  overwrite: 'replace' | 'skip' | 'error'
  delete: boolean
  deleteExcluded: boolean
  allowEmptySource: boolean
  dryRun: boolean
  symlinks: 'skip' | 'follow' | 'recreate'
  maxDepth: number
  onError: 'stop' | 'continue'
  preserveModified: boolean
  minSegmentSize: number
  resume: boolean
  keepPartial: boolean | 'auto'
  verify: Readonly<{ size: boolean; modified: boolean; checksum: false }>
}> = Object.freeze({
  connections: DOWNLOAD_DEFAULTS.connections,
  compare: 'size+modified',
  overwrite: 'replace',
  delete: false,
  deleteExcluded: false,
  allowEmptySource: false,
  dryRun: false,
  symlinks: 'skip',
  maxDepth: Infinity,
  onError: 'continue',
  preserveModified: true,
  minSegmentSize: DOWNLOAD_DEFAULTS.minSegmentSize,
  resume: DOWNLOAD_DEFAULTS.resume,
  keepPartial: DOWNLOAD_DEFAULTS.keepPartial,
  verify: DOWNLOAD_DEFAULTS.verify,
})

/** Those that have a default, and the others. */
export const MIRROR_OPTIONS: OptionNames<MirrorOptions> = {
  ...MIRROR_DEFAULTS,
  signal: true,
  include: true,
  exclude: true,
  newerThan: true,
  maxDelete: true,
  bytesPerSecond: true,
  on: true,
}

/** Throws a `TypeError` or `RangeError` that names the option. */
export function mirrorSettings(options: MirrorOptions | undefined, maxConnections: number): MirrorSettings {
  const given = optionsObject(options, 'options', MIRROR_OPTIONS)
  const defaults = MIRROR_DEFAULTS
  return Object.freeze({
    signal: abortSignal(given),
    connections: connectionsOption(given, maxConnections),
    maxConnections,
    filter: mirrorFilter(given),
    compare: oneOf(given, 'compare', defaults.compare, ['size+modified', 'size', 'checksum', 'always']),
    newerThanMs: dateMs(given, 'newerThan'),
    overwrite: oneOf(given, 'overwrite', defaults.overwrite, ['replace', 'skip', 'error']),
    delete: flag(given, 'delete', defaults.delete),
    deleteExcluded: flag(given, 'deleteExcluded', defaults.deleteExcluded),
    allowEmptySource: flag(given, 'allowEmptySource', defaults.allowEmptySource),
    maxDelete: limit(given, 'maxDelete', undefined),
    dryRun: flag(given, 'dryRun', defaults.dryRun),
    symlinks: oneOf(given, 'symlinks', defaults.symlinks, ['skip', 'follow', 'recreate']),
    maxDepth: limit(given, 'maxDepth', defaults.maxDepth),
    onError: oneOf(given, 'onError', defaults.onError, ['stop', 'continue']),
    preserveModified: flag(given, 'preserveModified', defaults.preserveModified),
    files: fileSettings(given, maxConnections),
    bytesPerSecond: number(given, 'bytesPerSecond', Infinity, 1, Infinity),
    on: checkedListeners(given.on),
  })
}

/** What stands at the target has been looked at: that is not for the download of a file to judge. */
function fileSettings(given: MirrorOptions, maxConnections: number): DownloadSettings {
  const { connections, minSegmentSize, resume, keepPartial, preserveModified } = given
  const verify = optionsObject(given.verify, 'verify', MIRROR_DEFAULTS.verify)
  return downloadSettings(
    {
      ...{ connections: connections === 'auto' ? maxConnections : connections, minSegmentSize, resume },
      ...{ keepPartial, verify, preserveModified },
      overwrite: given.overwrite === undefined || given.overwrite === 'replace' ? 'replace' : 'error',
    },
    maxConnections,
  )
}
