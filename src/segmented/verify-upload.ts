/** Whether what the server has now is what was sent; and the time that it gets. */
import { FtpReplyError, FtpTransferError } from '../errors.ts'
import type { UploadSource } from '../operations/upload-source.ts'
import { strongestShared } from '../protocol/checksum.ts'
import { NO_FEATURES } from '../protocol/features.ts'
import { checksumOf } from '../session/checksum.ts'
import { size as sizeOf } from '../session/facts.ts'
import { setModificationTime } from '../session/files.ts'
import type { RemotePath, Session } from '../session/session.ts'
import type { EmitTransferEvent } from '../transfer/events.ts'
import { digestOf, type RunningDigest } from './bytes-there.ts'
import type { MatchedChecksum, VerifiedState } from './download-result.ts'
import type { UploadSettings } from './upload-options.ts'

export interface SentFile {
  /** Where it was sent to. */
  readonly path: RemotePath
  /** The path for messages. */
  readonly shownPath: string
  /** What its size has to be, in bytes. */
  readonly size: number
  readonly source: UploadSource
  /** Of what was sent, where it cannot be read again. */
  readonly digest: RunningDigest | undefined
  readonly settings: UploadSettings
}

export interface UploadVerification {
  readonly verified: {
    /** SIZE behind it against the bytes sent. */
    readonly size: VerifiedState
    /** Whether the remote file has got the local one's modification time. */
    readonly modified: VerifiedState
    /** The server's checksum against that of what was sent. */
    readonly checksum: VerifiedState
  }
  /** The checksum that matched. */
  readonly checksum: MatchedChecksum | undefined
}

/** Rejects with `ERR_FTP_SIZE_MISMATCH` or `ERR_FTP_CHECKSUM_MISMATCH`. */
export async function verifyUpload(
  session: Session,
  sent: SentFile,
  emit: EmitTransferEvent,
): Promise<UploadVerification> {
  const size = await sizeState(session, sent)
  emit('verify', { check: 'size', outcome: size })
  const { state, matched } = await checksumState(session, sent)
  emit('verify', { check: 'checksum', outcome: state })
  const modified = await timeState(session, sent)
  emit('verify', { check: 'modified', outcome: modified })
  return { verified: { size, modified, checksum: state }, checksum: matched }
}

async function sizeState(session: Session, sent: SentFile): Promise<VerifiedState> {
  const { path, shownPath, size: expected, settings } = sent
  if (settings.verify === false || settings.type !== 'binary') return 'not asked'
  const actual = await sizeOf(session, path)
  if (actual === expected) return 'matched'
  if (actual === undefined && settings.verify === 'auto') return 'unavailable'
  const told = actual === undefined ? 'the server does not tell its size' : `the server has ${actual}`
  const message = `${shownPath} was sent with ${expected} bytes, and ${told}`
  throw new FtpTransferError('ERR_FTP_SIZE_MISMATCH', message, { path: shownPath, expected, actual })
}

async function checksumState(
  session: Session,
  { path, shownPath, size, source, digest, settings }: SentFile,
): Promise<{ readonly state: VerifiedState; readonly matched: MatchedChecksum | undefined }> {
  if (settings.checksum === false) return { state: 'not asked', matched: undefined }
  const algorithm = digest?.algorithm ?? strongestShared(session.profile.features ?? NO_FEATURES)
  if (algorithm === undefined) return { state: 'unavailable', matched: undefined }
  const { checksum: timeoutMs } = session.options.timeouts
  const [actual, expected] = await Promise.all([
    checksumOf(session, path, algorithm, { size, timeoutMs }),
    digest?.value() ?? digestOf(source, algorithm),
  ])
  if (actual === undefined) return { state: 'unavailable', matched: undefined }
  if (actual === expected) {
    return { state: 'matched', matched: { algorithm, value: actual, origin: 'server' } }
  }
  const message = `The ${algorithm} of ${shownPath} is ${actual} on the server, and ${expected} of what was sent`
  throw new FtpTransferError('ERR_FTP_CHECKSUM_MISMATCH', message, { path: shownPath, expected, actual })
}

async function timeState(session: Session, { path, source, settings }: SentFile): Promise<VerifiedState> {
  const { modified } = source
  if (modified === undefined || !settings.preserveModified) return 'not asked'
  const year = modified.getUTCFullYear()
  if (!(year >= 0 && year <= 9_999)) return 'unavailable'
  try {
    await setModificationTime(session, path, modified)
    return 'matched'
  } catch (error) {
    if (error instanceof FtpReplyError && error.reply.code !== 421) return 'unavailable'
    throw error
  }
}
