/** What a source says of itself before and after: the two must agree, or what was fetched is a mixture. */
import { FtpTransferError } from '../errors.ts'
import type { FileFacts } from '../session/facts.ts'

/** `ERR_FTP_SOURCE_CHANGED` if the facts differ where both are known. */
export function expectUnchanged(before: FileFacts, after: FileFacts, shownPath: string): void {
  if (before.size !== undefined && after.size !== undefined && before.size !== after.size) {
    throw changed(shownPath, 'size', before.size, after.size)
  }
  if (before.modified && after.modified && before.modified.getTime() !== after.modified.getTime()) {
    throw changed(shownPath, 'modification time', before.modified.toISOString(), after.modified.toISOString())
  }
}

function changed(
  path: string,
  what: string,
  expected: number | string,
  actual: number | string,
): FtpTransferError {
  const message = `${path} changed while it was fetched: its ${what} was ${expected} and is ${actual}`
  return new FtpTransferError('ERR_FTP_SOURCE_CHANGED', message, { path, expected, actual, retryable: true })
}
