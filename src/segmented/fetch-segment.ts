/** One attempt at what is left of one segment, on one session, and at those that the connection goes on with. */
import { FtpTransferError } from '../errors.ts'
import { LimitedReceiver } from '../connection/limited-receiver.ts'
import type { DataReceiver } from '../connection/receiver.ts'
import type { PartFile } from '../local/part-file.ts'
import { retrieve, type RetrieveRequest, type RetrieveResult } from '../session/retrieve.ts'
import type { RemotePath, Session, TransferType } from '../session/session.ts'
import type { BandwidthLimit } from '../transport/bandwidth.ts'
import type { SegmentJob } from './job.ts'
import { Relay } from './relay.ts'
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
  /** Told, when all is over, of a TLS handshake that was done, also where the segment fails. */
  readonly onSecured: NonNullable<RetrieveRequest['onSecured']>
  /** All of them hold; first those that the fewest share. */
  readonly limits: readonly BandwidthLimit[]
  /**
   * All of a segment has come, and bytes up to `from`: what the connection goes on with, if it does; the same
   * segment if its end has been moved.
   */
  readonly goOn: (from: number) => SegmentJob | undefined
  /** Told when a segment from which the connection went on is on disk. */
  readonly onPassed: (job: SegmentJob) => void
}

export interface FetchResult extends RetrieveResult {
  /** Bytes that were read past the end of the segment. */
  readonly excessBytes: number
}

/**
 * Leaves every byte that arrived on disk and in the segments' `position`, whether it succeeds or not. Rejects with
 * `ERR_FTP_TRUNCATED`, {@link RestartDistrusted}, `ERR_FTP_LOCAL_FILE`, or as `retrieve` does. All but the last
 * segment have been told to `onPassed` then, or are the reason of the failure.
 */
export async function fetchSegment(
  session: Session,
  first: SegmentJob,
  source: FetchSource,
  file: PartFile,
  hooks: FetchHooks,
): Promise<FetchResult> {
  // A continuation begins a little before where it left off, and has to bring the same bytes again.
  const own = Math.min(first.repeatedBytes, first.position - first.start)
  const back = own === 0 ? first.knownBytes : own
  const known = back === 0 ? new Uint8Array(0) : await file.read(first.position - back, back)
  const offset = first.position - known.length
  const stretch = new Stretch(first, source, file, known, hooks)
  const receiver = new LimitedReceiver(stretch.receiver, hooks.limits)
  try {
    const result = await retrieve(session, {
      path: source.path,
      type: source.type,
      offset,
      receiver,
      isWhole: () => stretch.writer.isWhole,
      endsAtEnd: source.size === undefined,
      onSecured: hooks.onSecured,
      signal: hooks.signal,
    })
    receiver.dispose()
    const { writer, job } = stretch
    await stretch.finish()
    if (writer.stopped === 'mismatch' && own === 0) throw distrust(job, known)
    expectWhole(writer, job, source, result, offset > 0 && back === 0)
    job.overlap = writer.overlap.slice()
    return { ...result, excessBytes: writer.excessBytes }
  } catch (error) {
    receiver.dispose()
    // What has arrived is kept; a local failure on top of another is the one to be mended first.
    await stretch.finish()
    throw error
  } finally {
    stretch.job.position = stretch.writer.written
    stretch.job.live = undefined
  }
}

/** One segment after another, as one connection brings them. */
class Stretch {
  readonly receiver: DataReceiver
  /** The one that is being received, and who writes it. */
  job: SegmentJob
  writer: SegmentWriter | TextWriter
  readonly #file: PartFile
  readonly #hooks: FetchHooks
  readonly #passing: Promise<void>[] = []
  #onward: SegmentJob | undefined

  constructor(job: SegmentJob, source: FetchSource, file: PartFile, known: Uint8Array, hooks: FetchHooks) {
    this.job = job
    this.#file = file
    this.#hooks = hooks
    if (source.type === 'A') {
      this.receiver = this.writer = new TextWriter(file)
    } else {
      const writer = this.#writerOf(job, known, hooks.onFirstByte)
      this.writer = writer
      this.receiver = new Relay(writer, () => this.#next())
    }
    job.live = this.writer
  }

  /** Waits until everything is written. Rejects with the error of a failed write. */
  async finish(): Promise<void> {
    // None of them may be writing any more when the file is closed.
    const ends = await Promise.allSettled([...this.#passing, this.writer.finish()])
    const failure = ends.find((end) => end.status === 'rejected')
    if (failure !== undefined) throw failure.reason
  }

  #writerOf(job: SegmentJob, known: Uint8Array, onFirstByte?: () => void): SegmentWriter {
    return new SegmentWriter({
      ...{ file: this.#file, start: job.position, until: job, known, onFirstByte },
      onEnd: (from) => {
        const next = this.#hooks.goOn(from)
        // The same, and longer: it is received on by its own writer.
        this.#onward = next === job ? undefined : next
      },
    })
  }

  #next(): SegmentWriter | undefined {
    const { job, writer } = this
    const next = this.#onward
    if (next === undefined) return undefined
    this.#onward = undefined
    this.#passing.push(this.#pass(job, writer))
    const successor = this.#writerOf(next, new Uint8Array(0))
    this.job = next
    this.writer = successor
    next.live = successor
    return successor
  }

  async #pass(job: SegmentJob, writer: SegmentWriter | TextWriter): Promise<void> {
    try {
      await writer.finish()
      job.overlap = writer.overlap.slice()
    } finally {
      job.position = writer.written
      job.live = undefined
    }
    this.#hooks.onPassed(job)
  }
}

/** What stood before the segment is another's, or an earlier run's. */
function distrust(job: SegmentJob, known: Uint8Array): Error {
  if (job.knownBy === undefined) return new ResumeDistrusted(job.start)
  return new SeamDisagreement(job.start - known.length, known.slice(), job.knownBy, job.by)
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
