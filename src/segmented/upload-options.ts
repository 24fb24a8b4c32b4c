/** What an upload may be told. */
import { checkedListeners, type TransferListeners } from '../transfer/events.ts'
import { abortSignal, flag, number, oneOf, optionsObject } from '../util/validate.ts'
import type { TransferSettings } from '../transfer/transfer.ts'

export interface UploadOptions {
  /** Cancels the upload; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
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
  /** Give the remote file the local one's modification time, where the server can. @default true */
  readonly preserveModified?: boolean | undefined
  /** The most bytes a second; `transfer.setLimit()` changes it. @default Infinity */
  readonly bytesPerSecond?: number | undefined
  /** `'ascii'`: the server converts line ends; the size is not checked. @default 'binary' */
  readonly type?: 'binary' | 'ascii' | undefined
  /** Listeners, attached before anything happens. */
  readonly on?: TransferListeners | undefined
}

export interface UploadSettings extends TransferSettings {
  readonly append: boolean
  readonly atomic: boolean
  readonly overwrite: 'replace' | 'error'
  readonly verify: 'auto' | 'require' | false
  readonly preserveModified: boolean
  readonly type: 'binary' | 'ascii'
}

/** Throws a `TypeError` or `RangeError` that names the option. */
export function uploadSettings(options: UploadOptions | undefined): UploadSettings {
  const given = optionsObject(options, 'options')
  const settings = {
    signal: abortSignal(given),
    append: flag(given, 'append', false),
    atomic: flag(given, 'atomic', false),
    overwrite: oneOf(given, 'overwrite', 'replace', ['replace', 'error']),
    verify: given.verify === false ? false : oneOf(given, 'verify', 'auto', ['auto', 'require']),
    preserveModified: flag(given, 'preserveModified', true),
    bytesPerSecond: number(given, 'bytesPerSecond', Infinity, 1, Infinity),
    type: oneOf(given, 'type', 'binary', ['binary', 'ascii']),
    on: checkedListeners(optionsObject(given.on, 'on')),
  } as const
  if (settings.append && settings.atomic) {
    throw new TypeError('Options "append" and "atomic" exclude each other: a new name has no end to add to')
  }
  return Object.freeze(settings)
}
