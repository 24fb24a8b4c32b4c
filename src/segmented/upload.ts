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
import { command } from '../protocol/command.ts'
import { strongestShared } from '../protocol/checksum.ts'
import { NO_FEATURES } from '../protocol/features.ts'
import { refusal } from '../session/refusal.ts'
import type { Lease } from '../pool/lease.ts'
import { deleteFile } from '../session/files.ts'
import { size as sizeOf } from '../session/facts.ts'
import { TRANSFER_TYPES, type RemotePath, type Session } from '../session/session.ts'
import { store, type StoreResult } from '../session/store.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import { onAbort, waitOrAbort } from '../util/abort.ts'
import { deferred } from '../util/deferred.ts'
import { delay, startTimer } from '../util/timer.ts'
import { bytesThere, isKept, RunningDigest } from './bytes-there.ts'
import type { MatchedChecksum } from './download-result.ts'
import { besides, PuttingInPlace } from './put-in-place.ts'
import type { SourcePlace } from './source.ts'
import { TlsTally, type TransferTls } from './tls-tally.ts'
import { UploadHolder } from './upload-holder.ts'
import type { UploadSettings } from './upload-options.ts'
import { verifyUpload, type UploadVerification } from './verify-upload.ts'

/** What an upload comes to. */
export interface UploadResult {
  /** The remote path, as it was given. */
  readonly path: RemotePath
  /** Of the source. */
  readonly bytes: number
  /** Bytes of it that an earlier attempt had brought (`resume`). */
  readonly resumedBytes: number
  /** Bytes that were sent more than once, since a connection was lost or the server kept less. */
  readonly resentBytes: number
  /** Since the call. */
  readonly elapsedSeconds: number
  /** What this run has sent, the time spent paused left out. */
  readonly averageBytesPerSecond: number
  /** `undefined` for a plain connection. */
  readonly tls: TransferTls | undefined
  /** Which checks the server made possible. */
  readonly verified: UploadVerification['verified']
  /** The checksum that matched. */
  readonly checksum: MatchedChecksum | undefined
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
  readonly #holder: UploadHolder
  readonly #progress: { start: number; end: number; arrived: number }
  /** Where the bytes go: the path itself, or another name beside it. */
  readonly #path: RemotePath
  #resumed = 0
  #resent = 0
  /** Of what is sent, where it cannot be read a second time. */
  #digest: RunningDigest | undefined
  #placing: PuttingInPlace | undefined
  /** The size of the remote file before, where it is added to. */
  #before = 0
  /** The size of an older file that may be there still. */
  #older: number | undefined
  /** How a broken attempt is gone on with: the next is tried where one is refused. */
  #wayOn: 'REST' | 'APPE' | 'anew' = 'REST'
  /** Where the last STOR behind a REST has begun; 0 where there was none. */
  #restartedAt = 0
  /** Whether a STOR of ours has begun, so that what stands there is ours. */
  #hasBegun = false

  constructor({ place, settings }: UploadRequest, source: UploadSource, context: TransferContext) {
    this.#place = place
    this.#settings = settings
    this.#source = source
    this.#context = context
    this.#holder = new UploadHolder(place.shownPath)
    this.#path = settings.atomic ? besides(place.remote, place.codec, settings.resume) : place.remote
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
      const verification = await this.#verified(bytes)
      if (this.#settings.atomic) await this.#putInPlace(bytes)
      const { elapsedSeconds, averageBytesPerSecond } = this.#context.meter.snapshot()
      return {
        ...{ path: remote, bytes, resumedBytes: this.#resumed, resentBytes: this.#resent },
        ...{ elapsedSeconds, averageBytesPerSecond, tls: this.#tally.result(), ...verification },
      }
    } catch (error) {
      if (this.#settings.atomic && !this.#settings.resume && this.#hasBegun) await this.#removeRest()
      throw error
    }
  }

  async #prepare(): Promise<void> {
    const { overwrite, append, atomic, resume } = this.#settings
    const { remote } = this.#place
    if (resume && !this.#source.isRepeatable) {
      throw new TypeError(
        'Option "resume" needs a source that can be read again: a local file, bytes or text',
      )
    }
    if (overwrite === 'error' && !append) await this.#throwIfThere()
    if (append) this.#before = (await this.#ask((session) => sizeOf(session, remote))) ?? 0
    else if (resume) await this.#resume()
    else if ((this.#isWorthGoingOn || this.#isToldBySize) && !atomic)
      this.#older = await this.#ask((session) => sizeOf(session, this.#path))
    if (this.#settings.checksum !== false && !this.#source.isRepeatable) await this.#digestOnTheWay()
  }

  async #resume(): Promise<void> {
    const { meter, signal } = this.#context
    const there = await this.#ask((session) =>
      bytesThere(session, this.#path, this.#source, (tls) => this.#tally.add(tls), signal),
    )
    this.#resumed = this.#progress.arrived = there
    meter.resumed(there)
  }

  /** What goes by cannot be asked for its checksum later. */
  async #digestOnTheWay(): Promise<void> {
    const features = await this.#ask(({ profile }) => Promise.resolve(profile.features ?? NO_FEATURES))
    const algorithm = strongestShared(features)
    this.#digest = algorithm && new RunningDigest(algorithm)
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
    const { append, type, resume } = this.#settings
    return isRepeatable && (resume || size >= WORTH_GOING_ON_BYTES) && !append && type === 'binary'
  }

  /** Whether its size is to say that all has arrived, should the connection be lost behind it: it cannot be sent again. */
  get #isToldBySize(): boolean {
    const { type, verify } = this.#settings
    return !this.#source.isRepeatable && type === 'binary' && verify !== false
  }

  /** Sends the source, all of it once more where the server has not kept what was there. Gives its bytes. */
  async #sendAll(): Promise<number> {
    const bytes = await this.#sendFrom(this.#resumed)
    const at = this.#restartedAt
    const { signal } = this.#context
    if (at === 0) return bytes
    const isWhole = await this.#ask((session) =>
      isKept(session, this.#path, this.#source, at, (tls) => this.#tally.add(tls), signal),
    )
    return isWhole ? bytes : this.#sendAnew()
  }

  /** Sends it from there, again where a connection was lost and that can be mended. */
  async #sendFrom(start: number): Promise<number> {
    const { signal, emit } = this.#context
    const budget = new RetryBudget(this.#place.retry, this.#source.size, Math.random)
    for (let from = start; ;) {
      if (from > 0 && from === this.#source.size) return from
      await this.#whileOpen()
      const { lease } = await this.#withSession(() => Promise.resolve())
      try {
        return from + (await this.#sendUntilPaused(lease, from))
      } catch (error) {
        endLease(lease, error)
        signal.throwIfAborted()
        if (error !== PAUSED) {
          const delayMs = this.#delayAfter(budget, error, from)
          emit('retry', { attempt: budget.failures, delayMs, error })
          await delay(delayMs, signal)
        }
        await this.#whileOpen()
        const arrived = this.#progress.arrived
        from = await this.#whereToGoOn()
        this.#resent += Math.max(0, arrived - from)
        this.#progress.arrived = from
      }
    }
  }

  /** A pause gives the connection back where the rest can be sent later; else nothing is sent meanwhile. */
  async #sendUntilPaused(lease: Lease<Session>, from: number): Promise<number> {
    const { signal, gate } = this.#context
    const cutting = new AbortController()
    const stopListening = onAbort(signal, (reason) => cutting.abort(reason))
    const stopWatching = gate.onChange(() => {
      if (gate.isClosed && this.#isWorthGoingOn) cutting.abort(PAUSED)
    })
    const letGo = this.#place.pool.hold(this.#holder)
    try {
      return await this.#send(lease, from, cutting.signal)
    } finally {
      letGo()
      stopListening()
      stopWatching()
    }
  }

  /** Waits while the transfer is paused. */
  async #whileOpen(): Promise<void> {
    const { gate, signal, enter } = this.#context
    if (!gate.isClosed) return
    const opened = deferred<undefined>()
    const stopWatching = gate.onChange(() => opened.resolve(undefined))
    try {
      enter('paused')
      gate.rested()
      await waitOrAbort(opened.promise, signal)
    } finally {
      stopWatching()
    }
    await this.#whileOpen()
  }

  #delayAfter(budget: RetryBudget, error: unknown, from: number): number {
    // What was read of a stream does not come again; and what an APPE has added is not to be added twice.
    const isLost = this.#hasBegun && (!this.#source.isRepeatable || this.#settings.append)
    if (isLost) throw error
    const isRefused = error instanceof FtpReplyError && error.reply.code !== 421
    if (isRefused && from > 0 && this.#progress.arrived === from && this.#wayOn !== 'anew') {
      // ProFTPD, unless told otherwise, answers REST with 350, and the STOR behind it with 451.
      this.#wayOn = this.#wayOn === 'REST' ? 'APPE' : 'anew'
      return 0
    }
    return budget.delayAfter(error, this.#progress.arrived)
  }

  async #send(lease: Lease<Session>, from: number, signal: AbortSignal): Promise<number> {
    const { append, type, allocate } = this.#settings
    const { limit, meter } = this.#context
    const session = lease.value
    if (allocate) await session.abortable(signal, () => allocated(session, this.#source.size))
    const isAdded = append || (from > 0 && this.#wayOn === 'APPE')
    meter.connectionStarted()
    let result: StoreResult
    try {
      const stored = (): Promise<StoreResult> =>
        store(session, {
          ...{
            verb: isAdded ? 'APPE' : 'STOR',
            path: this.#path,
            type: TRANSFER_TYPES[type],
            offset: isAdded ? 0 : from,
          },
          ...{ source: this.#chunks(from), limits: [limit, this.#place.limit], signal },
          onSent: (bytes) => this.#sent(from, bytes),
          onSecured: (tls) => this.#tally.add(tls),
        })
      result = await explained(session, this.#path, 'a place for it', stored, signal)
    } finally {
      meter.connectionEnded()
    }
    if (result.isConfirmed) lease.release()
    else await this.#throwUnlessThere(lease, from + result.bytes, result.doubt)
    return result.bytes
  }

  /** Everything was sent, and then the connection was lost: whether it has arrived, the size tells. */
  async #throwUnlessThere(lease: Lease<Session>, bytes: number, doubt: unknown): Promise<void> {
    endLease(lease, doubt)
    const { append, atomic, type } = this.#settings
    const isTold = append || atomic || this.#isToldBySize
    if (type !== 'binary' || this.#isWorthGoingOn || !isTold) throw doubt
    const there = await this.#ask((session) => sizeOf(session, this.#path))
    // An older file of the same size may be there still.
    if (there !== this.#before + bytes || there === this.#older) throw doubt
  }

  async *#chunks(from: number): AsyncGenerator<Uint8Array, void> {
    this.#hasBegun = true
    if (this.#wayOn !== 'APPE') this.#restartedAt = from
    this.#callerIsAsked()
    for await (const chunk of this.#source.chunks(from)) {
      this.#holder.given(chunk.length)
      this.#digest?.update(chunk)
      yield chunk
      this.#callerIsAsked()
      // One that can be gone on with is cut by a pause, and not held.
      if (!this.#isWorthGoingOn) await this.#whileOpen()
    }
    this.#holder.given(0)
  }

  /** What can be read again is at hand: nobody waits for the caller. */
  #callerIsAsked(): void {
    if (!this.#source.isRepeatable) this.#holder.asked()
  }

  #sent(from: number, bytes: number): void {
    this.#progress.arrived = from + bytes
    this.#holder.sent(bytes)
  }

  /** Where the server has come to in what is ours; 0 where it does not say, or cannot go on there. */
  async #whereToGoOn(): Promise<number> {
    if (!(this.#hasBegun || this.#resumed > 0) || this.#wayOn === 'anew' || !this.#isWorthGoingOn) return 0
    if (!(await this.#source.isUnchanged())) return 0
    return this.#ask(async (session) => {
      if (session.profile.restart === 'unusable' && this.#wayOn === 'REST') this.#wayOn = 'APPE'
      const there = await sizeOf(session, this.#path)
      // Some keep the older file until the new one is whole.
      const isOurs = there !== undefined && there !== this.#older && there <= this.#progress.arrived
      return isOurs ? there : 0
    })
  }

  /** A file that was written to while it was read: its server has what nobody ever meant to be there. */
  async #throwIfChanged(actual: number): Promise<void> {
    const { size: expected = actual } = this.#source
    if (actual >= expected && (await this.#source.isUnchanged())) return
    const { shownPath: path } = this.#place
    const what =
      actual < expected
        ? `became shorter meanwhile: ${actual} bytes in place of ${expected}`
        : 'was written to meanwhile: send a copy of it, or a stream where its beginning will do'
    const message = `What was sent to ${path} ${what}`
    throw new FtpTransferError('ERR_FTP_SOURCE_CHANGED', message, { path, expected, actual })
  }

  /** What the server calls done and has cut short all the same is sent once more. */
  async #verified(bytes: number): Promise<UploadVerification> {
    try {
      return await this.#verify(bytes)
    } catch (error) {
      if (!this.#isCutShort(error)) throw error
      const { emit, enter } = this.#context
      emit('retry', { attempt: 1, delayMs: 0, error })
      enter('transferring')
      await this.#sendAnew()
      return await this.#verify(bytes)
    }
  }

  async #verify(bytes: number): Promise<UploadVerification> {
    const { emit, enter } = this.#context
    const { shownPath } = this.#place
    const [size, digest, settings] = [this.#before + bytes, this.#digest, this.#settings]
    const sent = { path: this.#path, shownPath, size, source: this.#source, digest, settings }
    await this.#throwIfChanged(bytes)
    enter('verifying')
    return await this.#ask((session) => verifyUpload(session, sent, emit))
  }

  /** A server takes a connection that was ended on its way for the end of the file. */
  #isCutShort(error: unknown): boolean {
    const isSize = error instanceof FtpTransferError && error.code === 'ERR_FTP_SIZE_MISMATCH'
    const { actual = Infinity, expected = 0 } = isSize ? error : {}
    return actual < expected && this.#source.isRepeatable && !this.#settings.append
  }

  #sendAnew(): Promise<number> {
    this.#wayOn = 'anew'
    this.#resent += this.#progress.arrived - this.#resumed
    this.#resumed = this.#progress.arrived = 0
    return this.#sendFrom(0)
  }

  async #putInPlace(bytes: number): Promise<void> {
    const placing = new PuttingInPlace(this.#path, this.#place.remote, bytes)
    this.#placing = placing
    await this.#ask((session) => placing.run(session))
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

/** ALLO: those that need no such thing say 202 or 5yz; only a lack of room is a refusal of the file. */
async function allocated(session: Session, bytes: number | undefined): Promise<void> {
  if (bytes === undefined) return
  const sent = command('ALLO', String(bytes))
  const reply = await session.request(sent)
  if (NO_ROOM.has(reply.code)) throw refusal(session, reply, sent)
}

const NO_ROOM: ReadonlySet<number> = new Set([421, 452, 552])
/** Why an attempt is cut that a pause cuts. */
const PAUSED = new Error('The upload was paused')
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
