/**
 * STOR, APPE and STOU (RFC 959 §4.1.3): bytes from a source to the server.
 *
 *   control   STOR ──► 150 ────────────────────────────────────► 226
 *   data         connect ─► TLS ─┴─► bytes … ─► our end of file ─► the other side's
 *
 * Nothing is sent before the server has said that it begins. The connection is never torn down behind the last
 * byte: under TLS 1.3 that loses what is on its way, and some servers say 226 all the same.
 */
import type { DataConnection } from '../connection/data.ts'
import type { DataReceiver } from '../connection/receiver.ts'
import { command, type Command } from '../protocol/command.ts'
import { isIntermediate, type Reply } from '../protocol/reply.ts'
import { BandwidthTaker, type BandwidthLimit } from '../transport/bandwidth.ts'
import { onAbort, waitOrAbort } from '../util/abort.ts'
import { deferred } from '../util/deferred.ts'
import { startTimer } from '../util/timer.ts'
import { openData } from './open-data.ts'
import { refusal } from './refusal.ts'
import type { RemotePath, Session, TransferType } from './session.ts'
import { failureOf } from './transfer-failure.ts'
import { TransferRun } from './transfer-run.ts'

export interface StoreRequest {
  readonly verb: 'STOR' | 'APPE' | 'STOU'
  /** `undefined` only for STOU, where the server chooses the name. */
  readonly path: RemotePath | undefined
  readonly type: TransferType
  /** Where in the remote file the first byte goes, by REST; only for STOR. */
  readonly offset: number
  readonly source: AsyncIterable<Uint8Array>
  /** All of them hold; first those that the fewest share. */
  readonly limits: readonly BandwidthLimit[]
  /** Told when the system has taken so many bytes in all. */
  readonly onSent: (bytes: number) => void
  /** Told, when all is over, of a TLS handshake that was done, also where the transfer fails. */
  readonly onSecured?: (tls: NonNullable<DataConnection['tls']>) => void
  readonly signal: AbortSignal | undefined
}

export interface StoreResult {
  /** How many were sent. */
  readonly bytes: number
  /** Whether the server said 2yz. Without, the bytes on the server have to speak for themselves. */
  readonly isConfirmed: boolean
  /** Why it is not confirmed. */
  readonly doubt: unknown
  /** Every reply to the command: for STOU one of them holds the name. */
  readonly replies: readonly Reply[]
}

/** A server that never says 150 has got this long to. Milliseconds. */
const WITHOUT_150_MS = 3_000
/** How long the end of the data connection is waited for when the server has said 226. */
const PATIENCE_MS = 2_000
/** Larger pieces would be long without a sign of life on a slow line; on a fast one they cost less. */
const PIECE_BYTES = 262_144
const LARGE_PIECE_BYTES = 1_048_576
/** A piece that was taken within this time, in milliseconds, was a small one. */
const QUICK_MS = 100
/** While one piece is being sent, the next is at hand. */
const PIECES_UNDER_WAY = 2

/**
 * Rejects when refused (`FtpReplyError`), when a connection is lost before everything was sent, with what the source
 * threw, or with the signal's reason. Behind that, silence or a lost connection is no proof that it did not arrive. The session is usable again once it {@link Session.isReady}.
 */
export async function store(session: Session, request: StoreRequest): Promise<StoreResult> {
  const { verb, path, type, offset, signal } = request
  const data = await session.abortable(signal, async () => {
    await session.setType(type)
    const opened = await openData(session, {
      ...{ receiver: new Ignoring(), watchesEnd: false, isSending: true, signal },
    })
    try {
      if (offset > 0 || session.isRestartPending) await restartAt(session, offset)
      return opened
    } catch (error) {
      opened.cut()
      throw error
    }
  })
  const sent = command(verb, path)
  const run = new TransferRun(session.control, data, sent, session.options.timeouts)
  const stopListening = onAbort(signal, () => data.cut())
  try {
    run.start()
    session.settleLater(run.over)
    await waitOrAbort(Promise.race([hasBegun(run, data), run.over]), signal)
    const isSent = run.outcome === undefined && (await pump(data, run, request))
    if (isSent) data.finish()
    await waitOrAbort(settled(run), signal)
    signal?.throwIfAborted()
    const { isCompleted: isConfirmed, replies } = run
    const doubt = isSent && isConfirmed ? undefined : failure(session, run, sent, data)
    if (!isSent || run.failureReply !== undefined) throw doubt
    return { bytes: data.bytes, isConfirmed, doubt, replies }
  } finally {
    stopListening()
    if (data.tls !== undefined) request.onSecured?.(data.tls)
    if (run.hasBegun) session.isRestartPending = false
    data.cut()
  }
}

async function restartAt(session: Session, offset: number): Promise<void> {
  const sent = command('REST', String(offset))
  const reply = await session.request(sent)
  if (!isIntermediate(reply)) throw refusal(session, reply, sent)
  session.isRestartPending = offset > 0
}

async function hasBegun(run: TransferRun, data: DataConnection): Promise<void> {
  const late = deferred<undefined>()
  const stop = startTimer(WITHOUT_150_MS, () => late.resolve(undefined))
  try {
    await Promise.all([Promise.race([run.begun, late.promise]), data.ready])
  } catch {
    await run.over // The connection was not made: the reply, if there is one, says why.
  } finally {
    stop()
  }
}

/** Sends all of the source. `false` if the transfer was over before. Throws what the source throws. */
async function pump(data: DataConnection, run: TransferRun, request: StoreRequest): Promise<boolean> {
  const { source, limits, onSent } = request
  const allowance = new Allowance(limits)
  const chunks = new Chunks(source)
  const underWay: Promise<void>[] = []
  let pieceBytes = PIECE_BYTES
  const send = async (piece: Uint8Array): Promise<void> => {
    const since = performance.now()
    await data.write(piece)
    pieceBytes = performance.now() - since < QUICK_MS ? LARGE_PIECE_BYTES : PIECE_BYTES
    onSent(data.bytes)
  }
  const leave = (): void => {
    allowance.end()
    chunks.leave()
  }
  // Nothing can be sent any more: neither a slow limit nor a silent source is waited for.
  void Promise.race([run.over, data.end]).then(leave)
  try {
    for (let chunk = await chunks.next(); chunk !== undefined; chunk = await chunks.next()) {
      for (let at = 0; at < chunk.length;) {
        const bytes = await allowance.of(Math.min(pieceBytes, chunk.length - at))
        if (run.outcome !== undefined) return false
        const write = send(chunk.subarray(at, at + bytes))
        write.catch(() => {}) // Waited for in its turn.
        underWay.push(write)
        if (underWay.length >= PIECES_UNDER_WAY) await underWay.shift()
        at += bytes
      }
    }
    await Promise.all(underWay)
    return chunks.areAll
  } catch (error) {
    const end = await Promise.race([data.end, Promise.resolve(undefined)])
    if (end === undefined) {
      // The source failed: what is there so far is not the file, and the server learns it by the reset.
      data.cut()
      throw error
    }
    return false
  } finally {
    leave()
  }
}

/** Until it is over, or until the server has said 226 and has had a moment to close. */
async function settled(run: TransferRun): Promise<void> {
  await run.completed
  const late = deferred<undefined>()
  const stop = startTimer(PATIENCE_MS, () => late.resolve(undefined))
  await Promise.race([run.over, late.promise])
  stop()
}

function failure(session: Session, run: TransferRun, sent: Command, data: DataConnection): unknown {
  const toError = (reply: Reply): Error => refusal(session, reply, sent)
  const known = failureOf(session, run, sent, data, toError)
  return known ?? new Error('The transfer ended before everything was sent')
}

/** Servers have nothing to say on a connection that they receive by. */
export class Ignoring implements DataReceiver {
  readonly #room = new Uint8Array(512)

  space(): Uint8Array {
    return this.#room
  }

  received(): 'more' {
    return 'more'
  }

  onResume(): void {
    // It never pauses.
  }
}

/** What a source gives, chunk by chunk, until somebody leaves: also while it has nothing to give. */
class Chunks {
  readonly #iterator: AsyncIterator<Uint8Array>
  #state: 'giving' | 'all' | 'left' = 'giving'
  #stopWaiting: () => void = () => {}

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]()
  }

  /** Whether the source has come to its end. */
  get areAll(): boolean {
    return this.#state === 'all'
  }

  /** `undefined` behind the last one, and once left. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#state !== 'giving') return undefined
    const left = new Promise<undefined>((resolve) => (this.#stopWaiting = () => resolve(undefined)))
    const next = await Promise.race([this.#taken(), left])
    return this.#isLeft ? undefined : next
  }

  /** The source is closed, as far as it can be, and not waited for. Idempotent. */
  leave(): void {
    if (this.#state !== 'giving') return
    this.#state = 'left'
    this.#stopWaiting()
    // One that waits for something itself hears of it only behind that.
    void Promise.resolve(this.#iterator.return?.()).catch(() => {})
  }

  get #isLeft(): boolean {
    return this.#state === 'left'
  }

  async #taken(): Promise<Uint8Array | undefined> {
    const next = await this.#iterator.next()
    if (next.done !== true) return next.value
    if (!this.#isLeft) this.#state = 'all'
    return undefined
  }
}

/** Turns of the limits, to be awaited one after the other. */
class Allowance {
  readonly #taker: BandwidthTaker
  #granted: (bytes: number) => void = () => {}
  #isOver = false

  constructor(limits: readonly BandwidthLimit[]) {
    this.#taker = new BandwidthTaker(limits, (bytes) => this.#granted(bytes))
  }

  /** Resolves with how many of `bytes` may be sent now, at least one. */
  async of(bytes: number): Promise<number> {
    if (!this.#taker.isLimited || this.#isOver) return bytes
    let early: number | undefined
    this.#granted = (granted) => (early = granted)
    const atOnce = this.#taker.ask(bytes)
    if (atOnce > 0) return atOnce
    if (early !== undefined) return early
    return new Promise((resolve) => (this.#granted = resolve))
  }

  /** Whoever waits gets what he asked for. Idempotent. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#taker.leave()
    this.#granted(1)
  }
}
