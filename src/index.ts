/**
 * octoftp: an FTP and FTPS client that fetches a file by several connections, and never hands back a wrong one.
 *
 * @module
 */
export { download, type DownloadSource, type OneShotDownloadOptions } from './one-shots.ts'
export {
  FtpClient,
  type AskOptions,
  type ListOptions,
  type MakeDirectoryOptions,
  type ReadFileOptions,
  type ReadStreamOptions,
  type RemoveOptions,
} from './client.ts'
export { DEFAULTS, type FtpClientOptions } from './options.ts'
export type { Entry, EntryType } from './listing/entry.ts'
export type { ModifiedPrecision } from './listing/modified.ts'
export { hashFile, type HashFileOptions, type HashProgress } from './local/hash-file.ts'
export type { ChecksumAlgorithm } from './protocol/checksum.ts'
export { parseSources } from './protocol/sources.ts'
export type { Bandwidth } from './transfer/bandwidth-history.ts'
export type { ExpectedChecksums } from './segmented/verify-checksum.ts'
export type { DownloadOptions, DownloadVerification } from './segmented/options.ts'
export type {
  DownloadResult,
  MatchedChecksum,
  SourceResult,
  VerifiedState,
} from './segmented/download-result.ts'
export type { UploadOptions } from './segmented/upload-options.ts'
export type { UploadData } from './segmented/upload-source.ts'
export type { UploadResult } from './segmented/upload.ts'
export type { TransferTls } from './segmented/tls-tally.ts'
export type { RetryPolicy } from './operations/retry.ts'
export type { RemotePath } from './session/session.ts'
export type { Security, Timeouts } from './session/options.ts'
export type { TlsOptions } from './tls/secure-options.ts'
export type { PassiveHostRule } from './protocol/endpoint.ts'
export type { PoolStats } from './pool/events.ts'
export type { ClientProgress } from './transfer/together.ts'
export { Transfer } from './transfer/transfer.ts'
export type {
  SegmentProgress,
  TransferEvents,
  TransferListeners,
  TransferProgress,
  TransferState,
} from './transfer/events.ts'
export {
  FtpConnectionError,
  FtpError,
  FtpProtocolError,
  FtpReplyError,
  FtpTimeoutError,
  FtpTlsError,
  FtpTransferError,
  type ConnectAttempt,
  type FtpErrorCode,
  type ReplyFacts,
  type TimeoutPhase,
} from './errors.ts'
