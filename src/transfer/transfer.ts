/**
 * A transfer as its caller holds it: a promise of the result, events on the way, and a way to stop it.
 *
 * Owns the state and the pace of the progress events. Knows no protocol: the work is a function that is given
 * a {@link TransferContext}.
 */
import { EventEmitter } from 'node:events'
import { BandwidthLimit } from '../transport/bandwidth.ts'
import { onAbort } from '../util/abort.ts'
import { deferred } from '../util/deferred.ts'
import { callListener } from '../util/listener.ts'
import { AskedConnections } from './asked-connections.ts'
import type {
  EmitTransferEvent,
  TransferEvents,
  TransferListeners,
  TransferProgress,
  TransferState,
} from './events.ts'
import { Gate } from './gate.ts'
import { ProgressMeter } from './progress.ts'

/** Ten progress events a second are enough for any eye. */
const PROGRESS_EVERY_MS = 100

/** What the work is given. */
export interface TransferContext {
  /** Aborts when the caller cancels or their signal does. */
  readonly signal: AbortSignal
  readonly meter: ProgressMeter
  readonly emit: EmitTransferEvent
  readonly gate: Gate
  /** The transfer's own limit. */
  readonly limit: BandwidthLimit
  /** How many connections it is to have at the moment. */
  readonly connections: AskedConnections
  readonly enter: (state: 'connecting' | 'transferring' | 'paused' | 'verifying') => void
}

export interface TransferSettings {
  readonly signal: AbortSignal | undefined
  readonly on: TransferListeners
  /** `Infinity` for no limit. */
  readonly bytesPerSecond: number
  /** How many it has at first. @default 1, which cannot be changed */
  readonly connections?: number | 'auto' | undefined
  /** What that may become. */
  readonly maxConnections?: number | undefined
}

type EmitterMap = { [Name in keyof TransferEvents]: [TransferEvents[Name]] }

/** Bytes that a transfer has received in this run; may fall when some are given up. */
export let receivedBytes: (transfer: Transfer<unknown>) => number

/** Resolves when a transfer is over, however it ended. Unlike a look at `result`, it handles no rejection. */
export let whenOver: (transfer: Transfer<unknown>) => Promise<unknown>

/**
 * A running download. `await` it for its result, or listen first: it starts in a microtask, so that listeners
 * attached at once miss nothing. There is no `'error'` event; a failure rejects {@link result}.
 *
 * An `async` function that returns a Transfer returns its result: return it in an object to keep the handle.
 */
export class Transfer<Result> extends EventEmitter<EmitterMap> implements PromiseLike<Result> {
  static {
    whenOver = (transfer) => transfer.#over.promise
    receivedBytes = (transfer) => transfer.#meter.bytes - transfer.#meter.resumedBytes
  }
  /** Resolves with the result; rejects with an `FtpError`, or with the reason of the abort, untouched. */
  readonly result: Promise<Result>
  readonly #meter: ProgressMeter
  readonly #controller = new AbortController()
  readonly #gate = new Gate()
  readonly #limit: BandwidthLimit
  readonly #connections: AskedConnections
  readonly #over = deferred<true>()
  #state: TransferState = 'queued'

  constructor(work: (context: TransferContext) => Promise<Result>, settings: TransferSettings) {
    super()
    this.#limit = new BandwidthLimit(settings.bytesPerSecond)
    this.#connections = new AskedConnections(settings.connections ?? 1, settings.maxConnections ?? 1)
    this.#meter = new ProgressMeter(() => performance.now())
    for (const [name, listener] of Object.entries(settings.on)) {
      if (listener !== undefined) this.on(name as keyof TransferEvents, listener)
    }
    const result = deferred<Result>()
    this.result = result.promise
    queueMicrotask(() => {
      const stopListening = onAbort(settings.signal, (reason) => this.#controller.abort(reason))
      // It is over before anybody hears of the result.
      const running = this.#run(work).finally(() => {
        stopListening()
        this.#over.resolve(true)
      })
      running.then(
        (value) => result.resolve(value),
        (error: unknown) => result.reject(error),
      )
    })
  }

  /** Where it stands now. */
  get state(): TransferState {
    return this.#state
  }

  /** A snapshot of how far it is. */
  get progress(): TransferProgress {
    return this.#meter.snapshot()
  }

  /**
   * Gives the connections back and keeps what has arrived. Resolves when nothing moves any more, the bytes are on
   * disk and the state is `'paused'`, or when the transfer is over: one that is being verified is not paused.
   */
  async pause(): Promise<void> {
    if (this.#isOver) return
    await this.#gate.close()
  }

  /** Goes on where it was paused. */
  resume(): void {
    if (this.#state === 'paused') {
      this.#meter.unpaused()
      this.#enter('transferring')
    }
    this.#gate.open()
  }

  /**
   * Lets no more than so many bytes a second through, from now on, beside the client's own limit.
   * @param bytesPerSecond at least 1; `undefined` or `Infinity` for no limit
   * @throws TypeError, RangeError
   */
  setLimit(bytesPerSecond: number | undefined): void {
    this.#limit.set(bytesPerSecond)
  }

  /**
   * Works with so many connections from now on, as far as the server lets them in; those that are too many end what they
   * are at, or leave it to the others. A file that is small, or that the server sends only from its start, has fewer.
   * @param count from 1 to the client's `maxConnections` (for an upload, which has one: 1), or `'auto'`
   * @throws TypeError, RangeError
   */
  setConnections(count: number | 'auto'): void {
    this.#connections.set(count)
  }

  /**
   * Stops the transfer; {@link result} rejects with `reason`. The file that stood at the target before is as it was.
   * @param reason an `AbortError` by default
   */
  cancel(reason?: unknown): void {
    this.#controller.abort(reason)
  }

  then<A = Result, B = never>(
    onFulfilled?: ((value: Result) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.result.then(onFulfilled, onRejected)
  }

  /** That of {@link result}. */
  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Result | B> {
    return this.result.catch(onRejected)
  }

  /** That of {@link result}. */
  finally(onFinally?: (() => void) | null): Promise<Result> {
    return this.result.finally(onFinally)
  }

  async #run(work: (context: TransferContext) => Promise<Result>): Promise<Result> {
    const { signal } = this.#controller
    const ticker = setInterval(() => this.#tell('progress', this.progress), PROGRESS_EVERY_MS).unref()
    try {
      signal.throwIfAborted()
      const result = await work({
        signal,
        meter: this.#meter,
        emit: (name, event) => this.#tell(name, event),
        gate: this.#gate,
        limit: this.#limit,
        connections: this.#connections,
        enter: (state) => this.#enter(state),
      })
      this.#finish('complete')
      return result
    } catch (error) {
      this.#finish(signal.aborted ? 'cancelled' : 'failed')
      throw error
    } finally {
      clearInterval(ticker)
    }
  }

  get #isOver(): boolean {
    return this.#state === 'complete' || this.#state === 'failed' || this.#state === 'cancelled'
  }

  #finish(state: 'complete' | 'failed' | 'cancelled'): void {
    this.#gate.rested()
    this.#meter.finish()
    this.#tell('progress', this.progress)
    this.#enter(state)
  }

  #tell<Name extends keyof TransferEvents>(name: Name, event: TransferEvents[Name]): void {
    callListener(() => this.emit(name, ...([event] as never)))
  }

  #enter(state: TransferState): void {
    const previous = this.#state
    if (previous === state) return
    this.#state = state
    if (state === 'paused') this.#meter.paused()
    this.#tell('state', { state, previous })
  }
}
