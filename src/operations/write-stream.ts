/**
 * A remote file as a Node stream to write to: STOR or APPE, with its back-pressure.
 *
 * `finish` comes when the server has said that it has everything and SIZE agrees, not before. What was written is
 * gone when a connection is lost, so that nothing is tried again once bytes have been sent.
 */
import { Writable } from 'node:stream'
import { FtpTransferError } from '../errors.ts'
import type { Lease } from '../pool/lease.ts'
import { size as sizeOf } from '../session/facts.ts'
import type { RemotePath, Session } from '../session/session.ts'
import { store } from '../session/store.ts'
import type { BandwidthLimit } from '../transport/bandwidth.ts'
import { onAbort, type Disposer } from '../util/abort.ts'
import { deferred, type Deferred } from '../util/deferred.ts'
import type { OptionNames } from '../util/validate.ts'
import { ASK_OPTIONS, type AskOptions } from './calls.ts'
import { explained } from './explain-path.ts'
import type { Holder } from './holders.ts'
import type { RetryPolicy } from './retry.ts'
import { endLease } from './session-pool.ts'
import { withSession, type SessionSource } from './with-session.ts'

export interface WriteStreamOptions extends AskOptions {
  /** Where in the remote file the first byte goes (REST), where the server can do that. @default 0 */
  readonly start?: number | undefined
  /** Add to the end of the remote file (APPE) instead of replacing it. @default false */
  readonly append?: boolean | undefined
  /** How many bytes may be written ahead of the server. @default 1 MiB */
  readonly highWaterMark?: number | undefined
}

export const WRITE_STREAM_OPTIONS: OptionNames<WriteStreamOptions> = {
  ...ASK_OPTIONS,
  start: true,
  append: true,
  highWaterMark: true,
}

export interface WritePlace {
  readonly pool: SessionSource
  readonly retry: RetryPolicy
  readonly limit: BandwidthLimit
  readonly remote: RemotePath
  /** The remote path for messages. */
  readonly shownPath: string
}

export interface WriteSettings {
  readonly start: number
  readonly append: boolean
  readonly highWaterMark: number
  readonly signal: AbortSignal | undefined
}

interface Piece {
  readonly bytes: Uint8Array
  /** When the system has all of it: not before may the producer use its memory again. */
  readonly taken: () => void
}

export class RemoteWriteStream extends Writable implements Holder {
  /** For {@link Holder}. */
  readonly what: string
  /** Since when the server waits for the producer. */
  idleSince: number | undefined
  /** What the server has taken, in bytes. */
  bytesWritten = 0
  readonly #place: WritePlace
  readonly #settings: WriteSettings
  readonly #controller = new AbortController()
  /** There already where the signal has aborted before, which destroys the stream at once. */
  #stopListening: Disposer = () => {}
  #running: Promise<void> | undefined
  #next: Deferred<Piece | undefined> = deferred()
  #underWay: { readonly end: number; readonly taken: () => void } | undefined

  constructor(place: WritePlace, settings: WriteSettings) {
    const { highWaterMark, signal } = settings
    super({ highWaterMark, decodeStrings: true })
    this.what = `a stream to "${place.shownPath}"`
    this.#place = place
    this.#settings = settings
    // Not by Node's option: that makes an error of its own of the reason.
    this.#stopListening = onAbort(signal, (reason) => this.destroy(reason as Error))
  }

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, taken: () => void): void {
    this.#start()
    this.#resolve({ bytes, taken })
  }

  /** All that has been written while the server was busy, at once. */
  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], taken: () => void): void {
    this.#start()
    this.#resolve({ bytes: Buffer.concat(chunks.map(({ chunk }) => chunk)), taken })
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#start()
    this.#resolve(undefined)
    this.#running?.then(
      () => done(),
      (error: unknown) => done(error as Error),
    )
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stopListening()
    this.#controller.abort(error ?? new Error('The stream was destroyed'))
    done(error)
  }

  #resolve(piece: Piece | undefined): void {
    this.idleSince = undefined
    this.#next.resolve(piece)
  }

  #start(): void {
    this.#running ??= this.#run()
    this.#running.catch((error: unknown) => this.destroy(error as Error))
  }

  async #run(): Promise<void> {
    const { pool, retry } = this.#place
    const { signal } = this.#controller
    // A first question, so that what is lost before anything was sent is made good.
    const { lease, value: before } = await withSession(pool, { signal, retry }, (session) =>
      this.#ask(session),
    )
    const letGo = pool.hold?.(this)
    try {
      await this.#send(lease, before)
      lease.release()
    } catch (error) {
      endLease(lease, error)
      signal.throwIfAborted()
      throw error
    } finally {
      letGo?.()
    }
  }

  /** The size of what is there, where that matters. */
  async #ask(session: Session): Promise<number | undefined> {
    await session.setType('I')
    return this.#settings.append ? await sizeOf(session, this.#place.remote) : this.#settings.start
  }

  async #send({ value: session }: Lease<Session>, before: number | undefined): Promise<void> {
    const { remote: path, shownPath, limit } = this.#place
    const { start: offset, append } = this.#settings
    const { signal } = this.#controller
    const { bytes, isConfirmed } = await explained(session, path, 'a place for it', () =>
      store(session, {
        ...{ verb: append ? 'APPE' : 'STOR', path, type: 'I', offset, source: this.#pieces() },
        ...{ limits: [limit], signal, onSent: (count) => this.#sent(count) },
      }),
    )
    const actual = await session.abortable(signal, () => sizeOf(session, path))
    const expected = (before ?? 0) + bytes
    // Behind what was written an older, longer file may go on.
    const isWhole = actual !== undefined && (offset > 0 ? actual >= expected : actual === expected)
    const isUnknown = actual === undefined || (append && before === undefined)
    if (isWhole || (isUnknown && isConfirmed)) return
    const told = actual === undefined ? 'the server did not confirm it' : `the server has ${actual}`
    const message = `${shownPath} was sent with ${expected} bytes, and ${told}`
    throw new FtpTransferError('ERR_FTP_SIZE_MISMATCH', message, { path: shownPath, expected, actual })
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void> {
    let end = 0
    for (;;) {
      const piece = await this.#next.promise
      this.#next = deferred()
      if (piece === undefined) return
      end += piece.bytes.length
      this.#underWay = { end, taken: piece.taken }
      yield piece.bytes
      this.#sent(this.bytesWritten) // Nothing is sent of an empty one.
    }
  }

  #sent(count: number): void {
    this.bytesWritten = count
    if (this.#underWay === undefined || count < this.#underWay.end) return
    const { taken } = this.#underWay
    this.#underWay = undefined
    this.idleSince = performance.now()
    taken()
  }
}
