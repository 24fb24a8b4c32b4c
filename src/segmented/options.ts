/** What a download may be told. */
import { checkedListeners, type TransferListeners } from '../transfer/events.ts'
import {
  abortSignal,
  flag,
  number,
  oneOf,
  optionsObject,
  wholeNumber,
  type OptionNames,
} from '../util/validate.ts'
import { checksumSettings, type ChecksumSettings, type ExpectedChecksums } from './verify-checksum.ts'

/** Of a download. */
export interface DownloadOptions {
  /** Cancels the download; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
  /**
   * How many connections fetch the file at once, up to the client's `maxConnections`; or `'auto'`: begins with four
   * and doubles them as long as that brings more. `transfer.setConnections()` changes it. @default 4
   */
  readonly connections?: number | 'auto' | undefined
  /** Bytes; a file shorter than twice this is fetched by one connection. @default 1 MiB */
  readonly minSegmentSize?: number | undefined
  /**
   * Go on with what an earlier run of the same download left beside the target, if the source has not changed.
   * `false`: begin at 0 and leave nothing to go on with. @default true
   */
  readonly resume?: boolean | undefined
  /**
   * What becomes of a file that stands at the target: replaced when the new one is whole, the download skipped,
   * or `ERR_FTP_LOCAL_FILE`. @default 'replace'
   */
  readonly overwrite?: 'replace' | 'skip' | 'error' | undefined
  /**
   * Whether a download that fails or is cancelled leaves what it has for a later run. `'auto'`: if it can be
   * continued and more than 1 MiB is there. @default 'auto'
   */
  readonly keepPartial?: boolean | 'auto' | undefined
  /** The most bytes a second; `transfer.setLimit()` changes it. @default Infinity */
  readonly bytesPerSecond?: number | undefined
  /** What is compared before the file gets its name. */
  readonly verify?: DownloadVerification | undefined
  /** Give the file the server's modification time. @default true */
  readonly preserveModified?: boolean | undefined
  /**
   * `'ascii'` has the server send text with CR LF line ends, which become the system's own; `'ebcdic'` has it send
   * EBCDIC, which stays as it is. Either is fetched by one connection, and its size is not checked. @default 'binary'
   */
  readonly type?: 'binary' | 'ascii' | 'ebcdic' | undefined
  /** Listeners, attached before anything happens. */
  readonly on?: TransferListeners | undefined
}

/** What a download compares. */
export interface DownloadVerification {
  /**
   * SIZE before and after, against the bytes received. `false` for a server whose SIZE is wrong: one connection
   * fetches what the server sends until it says that it is done. @default true
   */
  readonly size?: boolean | undefined
  /** MDTM before and after. @default true */
  readonly modified?: boolean | undefined
  /** `'auto'`: the server's own checksum of the file, by the strongest algorithm that it offers. @default false */
  readonly checksum?: false | 'auto' | undefined
  /** Checksums in hexadecimal that the file must have, such as `{ sha256: '…' }`. @default none */
  readonly expect?: ExpectedChecksums | undefined
}

export interface DownloadSettings {
  readonly signal: AbortSignal | undefined
  readonly connections: number | 'auto'
  /** The client's cap, and that of `'auto'`. */
  readonly maxConnections: number
  readonly minSegmentSize: number
  readonly resume: boolean
  readonly overwrite: 'replace' | 'skip' | 'error'
  readonly keepPartial: boolean | 'auto'
  readonly bytesPerSecond: number
  readonly verifySize: boolean
  readonly verifyModified: boolean
  readonly checksum: ChecksumSettings
  readonly preserveModified: boolean
  readonly type: 'binary' | 'ascii' | 'ebcdic'
  readonly on: TransferListeners
}

export const DOWNLOAD_DEFAULTS: Readonly<{
  connections: number
  minSegmentSize: number
  resume: boolean
  overwrite: 'replace' | 'skip' | 'error'
  keepPartial: boolean | 'auto'
  preserveModified: boolean
  type: 'binary' | 'ascii' | 'ebcdic'
  verify: Readonly<{ size: boolean; modified: boolean; checksum: false }>
}> = Object.freeze({
  connections: 4,
  minSegmentSize: 1_048_576,
  resume: true,
  overwrite: 'replace',
  keepPartial: 'auto',
  preserveModified: true,
  type: 'binary',
  verify: Object.freeze({ size: true, modified: true, checksum: false }),
})

/** Those that have a default, and the others. */
export const DOWNLOAD_OPTIONS: OptionNames<DownloadOptions> = {
  ...DOWNLOAD_DEFAULTS,
  signal: true,
  bytesPerSecond: true,
  on: true,
}

const VERIFICATION_OPTIONS: OptionNames<DownloadVerification> = { ...DOWNLOAD_DEFAULTS.verify, expect: true }

/** Throws a `TypeError` or `RangeError` that names the option. */
export function downloadSettings(
  options: DownloadOptions | undefined,
  maxConnections: number,
): DownloadSettings {
  const given = optionsObject(options, 'options', DOWNLOAD_OPTIONS)
  const verify = optionsObject(given.verify, 'verify', VERIFICATION_OPTIONS)
  const defaults = DOWNLOAD_DEFAULTS
  return Object.freeze({
    signal: abortSignal(given),
    connections: connectionsOption(given, maxConnections),
    maxConnections,
    minSegmentSize: wholeNumber(given, 'minSegmentSize', defaults.minSegmentSize, 1, Number.MAX_SAFE_INTEGER),
    resume: flag(given, 'resume', defaults.resume),
    overwrite: oneOf(given, 'overwrite', defaults.overwrite, ['replace', 'skip', 'error']),
    keepPartial: keepPartial(given),
    bytesPerSecond: number(given, 'bytesPerSecond', Infinity, 1, Infinity),
    verifySize: flag(verify, 'verify.size', defaults.verify.size),
    verifyModified: flag(verify, 'verify.modified', defaults.verify.modified),
    checksum: checksumSettings(verify),
    preserveModified: flag(given, 'preserveModified', defaults.preserveModified),
    type: oneOf(given, 'type', defaults.type, ['binary', 'ascii', 'ebcdic']),
    on: checkedListeners(given.on),
  })
}

/** Also of one-shots, whose client is made for it. */
export function connectionsOption(
  given: Pick<DownloadOptions, 'connections'>,
  maxConnections: number,
): number | 'auto' {
  if (given.connections === 'auto') return 'auto'
  const { connections } = DOWNLOAD_DEFAULTS
  return wholeNumber(given, 'connections', Math.min(connections, maxConnections), 1, maxConnections)
}

function keepPartial(given: DownloadOptions): boolean | 'auto' {
  const value = given.keepPartial
  if (value === undefined || value === 'auto') return value ?? DOWNLOAD_DEFAULTS.keepPartial
  return flag(given, 'keepPartial', true)
}
