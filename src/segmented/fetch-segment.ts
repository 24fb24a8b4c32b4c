/** One attempt at what is left of one segment, on one session. */
import { FtpTransferError } from '../errors.ts'
import { LimitedReceiver } from '../connection/limited-receiver.ts'
import type { PartFile } from '../local/part-file.ts'
import { retrieve, type RetrieveResult } from '../session/retrieve.ts'
import type { RemotePath, Session, TransferType } from '../session/session.ts'
import type { BandwidthLimit } from '../transport/bandwidth.ts'
import type { SegmentJob } from './job.ts'
import { RestartDistrusted, ResumeDistrusted, SeamDisagreement } from './restart.ts'
import { SegmentWriter } from './segment-writer.ts'
import { TextWriter } from './text-writer.ts'

export interface FetchSource {
  readonly path: RemotePath
  /** The path for messages. */
  readonly shownPath: string
  readonly type: TransferType
  /** Bytes; `undefined` where the end of the file is where the server says it is. */
  readonly size: number | undefined
}

export interface FetchHooks {
  readonly signal: AbortSignal
  readonly onFirstByte: () => void
  /** All of them hold; first those that the fewest share. */
  readonly limits: readonly BandwidthLimit[]
}

export interface FetchResult extends RetrieveResult {
  /** Bytes that were read past the end of the segment. */
  readonly excessBytes: number
}

/**
 * Leaves every byte that arrived on disk and in `job.position`, whether it succeeds or not. Rejects with
 * `ERR_FTP_TRUNCATED`, {@link RestartDistrusted}, `ERR_FTP_LOCAL_FILE`, or as `retrieve` does.
 */
export async function fetchSegment(
  session: Session,
  job: SegmentJob,
  source: FetchSource,
  file: PartFile,
  { signal, onFirstByte, limits }: FetchHooks,
): Promise<FetchResult> {
  // A continuation begins a little before where it left off, and has to bring the same bytes again.
  const own = Math.min(job.repeatedBytes, job.position - job.start)
  const back = own === 0 ? job.knownBytes : own
  const known = back === 0 ? new Uint8Array(0) : await file.read(job.position - back, back)
  const writer = writerFor(job, source, file, known, onFirstByte)
  const receiver = new LimitedReceiver(writer, limits)
  const offset = job.position - known.length
  job.live = writer
  try {
    const result = await retrieve(session, {
      path: source.path,
      type: source.type,
      offset,
      receiver,
      isWhole: () => writer.isWhole,
      endsAtEnd: source.size === undefined,
      signal,
    })
    receiver.dispose()
    await writer.finish()
    if (writer.stopped === 'mismatch' && own === 0) throw distrust(job, known)
    expectWhole(writer, job, source, result, offset > 0 && back === 0)
    job.overlap = writer.overlap.slice()
    return { ...result, excessBytes: writer.excessBytes }
  } catch (error) {
    receiver.dispose()
    // What has arrived is kept; a local failure on top of another is the one to be mended first.
    await writer.finish()
    throw error
  } finally {
    job.position = writer.written
    job.live = undefined
  }
}

/** What stood before the segment is another's, or an earlier run's. */
function distrust(job: SegmentJob, known: Uint8Array): Error {
  if (job.knownBy === undefined) return new ResumeDistrusted(job.start)
  return new SeamDisagreement(job.start - known.length, known.slice(), job.knownBy, job.by)
}

function writerFor(
  job: SegmentJob,
  source: FetchSource,
  file: PartFile,
  known: Uint8Array,
  onFirstByte: () => void,
): SegmentWriter | TextWriter {
  if (source.type === 'A') return new TextWriter(file)
  return new SegmentWriter({ file, start: job.position, until: job, known, onFirstByte })
}

function expectWhole(
  writer: SegmentWriter | TextWriter,
  job: SegmentJob,
  source: FetchSource,
  result: RetrieveResult,
  isUnvouched: boolean,
): void {
  if (writer.stopped === 'mismatch') {
    throw new RestartDistrusted(`the bytes before ${job.position} came differently the second time`)
  }
  if (writer.stopped === 'excess')
    throw new RestartDistrusted(`more came than the file has from ${job.start} on`)
  const isAtEnd = source.size === undefined ? result.outcome === 'complete' : writer.isWhole
  if (isAtEnd) return
  // Nothing shows that this one began where it was told to, and a server that began further on ends like this.
  if (source.size !== undefined && isUnvouched && result.outcome === 'complete') {
    throw new RestartDistrusted(`from ${job.start} on, fewer bytes came than the file has`)
  }
  const { shownPath: path } = source
  const message = `${path} ended at byte ${writer.position} although the segment runs to ${job.end}`
  throw new FtpTransferError('ERR_FTP_TRUNCATED', message, {
    path,
    offset: writer.position,
    expected: job.end,
    actual: writer.position,
    retryable: true,
    cause: result.doubt,
  })
}
