/**
 * octoftp: an FTP and FTPS client that fetches a file by several connections, and never hands back a wrong one.
 *
 * @module octoftp
 */
export {
  download,
  list,
  mirror,
  upload,
  type DownloadSource,
  type OneShotDownloadOptions,
  type OneShotListOptions,
  type OneShotMirrorOptions,
  type OneShotUploadOptions,
} from './one-shots.ts'
export { FtpClient, type ChecksumRangeOptions } from './client.ts'
export type {
  Action as MirrorAction,
  CompareChecksumAction,
  DeleteAction,
  EqualAction,
  EqualRule,
  LinkAction,
  MakeDirectoryAction,
  RefuseAction,
  SkipAction,
  SkipReason,
  TransferAction,
  TransferReason,
} from './mirror/action.ts'
export type { TreeEntry } from './local/tree-entry.ts'
export type { MirrorPattern } from './mirror/filter.ts'
export type { MirrorOptions } from './mirror/mirror-options.ts'
export type { MirrorFailure, MirrorResult } from './mirror/mirror-result.ts'
export type { AskOptions } from './operations/calls.ts'
export {
  FtpSession,
  type CommandOptions,
  type SessionTransferOptions,
  type SessionTypeOptions,
} from './operations/ftp-session.ts'
export type { ListOptions } from './operations/list.ts'
export type { MakeDirectoryOptions } from './operations/make-directory.ts'
export type { ReadFileOptions, ReadStreamOptions } from './operations/read-stream.ts'
export type { RemoveOptions } from './operations/remove.ts'
export type { ServerFacts } from './operations/server-facts.ts'
export type { WalkOptions } from './operations/walk.ts'
export type { WriteStreamOptions } from './operations/write-stream.ts'
export type { ClientEvents } from './observe/client-events.ts'
export type { TransferFacts } from './observe/trace-transfer.ts'
export { writeTranscript, type ClientEmitter } from './observe/transcript.ts'
export { DEFAULTS, type FtpClientOptions } from './options.ts'
export type { Entry, EntryType } from './listing/entry.ts'
export { parseListing, type ParseListingOptions } from './listing/parse-listing.ts'
export type { ModifiedPrecision } from './listing/modified.ts'
export { hashFile, type HashFileOptions, type HashProgress } from './local/hash-file.ts'
export { unsafeName } from './local/safe-name.ts'
export type { ChecksumAlgorithm } from './protocol/checksum.ts'
export type { ServerFeatures } from './protocol/features.ts'
export { parseSources } from './protocol/sources.ts'
export { printable } from './protocol/text.ts'
export { parseFtpUrl, type FtpScheme, type FtpSecurity, type FtpUrl } from './protocol/url.ts'
export type { Bandwidth } from './transfer/bandwidth-history.ts'
export type { DropReason } from './segmented/source.ts'
export type { ExpectedChecksums } from './segmented/verify-checksum.ts'
export type { DownloadOptions, DownloadVerification } from './segmented/options.ts'
export type {
  DownloadResult,
  MatchedChecksum,
  SourceResult,
  VerifiedState,
} from './segmented/download-result.ts'
export type { UploadOptions } from './segmented/upload-options.ts'
export type { UploadData } from './operations/upload-source.ts'
export type { UploadResult } from './segmented/upload.ts'
export type { TransferTls } from './segmented/tls-tally.ts'
export type { RetryPolicy } from './operations/retry.ts'
export type { RemotePath } from './session/session.ts'
export type { KeepAlive, Security, Timeouts } from './session/options.ts'
export type { Connect, ConnectTarget } from './transport/connect.ts'
export type { FtpProxy, FtpProxyLogin } from './transport/proxy/ftp-proxy.ts'
export type { TlsOptions } from './tls/secure-options.ts'
export type { PassiveHostRule } from './protocol/endpoint.ts'
export type { PoolStats } from './pool/events.ts'
export type { ClientProgress } from './transfer/together.ts'
export {
  planMirror,
  runJob,
  type PlanMirrorOptions,
  type PlanOptions,
  type RunJobOptions,
} from './mirror-jobs.ts'
export type {
  DirectoryJob,
  DirectoryJobResult,
  FilesJob,
  FilesJobResult,
  MirrorJob,
  MirrorJobBase,
  MirrorJobFile,
  MirrorJobOptions,
  MirrorJobResult,
  RangeJob,
  RangeJobResult,
  SizedJobFile,
} from './mirror/job.ts'
export { TransferQueue, type QueueTime, type TransferQueueOptions } from './transfer/queue.ts'
export type { QueueTotals, TransferQueueEvents } from './transfer/queue-events.ts'
export type { QueuedTransfer, QueuedTransferOptions, QueuedTransferState } from './transfer/queue-item.ts'
export { Transfer } from './transfer/transfer.ts'
export type {
  FilesProgress,
  MirrorEntryEvent,
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
  type FtpConnectionErrorCode,
  type FtpErrorCode,
  type FtpErrorDetails,
  type FtpProtocolErrorCode,
  type FtpReplyErrorCode,
  type FtpTimeoutErrorCode,
  type FtpTlsErrorCode,
  type FtpTransferErrorCode,
  type ReplyFacts,
  type TimeoutPhase,
} from './errors.ts'
