/**
 * An upload from the first question to the checked file.
 *
 *   exists? ─► STOR or APPE ─► SIZE ─► MFMT ─► RNFR, RNTO        the last two where they are asked for
 *
 * Nothing but STOR is needed: a server that refuses SIZE, or moves the file away at once, is no failure. A source that
 * can be read again is sent again where the connection was lost, from where the server says that it has come to.
 */
import { FtpReplyError, FtpTransferError } from '../errors.ts'
import type { Calls } from '../operations/calls.ts'
import { explained } from '../operations/explain-path.ts'
import { list } from '../operations/list.ts'
import { RetryBudget } from '../operations/retry.ts'
import { endLease } from '../operations/session-pool.ts'
import type { UploadSource } from '../operations/upload-source.ts'
import { stat } from '../operations/stat.ts'
import { withSession } from '../operations/with-session.ts'
import type { Lease } from '../pool/lease.ts'
import { deleteFile, setModificationTime } from '../session/files.ts'
import { size as sizeOf } from '../session/facts.ts'
import type { RemotePath, Session } from '../session/session.ts'
import { store, type StoreResult } from '../session/store.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import { delay, startTimer } from '../util/timer.ts'
import type { VerifiedState } from './download-result.ts'
import { besides, PuttingInPlace } from './put-in-place.ts'
import type { SourcePlace } from './source.ts'
import { TlsTally, type TransferTls } from './tls-tally.ts'
import type { UploadSettings } from './upload-options.ts'

export interface UploadResult {
  /** The remote path, as it was given. */
  readonly path: RemotePath
  /** Of the source. */
  readonly bytes: number
  /** Bytes that were sent more than once, since a connection was lost. */
  readonly resentBytes: number
  readonly elapsedSeconds: number
  readonly averageBytesPerSecond: number
  /** `undefined` for a plain connection. */
  readonly tls: TransferTls | undefined
  readonly verified: {
    /** SIZE behind it against the bytes sent. */
    readonly size: VerifiedState
    /** Whether the remote file has got the local one's modification time. */
    readonly modified: VerifiedState
  }
}

export interface UploadRequest {
  readonly place: SourcePlace
  readonly source: () => Promise<UploadSource>
  readonly settings: UploadSettings
}

/** Does the upload. */
export async function runUpload(request: UploadRequest, context: TransferContext): Promise<UploadResult> {
  context.enter('connecting')
  await using source = await request.source()
  return await new Upload(request, source, context).run()
}

class Upload {
  readonly #place: SourcePlace
  readonly #settings: UploadSettings
  readonly #source: UploadSource
  readonly #context: TransferContext
  readonly #tally = new TlsTally()
  readonly #progress: { start: number; end: number; arrived: number }
  /** Where the bytes go: the path itself, or another name beside it. */
  readonly #path: RemotePath
  #resent = 0
  #placing: PuttingInPlace | undefined
  /** The size of the remote file before, where it is added to. */
  #before = 0
  /** The size of an older file that may be there still. */
  #older: number | undefined
  /** Whether the server has refused to take anything but a whole file. */
  #isWholeWanted = false
  /** Whether a STOR of ours has begun, so that what stands there is ours. */
  #hasBegun = false

  constructor({ place, settings }: UploadRequest, source: UploadSource, context: TransferContext) {
    this.#place = place
    this.#settings = settings
    this.#source = source
    this.#context = context
    this.#path = settings.atomic ? besides(place.remote) : place.remote
    this.#progress = { start: 0, end: source.size ?? Infinity, arrived: 0 }
    context.meter.total = source.size
    context.meter.segments = () => [this.#progress]
  }

  async run(): Promise<UploadResult> {
    const { remote } = this.#place
    try {
      await this.#prepare()
      this.#context.enter('transferring')
      const bytes = await this.#sendAll()
      this.#throwIfShorter(bytes)
      this.#context.enter('verifying')
      const verified = await this.#ask((session) => this.#check(session, bytes))
      if (this.#settings.atomic) await this.#putInPlace(bytes)
      const { elapsedSeconds, averageBytesPerSecond } = this.#context.meter.snapshot()
      return {
        ...{ path: remote, bytes, resentBytes: this.#resent, elapsedSeconds, averageBytesPerSecond },
        ...{ tls: this.#tally.result(), verified },
      }
    } catch (error) {
      if (this.#settings.atomic && this.#hasBegun) await this.#removeRest()
      throw error
    }
  }

  async #prepare(): Promise<void> {
    const { overwrite, append, atomic } = this.#settings
    const { remote } = this.#place
    if (overwrite === 'error' && !append) await this.#throwIfThere()
    if (append) this.#before = (await this.#ask((session) => sizeOf(session, remote))) ?? 0
    else if (this.#isWorthGoingOn && !atomic)
      this.#older = await this.#ask((session) => sizeOf(session, this.#path))
  }

  /** By SIZE; where a server without it says no, that says nothing. */
  async #throwIfThere(): Promise<void> {
    const { pool, codec, retry, remote, shownPath } = this.#place
    const { signal } = this.#context
    const [there, isSure] = await this.#ask(async (session) => {
      const hasSize = session.profile.features?.has('SIZE') === true
      return [await sizeOf(session, remote), hasSize] as const
    })
    if (there !== undefined) throw this.#exists(there)
    if (isSure) return
    const calls: Calls = {
      codec,
      ask: (work) => this.#ask(work),
      list: (path) => list({ pool, retry, path, shownPath, timeZone: 'UTC', signal }),
    }
    const entry = await unlessMissing(stat(calls, remote, shownPath))
    if (entry !== undefined) throw this.#exists(entry.size)
  }

  /** Whether a broken attempt is gone on with. What the server keeps of it has to be told from an older file. */
  get #isWorthGoingOn(): boolean {
    const { isRepeatable, size = 0 } = this.#source
    const { append, type } = this.#settings
    return isRepeatable && size >= WORTH_GOING_ON_BYTES && !append && type !== 'ascii'
  }

  /** Sends the source, again where a connection was lost and that can be mended. Gives its bytes. */
  async #sendAll(): Promise<number> {
    const { signal, emit } = this.#context
    const budget = new RetryBudget(this.#place.retry, this.#source.size, Math.random)
    for (let from = 0; ;) {
      const { lease } = await this.#withSession(() => Promise.resolve())
      try {
        return from + (await this.#send(lease, from))
      } catch (error) {
        endLease(lease, error)
        signal.throwIfAborted()
        const delayMs = this.#delayAfter(budget, error, from)
        emit('retry', { attempt: budget.failures, delayMs, error })
        await delay(delayMs, signal)
        const arrived = this.#progress.arrived
        from = await this.#whereToGoOn()
        this.#resent += Math.max(0, arrived - from)
        this.#progress.arrived = from
        if (from > 0 && from === this.#source.size) return from
      }
    }
  }

  #delayAfter(budget: RetryBudget, error: unknown, from: number): number {
    // What was read of a stream does not come again; and what an APPE has added is not to be added twice.
    const isLost = this.#hasBegun && (!this.#source.isRepeatable || this.#settings.append)
    if (isLost) throw error
    const isRefused = error instanceof FtpReplyError && error.reply.code !== 421
    if (isRefused && from > 0 && this.#progress.arrived === from) {
      // ProFTPD, unless told otherwise, answers REST with 350, and the STOR behind it with 451.
      this.#isWholeWanted = true
      return 0
    }
    return budget.delayAfter(error, this.#progress.arrived)
  }

  async #send(lease: Lease<Session>, from: number): Promise<number> {
    const { append, type } = this.#settings
    const { signal, limit, meter } = this.#context
    const session = lease.value
    meter.connectionStarted()
    let result: StoreResult
    try {
      const stored = (): Promise<StoreResult> =>
        store(session, {
          ...{ verb: append ? 'APPE' : 'STOR', path: this.#path, type: type === 'ascii' ? 'A' : 'I' },
          ...{ offset: from, source: this.#chunks(from), limits: [limit, this.#place.limit], signal },
          onSent: (bytes) => (this.#progress.arrived = from + bytes),
        })
      result = await explained(session, this.#path, 'a place for it', stored, signal)
    } finally {
      meter.connectionEnded()
    }
    this.#tally.add(result.tls)
    if (result.isConfirmed) lease.release()
    else await this.#throwUnlessThere(lease, from + result.bytes, result.doubt)
    return result.bytes
  }

  /** Everything was sent, and then the connection was lost: whether it has arrived, the size tells. */
  async #throwUnlessThere(lease: Lease<Session>, bytes: number, doubt: unknown): Promise<void> {
    endLease(lease, doubt)
    const { append, atomic, type } = this.#settings
    // Under its own name an older file of the same size may be there still. What is gone on with is asked for then.
    if (type === 'ascii' || this.#isWorthGoingOn || !(append || atomic)) throw doubt
    const there = await this.#ask((session) => sizeOf(session, this.#path))
    if (there !== this.#before + bytes) throw doubt
  }

  async *#chunks(from: number): AsyncGenerator<Uint8Array, void> {
    this.#hasBegun = true
    yield* this.#source.chunks(from)
  }

  /** Where the server has come to in what is ours; 0 where it does not say, or cannot go on there. */
  async #whereToGoOn(): Promise<number> {
    if (!this.#hasBegun || this.#isWholeWanted || !this.#isWorthGoingOn) return 0
    if (!(await this.#source.isUnchanged())) return 0
    return this.#ask(async (session) => {
      if (session.profile.restart === 'unusable') return 0
      const there = await sizeOf(session, this.#path)
      // Some keep the older file until the new one is whole.
      const isOurs = there !== undefined && there !== this.#older && there <= this.#progress.arrived
      return isOurs ? there : 0
    })
  }

  /** A file that was cut while it was read: its server has what nobody ever meant to be there. */
  #throwIfShorter(actual: number): void {
    const { size: expected = 0 } = this.#source
    if (actual >= expected) return
    const { shownPath: path } = this.#place
    const message = `What was sent to ${path} became shorter meanwhile: ${actual} bytes in place of ${expected}`
    throw new FtpTransferError('ERR_FTP_SOURCE_CHANGED', message, { path, expected, actual })
  }

  async #putInPlace(bytes: number): Promise<void> {
    const placing = new PuttingInPlace(this.#path, this.#place.remote, bytes)
    this.#placing = placing
    await this.#ask((session) => placing.run(session))
  }

  async #check(session: Session, bytes: number): Promise<UploadResult['verified']> {
    const { emit } = this.#context
    const size = await this.#verifySize(session, bytes)
    emit('verify', { check: 'size', outcome: size })
    const modified = await this.#setModified(session)
    emit('verify', { check: 'modified', outcome: modified })
    return { size, modified }
  }

  async #verifySize(session: Session, bytes: number): Promise<VerifiedState> {
    const { verify, type } = this.#settings
    if (verify === false || type === 'ascii') return 'not asked'
    const actual = await sizeOf(session, this.#path)
    const expected = this.#before + bytes
    if (actual === expected) return 'matched'
    if (actual === undefined && verify === 'auto') return 'unavailable'
    const { shownPath: path } = this.#place
    const told = actual === undefined ? 'the server does not tell its size' : `the server has ${actual}`
    const message = `${path} was sent with ${expected} bytes, and ${told}`
    throw new FtpTransferError('ERR_FTP_SIZE_MISMATCH', message, { path, expected, actual })
  }

  async #setModified(session: Session): Promise<VerifiedState> {
    const { modified } = this.#source
    if (modified === undefined || !this.#settings.preserveModified) return 'not asked'
    try {
      await setModificationTime(session, this.#path, modified)
      return 'matched'
    } catch (error) {
      if (error instanceof FtpReplyError && error.reply.code !== 421) return 'unavailable'
      throw error
    }
  }

  /** Beside an upload that failed nothing of it is left, as far as the server lets us. */
  async #removeRest(): Promise<void> {
    const { pool } = this.#place
    const patience = new AbortController()
    const { signal } = patience
    const stop = startTimer(REMOVAL_MS, () => patience.abort())
    try {
      const lease = await pool.acquire(signal)
      try {
        await lease.value.abortable(signal, async () => {
          await this.#placing?.undo(lease.value)
          await deleteFile(lease.value, this.#path)
        })
      } finally {
        lease.release()
      }
    } catch {
      // It is told by its name what it is.
    } finally {
      stop()
    }
  }

  async #ask<T>(ask: (session: Session) => Promise<T>): Promise<T> {
    const { lease, value } = await this.#withSession(ask)
    lease.release()
    return value
  }

  #withSession<T>(ask: (session: Session) => Promise<T>): Promise<{ lease: Lease<Session>; value: T }> {
    const { signal, emit } = this.#context
    const { pool, retry } = this.#place
    return withSession(pool, { signal, retry, onRetry: (event) => emit('retry', event) }, ask)
  }

  #exists(size: number | undefined): FtpReplyError {
    const { shownPath, journal } = this.#place
    const host = `${journal.host}:${journal.port}`
    const message = `"${shownPath}" exists on ${host}, and option "overwrite" says not to replace it`
    const reply = { code: 213, lines: [String(size ?? '')] }
    return new FtpReplyError('ERR_FTP_EXISTS', message, { reply, host, command: `SIZE ${shownPath}` })
  }
}

const REMOVAL_MS = 10_000
/** Less is sent again sooner than it is asked for how far it has come. */
const WORTH_GOING_ON_BYTES = 1_048_576

async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof FtpReplyError && error.code === 'ERR_FTP_NOT_FOUND') return undefined
    throw error
  }
}
