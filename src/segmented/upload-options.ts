/** What an upload may be told. */
import { checkedListeners, type TransferListeners } from '../transfer/events.ts'
import { abortSignal, flag, number, oneOf, optionsObject, type OptionNames } from '../util/validate.ts'
import type { TransferSettings } from '../transfer/transfer.ts'

/** Of an upload. */
export interface UploadOptions {
  /** Cancels the upload; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
  /**
   * Go on with what an earlier attempt has left on the server, if it is the beginning of what is sent: compared by the
   * server's checksum, or where it has none by the last 64 KiB. For local files and bytes. With `atomic` the other name
   * is the path and `.octoftp-part` (a hash, where the name would grow too long), and stays when the upload fails.
   * @default false
   */
  readonly resume?: boolean | undefined
  /** Add to the end of the remote file (APPE) instead of replacing it. @default false */
  readonly append?: boolean | undefined
  /**
   * Send it under another name, and rename it when it is whole: until then an older file stands as it was.
   * @default false
   */
  readonly atomic?: boolean | undefined
  /** What becomes of a remote file of that name: replaced, or `ERR_FTP_EXISTS`. @default 'replace' */
  readonly overwrite?: 'replace' | 'error' | undefined
  /**
   * `'auto'`: the server's SIZE has to be right where it tells one. `'require'`: it has to tell one. `false`: it is not
   * asked. @default 'auto'
   */
  readonly verify?: 'auto' | 'require' | false | undefined
  /** `'auto'`: the server's checksum has to be right, where it makes one (HASH, XSHA256, …). @default false */
  readonly checksum?: false | 'auto' | undefined
  /** Tell the server the size before (ALLO, RFC 959 §4.1.3), for those that want to know. @default false */
  readonly allocate?: boolean | undefined
  /** Give the remote file the local one's modification time, where the server can. @default true */
  readonly preserveModified?: boolean | undefined
  /** The most bytes a second; `transfer.setLimit()` changes it. @default Infinity */
  readonly bytesPerSecond?: number | undefined
  /**
   * `'ascii'`: the server converts line ends; `'ebcdic'`: it converts to its own character set. Of either the size is
   * not checked. @default 'binary'
   */
  readonly type?: 'binary' | 'ascii' | 'ebcdic' | undefined
  /** Listeners, attached before anything happens. */
  readonly on?: TransferListeners | undefined
}

export const UPLOAD_OPTIONS: OptionNames<UploadOptions> = {
  signal: true,
  resume: true,
  append: true,
  atomic: true,
  overwrite: true,
  verify: true,
  checksum: true,
  allocate: true,
  preserveModified: true,
  bytesPerSecond: true,
  type: true,
  on: true,
}

export interface UploadSettings extends TransferSettings {
  readonly resume: boolean
  readonly append: boolean
  readonly atomic: boolean
  readonly overwrite: 'replace' | 'error'
  readonly verify: 'auto' | 'require' | false
  readonly checksum: false | 'auto'
  readonly allocate: boolean
  readonly preserveModified: boolean
  readonly type: 'binary' | 'ascii' | 'ebcdic'
}

/** Throws a `TypeError` or `RangeError` that names the option. */
export function uploadSettings(options: UploadOptions | undefined): UploadSettings {
  const given = optionsObject(options, 'options', UPLOAD_OPTIONS)
  const settings = {
    signal: abortSignal(given),
    resume: flag(given, 'resume', false),
    append: flag(given, 'append', false),
    atomic: flag(given, 'atomic', false),
    overwrite: oneOf(given, 'overwrite', 'replace', ['replace', 'error']),
    verify: given.verify === false ? false : oneOf(given, 'verify', 'auto', ['auto', 'require']),
    checksum: checksumMode(given),
    allocate: flag(given, 'allocate', false),
    preserveModified: flag(given, 'preserveModified', true),
    bytesPerSecond: number(given, 'bytesPerSecond', Infinity, 1, Infinity),
    type: oneOf(given, 'type', 'binary', ['binary', 'ascii', 'ebcdic']),
    on: checkedListeners(given.on),
  } as const
  if (settings.append && settings.atomic) {
    throw new TypeError('Options "append" and "atomic" exclude each other: a new name has no end to add to')
  }
  if (settings.resume && settings.append) {
    throw new TypeError(
      'Options "resume" and "append" exclude each other: what is there would be taken for its beginning',
    )
  }
  if (settings.resume && settings.type !== 'binary') {
    throw new TypeError('Option "resume" needs type \'binary\': converted text cannot be compared')
  }
  if (settings.resume && settings.overwrite === 'error' && !settings.atomic) {
    throw new TypeError(
      'Options "resume" and "overwrite: \'error\'" exclude each other, but for atomic uploads',
    )
  }
  return Object.freeze(settings)
}

function checksumMode(given: UploadOptions): false | 'auto' {
  return given.checksum === undefined || given.checksum === false
    ? false
    : oneOf<'auto'>(given, 'checksum', 'auto', ['auto'])
}
