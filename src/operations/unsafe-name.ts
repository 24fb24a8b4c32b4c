/** The error for a name that a server lists in a directory and that would mean something else if it were sent. */
import { FtpTransferError } from '../errors.ts'
import { printable } from '../protocol/text.ts'

const LONGEST_SHOWN = 200

/** @param directory where it is listed; the one of the login where that is empty */
export function unsafeName(name: string, directory: string): FtpTransferError {
  const shown = printable(name, LONGEST_SHOWN)
  const where = directory === '' ? 'The directory of the login' : `"${printable(directory, LONGEST_SHOWN)}"`
  const message = `${where} lists "${shown}", by which nothing in it can be asked for`
  return new FtpTransferError('ERR_FTP_UNSAFE_PATH', message, { path: directory, actual: shown })
}
