/** From what the operating system says of a local file to an error that a person can act on. */
import { FtpTransferError } from '../errors.ts'

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'there is no permission to write there',
  EPERM: 'there is no permission to write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file system does not hold files of that size',
  EMFILE: 'too many files are open',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'the name is too long',
}

const READ_ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'there is no permission to read it',
  EISDIR: 'it is a folder',
  ELOOP: 'it is a link',
  EMFILE: 'too many files are open',
}

/** `ERR_FTP_LOCAL_FILE` for a failed operation on `path`. */
export function localError(cause: unknown, path: string): FtpTransferError {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const advice = ADVICE[code] ?? (cause as Error).message
  return new FtpTransferError('ERR_FTP_LOCAL_FILE', `Cannot write ${path}: ${advice}`, { cause, path })
}

/** The same for one that only reads. */
export function readError(cause: unknown, path: string): FtpTransferError {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  return unreadable(path, READ_ADVICE[code] ?? (cause as Error).message, cause)
}

/** `ERR_FTP_LOCAL_FILE` for something at `path` that is not read. */
export function unreadable(path: string, why: string, cause?: unknown): FtpTransferError {
  return new FtpTransferError('ERR_FTP_LOCAL_FILE', `Cannot read ${path}: ${why}`, { path, cause })
}

/** The same, unless it is one already. */
export function asLocalError(error: unknown, path: string): FtpTransferError {
  return error instanceof FtpTransferError ? error : localError(error, path)
}

/** `ERR_FTP_LOCAL_FILE` for something at `path` that we do not touch. */
export function refused(path: string, why: string): FtpTransferError {
  return new FtpTransferError('ERR_FTP_LOCAL_FILE', `Cannot write ${path}: ${why}`, { path })
}

/** What it is about is not there. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}

export function hasCode(codes: ReadonlySet<string>, error: unknown): boolean {
  return codes.has((error as NodeJS.ErrnoException).code ?? '')
}
