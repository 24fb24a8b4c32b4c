/**
 * A remote file, or a part of it, as a Node stream: RETR into the stream, with its back-pressure.
 *
 * Goes on by REST where a connection is lost, and then compares the last bytes with those that were handed on. A
 * failed stream is destroyed with its error and never ends as if it were whole.
 */
import { Readable } from 'node:stream'
import type { DataReceiver } from '../connection/receiver.ts'
import { LimitedReceiver } from '../connection/limited-receiver.ts'
import { FtpTransferError } from '../errors.ts'
import { size as sizeOf } from '../session/facts.ts'
import { retrieve } from '../session/retrieve.ts'
import type { RemotePath, Session, TransferType } from '../session/session.ts'
import type { BandwidthLimit } from '../transport/bandwidth.ts'
import { onAbort } from '../util/abort.ts'
import type { OptionNames } from '../util/validate.ts'
import { ASK_OPTIONS, type AskOptions } from './calls.ts'
import { explainRefusal, isAmbiguous } from './explain-refusal.ts'
import type { Holder } from './holders.ts'
import { RetryBudget, type RetryPolicy } from './retry.ts'
import { endLease } from './session-pool.ts'
import { waitToRetry, withSession, type SessionSource } from './with-session.ts'

export interface ReadStreamOptions extends AskOptions {
  /** The first byte, from 0. @default 0 */
  readonly start?: number | undefined
  /** The last byte, which belongs to it, as in `node:fs`. @default that of the file */
  readonly end?: number | undefined
  /** How many bytes are read ahead of the consumer. @default 1 MiB */
  readonly highWaterMark?: number | undefined
}

export const READ_STREAM_OPTIONS: OptionNames<ReadStreamOptions> = {
  ...ASK_OPTIONS,
  start: true,
  end: true,
  highWaterMark: true,
}

/** Of `readFile`. */
export interface ReadFileOptions extends Omit<ReadStreamOptions, 'highWaterMark'> {
  /** Gives text in place of bytes. */
  readonly encoding?: BufferEncoding | undefined
}

export const READ_FILE_OPTIONS: OptionNames<ReadFileOptions> = {
  ...ASK_OPTIONS,
  start: true,
  end: true,
  encoding: true,
}

export interface ReadPlace {
  readonly pool: SessionSource
  readonly retry: RetryPolicy
  readonly limit: BandwidthLimit
  readonly remote: RemotePath
  /** The remote path for messages. */
  readonly shownPath: string
  /** @default 'I' */
  readonly type?: TransferType | undefined
}

export interface ReadRange {
  /** The first byte, from 0. */
  readonly start: number
  /** The byte behind the last one; `Infinity` for the end of the file. */
  readonly end: number
}

const CHUNK_BYTES = 65_536
/** What has to come again the same where the stream goes on. */
const OVERLAP_BYTES = 4_096

export class RemoteReadStream extends Readable implements Holder {
  /** For {@link Holder}. */
  readonly what: string
  readonly #place: ReadPlace
  readonly #range: ReadRange
  readonly #controller = new AbortController()
  #stopListening: () => void = () => {}
  #isRunning = false
  #receiver: StreamReceiver | undefined
  #size: number | undefined
  /** Handed on so far. */
  #bytes = 0
  /** The last of them. */
  #last: Buffer = Buffer.alloc(0)

  constructor(place: ReadPlace, range: ReadRange, signal: AbortSignal | undefined, highWaterMark: number) {
    super({ highWaterMark })
    this.what = `a stream of "${place.shownPath}"`
    this.#place = place
    this.#range = range
    // Not by Node's option: that makes an error of its own of the reason.
    this.#stopListening = onAbort(signal, (reason) => this.destroy(reason as Error))
  }

  get idleSince(): number | undefined {
    return this.#receiver?.pausedSince
  }

  override _read(): void {
    if (this.#isRunning) return this.#receiver?.resume()
    this.#isRunning = true
    this.#run().then(
      () => this.push(null),
      (error: unknown) => this.destroy(error as Error),
    )
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stopListening()
    this.#controller.abort(error ?? new Error('The stream was destroyed'))
    done(error)
  }

  async #run(): Promise<void> {
    const { pool, retry } = this.#place
    const { signal } = this.#controller
    let budget: RetryBudget | undefined
    for (;;) {
      const { lease } = await withSession(pool, { signal, retry }, () => Promise.resolve())
      const letGo = pool.hold?.(this)
      try {
        await this.#fetch(lease.value)
        lease.release()
        return
      } catch (error) {
        const telling = await this.#explained(lease.value, error)
        endLease(lease, error)
        signal.throwIfAborted()
        budget ??= new RetryBudget(retry, this.#size, Math.random)
        letGo?.()
        const delayMs = budget.delayAfter(telling, this.#bytes)
        pool.onRetry?.({ attempt: budget.failures, delayMs, error: telling })
        await waitToRetry(pool, delayMs, signal)
      } finally {
        letGo?.()
      }
    }
  }

  async #fetch(session: Session): Promise<void> {
    const { remote, limit, type = 'I' } = this.#place
    const { signal } = this.#controller
    const { start } = this.#range
    // The size of a text is not that of what comes of it.
    const size = type === 'I' ? await session.abortable(signal, () => sizeOf(session, remote)) : undefined
    if (this.#bytes > 0 && size !== this.#size) throw this.#changed()
    this.#size = size
    const end = Math.min(this.#range.end, size ?? Infinity)
    const wanted = end - start - this.#bytes
    // An empty file is fetched all the same: some servers tell 0 where they do not know.
    if (wanted < 0 || (wanted === 0 && end > 0)) return
    const isCut = end < (size ?? Infinity)
    const receiver = new StreamReceiver(this, this.#last, wanted, isCut && end !== Infinity)
    const limited = new LimitedReceiver(receiver, [limit])
    const offset = start + this.#bytes - this.#last.length
    this.#receiver = receiver
    try {
      const result = await retrieve(session, {
        ...{ path: remote, type, offset, receiver: limited, signal, endsAtEnd: end === Infinity },
        isWhole: () => receiver.isWhole,
      })
      if (receiver.isMismatch) throw this.#changed()
      // Also where the server has answered REST and begins elsewhere nevertheless.
      if (receiver.isTooMuch && !isCut && !(await this.#hasGrown(session, end))) throw this.#tooMuch(end)
      const isWhole = end === Infinity ? result.outcome === 'complete' : receiver.isWhole
      // Where the size is not known, the end may be before the end of the part that was asked for.
      if (!isWhole && !(size === undefined && result.outcome === 'complete')) throw this.#truncated(end)
    } finally {
      limited.dispose()
      this.#receiver = undefined
      this.#bytes += receiver.bytes
      this.#last = receiver.last
    }
  }

  /**
   * Whether the file goes on behind what was asked for, all of which has come. Where that began with REST, more may have
   * come of the part before, too: then SIZE is the same as it was.
   */
  async #hasGrown(session: Session, end: number): Promise<boolean> {
    if (this.#range.end !== end) return false
    if (this.#range.start === 0) return true
    const { signal } = this.#controller
    const size = await session.abortable(signal, async () => {
      await session.settled() // The last reply to what was cut is still to come.
      return await sizeOf(session, this.#place.remote)
    })
    return size !== undefined && size > end
  }

  async #explained(session: Session, error: unknown): Promise<unknown> {
    if (!isAmbiguous(error) || !session.control.isOpen) return error
    const { remote, shownPath } = this.#place
    const explain = (): Promise<unknown> => explainRefusal(session, remote, shownPath, error, false)
    return session.abortable(this.#controller.signal, explain).catch(() => error)
  }

  #truncated(end: number): FtpTransferError {
    const { shownPath: path } = this.#place
    const offset = this.#range.start + this.#bytes
    const message = `${path} ended before its end`
    const facts = { path, offset, expected: end === Infinity ? undefined : end, actual: offset }
    return new FtpTransferError('ERR_FTP_TRUNCATED', message, { ...facts, retryable: true })
  }

  #tooMuch(expected: number): FtpTransferError {
    const { shownPath: path } = this.#place
    const message = `${path} is larger than the size that the server tells: more than ${expected} bytes came`
    return new FtpTransferError('ERR_FTP_SIZE_MISMATCH', message, { path, expected })
  }

  #changed(): FtpTransferError {
    const { shownPath: path } = this.#place
    const message = `${path} changed while it was read: where it was to go on, other bytes came than before`
    return new FtpTransferError('ERR_FTP_SOURCE_CHANGED', message, { path, offset: this.#bytes })
  }
}

/** Hands on what comes, behind what has to come once more. */
class StreamReceiver implements DataReceiver {
  /** Handed on by this one. */
  bytes = 0
  isMismatch = false
  /** Since when its consumer wants no more, by `performance.now()`. */
  pausedSince: number | undefined
  /** Whether more came than was wanted. */
  isTooMuch = false
  /** The last bytes that were handed on, by whomever. */
  last: Buffer
  readonly #stream: Readable
  readonly #wanted: number
  readonly #isCut: boolean
  readonly #known: Buffer
  #compared = 0
  #room: Buffer = Buffer.alloc(0)
  #resume: () => void = () => {}

  /**
   * @param known has to come again before anything is handed on
   * @param wanted bytes behind that; where `isCut`, the connection is cut behind them
   */
  constructor(stream: Readable, known: Buffer, wanted: number, isCut: boolean) {
    this.#stream = stream
    this.#known = this.last = known
    this.#wanted = wanted
    this.#isCut = isCut
  }

  get isWhole(): boolean {
    return !this.isMismatch && this.bytes >= this.#wanted
  }

  space(): Uint8Array {
    if (this.#room.length === 0) this.#room = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    return this.#room
  }

  received(count: number): 'more' | 'pause' | 'stop' {
    // A chunk is the consumer's from here on: it is not read into again.
    const chunk = this.#room.subarray(0, count)
    this.#room = this.#room.subarray(count)
    const again = Math.min(chunk.length, this.#known.length - this.#compared)
    const expected = this.#known.subarray(this.#compared, this.#compared + again)
    this.isMismatch = !chunk.subarray(0, again).equals(expected)
    if (this.isMismatch) return 'stop'
    this.#compared += again
    const fresh = chunk.subarray(again, again + this.#wanted - this.bytes)
    this.isTooMuch = again + fresh.length < chunk.length
    this.bytes += fresh.length
    this.#remember(fresh)
    const wantsMore = fresh.length === 0 || this.#stream.push(fresh)
    if (!this.isWhole) {
      if (!wantsMore) this.pausedSince = performance.now()
      return wantsMore ? 'more' : 'pause'
    }
    return this.#isCut || this.isTooMuch ? 'stop' : 'more'
  }

  onResume(resume: () => void): void {
    this.#resume = resume
  }

  resume(): void {
    this.pausedSince = undefined
    this.#resume()
  }

  /** A copy: the consumer may do with its chunks what it likes. */
  #remember(chunk: Buffer): void {
    const recent = chunk.length >= OVERLAP_BYTES ? chunk : Buffer.concat([this.last, chunk])
    this.last = Buffer.from(recent.subarray(-OVERLAP_BYTES))
  }
}
