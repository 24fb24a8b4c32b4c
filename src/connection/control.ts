/**
 * The control connection (RFC 959 §3.2): commands out, replies in, one exchange at a time.
 *
 * Owns the control socket, its upgrade to TLS, the TLS tickets that belong to it, and the queue of replies.
 * Knows no meaning of any verb; a transfer, which waits for data and replies at once, drives it from outside.
 * Once it has failed it stays failed: every wait rejects with the first reason.
 */
import type { TLSSocket } from 'node:tls'
import {
  FtpConnectionError,
  FtpProtocolError,
  FtpTimeoutError,
  FtpTlsError,
  type TimeoutPhase,
} from '../errors.ts'
import { UTF_8, type TextCodec } from '../protocol/text-codec.ts'
import { describeCommand, encodeCommand, redact, type Command } from '../protocol/command.ts'
import { isCompletion, isPreliminary, replyText, type Reply } from '../protocol/reply.ts'
import { ReplyParser } from '../protocol/reply-parser.ts'
import { handshakeError, isAboutOurCertificate, secure } from '../tls/handshake.ts'
import { ReturnableSocket } from '../tls/returnable-socket.ts'
import type { SecureIdentity } from '../tls/secure-options.ts'
import { CONTROL_ORIGIN, Tickets } from '../tls/tickets.ts'
import type { Carrier } from '../transport/connect.ts'
import { startTimer } from '../util/timer.ts'

/** RFC 1123 §4.1.3.2 wants the control connection alive during long transfers; the probes are TCP's own. */
const KEEPALIVE_AFTER_MS = 30_000
/** The least time for the last reply to a transfer that is over or broke. */
const SETTLE_MS = 2_000
/** More replies than this at once belong to nothing. */
const MOST_UNASKED = 100
/** What a server says before it closes the control connection, in answer to whatever was asked, or unasked. */
const CLOSING = 421
/** How long a farewell may take. */
const QUIT_MS = 1_000

interface Waiter {
  readonly resolve: (reply: Reply) => void
  readonly reject: (reason: unknown) => void
  readonly cancelTimer: () => void
}

type State = { readonly is: 'open' } | { readonly is: 'failed'; readonly reason: unknown }

export interface ControlOptions {
  /** `host:port`, for errors. */
  readonly label: string
  /** What never appears in a reply that leaves this connection: servers echo passwords. */
  readonly secrets: readonly string[]
  /** Of commands and replies. @default UTF-8 */
  readonly codec?: TextCodec | undefined
  /** Whether TCP probes it where it is silent for long. @default true */
  readonly probes?: boolean | undefined
  readonly watch?: ControlWatch | undefined
  /** Where data connections go. @default the peer's address, without another look-up */
  readonly peer?: string | undefined
}

/** Whoever wants to see the conversation. Neither may throw. */
export interface ControlWatch {
  sent(command: Command): void
  /** Every reply, secrets removed. */
  received(reply: Reply): void
}

export class ControlConnection {
  readonly label: string
  readonly tickets: Tickets = new Tickets()
  readonly codec: TextCodec
  readonly #secrets: readonly string[]
  readonly #watch: ControlWatch | undefined
  readonly #parser: ReplyParser
  readonly #replies: Reply[] = []
  readonly #closeListeners = new Set<(reason: unknown) => void>()
  /** Where data connections go: the peer's address, or its name. Noted: a closed socket has none. */
  readonly remoteAddress: string
  #secured: TLSSocket | undefined
  #certificate: Uint8Array | undefined
  readonly #tcp: Carrier
  /** What TLS runs on, where it is to be left again. */
  #carrier: ReturnableSocket | undefined
  /** What commands go out by: the TCP socket, or TLS. */
  #socket: Carrier
  #state: State = { is: 'open' }
  #waiter: Waiter | undefined
  #roundTripMs = Infinity
  #lastReply: Reply | undefined
  #isLoggedIn = false
  /** Whether the next reply had begun before the last command was written. */
  #isNextOlder = false

  constructor(socket: Carrier, options: ControlOptions) {
    this.label = options.label
    this.codec = options.codec ?? UTF_8
    this.#secrets = options.secrets
    this.#watch = options.watch
    const { decode } = this.codec
    this.#parser = new ReplyParser({ decode, redact: (text) => redact(text, options.secrets) })
    this.#socket = this.#tcp = socket
    this.remoteAddress = options.peer ?? socket.remoteAddress ?? ''
    if (options.probes !== false) socket.setKeepAlive?.(true, KEEPALIVE_AFTER_MS)
    socket.setNoDelay?.(true)
    // Under TLS the TCP socket is TLS's own, and what it reports is reported by TLS again.
    socket.on('error', () => {})
    this.#listen(socket)
  }

  get isOpen(): boolean {
    return this.#state.is === 'open'
  }

  get localAddress(): string {
    return this.#socket.localAddress ?? ''
  }

  /** The TLS version of this connection, or `undefined` in clear. */
  get tlsProtocol(): string | undefined {
    return this.#secured?.getProtocol() ?? undefined
  }

  /** The certificate that the server has shown, as DER; `undefined` in clear. */
  get certificate(): Uint8Array | undefined {
    return this.#certificate
  }

  /** The shortest time seen from a command to its reply, in milliseconds; `Infinity` before the first. */
  get roundTripMs(): number {
    return this.#roundTripMs
  }

  /** How long the last reply to a transfer that is over is waited for, in milliseconds: 3 round trips, or 2 s. */
  get settleMs(): number {
    return Number.isFinite(this.#roundTripMs) ? Math.max(SETTLE_MS, 3 * this.#roundTripMs) : SETTLE_MS
  }

  /** Calls `listener` once when the connection, which is open now, is lost or closed. The function takes it back. */
  onClose(listener: (reason: unknown) => void): () => void {
    this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  /**
   * The password has been taken. From here on what a 1yz to 3yz says is read as it is: a path or a name may hold what
   * the password is. Errors and whoever watches get nothing of it still.
   */
  loggedIn(): void {
    this.#isLoggedIn = true
  }

  /** An idle connection does not hold the process. */
  holdProcess(hold: boolean): void {
    for (const socket of [this.#socket, this.#tcp]) {
      if (hold) socket.ref?.()
      else socket.unref?.()
    }
  }

  /** Writes commands, in one packet. The replies are read by {@link nextReply}. */
  write(...commands: readonly Command[]): void {
    // What came before a command was written cannot be its answer: a late 226, or an announcement.
    this.#replies.length = 0
    this.#isNextOlder = this.#parser.isInReply
    this.writeBehind(...commands)
  }

  /** Writes commands behind others whose replies are still awaited. */
  writeBehind(...commands: readonly Command[]): void {
    const bytes = Buffer.concat(commands.map((command) => encodeCommand(command, this.codec.encode)))
    if (this.#state.is === 'failed') return
    this.#socket.write(bytes)
    for (const command of commands) this.#watch?.sent(command)
  }

  /**
   * The next reply, a preliminary one included. `timeoutMs` (after `sinceMs`) without one fails the connection: what comes
   * later could not be told from the reply to another command.
   */
  nextReply(
    timeoutMs: number,
    phase: TimeoutPhase,
    command?: Command,
    sinceMs: number = performance.now(),
  ): Promise<Reply> {
    const reply = this.#replies.shift()
    if (reply !== undefined) return Promise.resolve(reply)
    return new Promise((resolve, reject) => {
      if (this.#state.is === 'failed') {
        reject(this.#state.reason)
        return
      }
      const leftMs = Math.max(1, sinceMs + timeoutMs - performance.now())
      const cancelTimer = startTimer(leftMs, () => this.destroy(this.#timedOut(timeoutMs, phase, command)))
      this.#waiter = { resolve, reject, cancelTimer }
    })
  }

  /** One command and its last reply, whatever its class. */
  async request(command: Command, timeoutMs: number, phase: TimeoutPhase = 'reply'): Promise<Reply> {
    const sentAt = performance.now()
    this.write(command)
    const first = await this.nextReply(timeoutMs, phase, command)
    this.#roundTripMs = Math.min(this.#roundTripMs, performance.now() - sentAt)
    // One deadline for all of it: a server that says "wait" for ever is as silent as one that says nothing.
    return isPreliminary(first) ? this.lastReply(timeoutMs, phase, command, sentAt) : first
  }

  /** The next reply that is no preliminary one, with one deadline for all before it. */
  async lastReply(
    timeoutMs: number,
    phase: TimeoutPhase,
    command: Command,
    sinceMs: number = performance.now(),
  ): Promise<Reply> {
    let reply = await this.nextReply(timeoutMs, phase, command, sinceMs)
    while (isPreliminary(reply)) reply = await this.nextReply(timeoutMs, phase, command, sinceMs)
    return reply
  }

  /**
   * Changes to TLS (RFC 4217 §4). Whatever came in clear behind the 234 was put there by somebody on the way
   * and would otherwise be read as the server's protected words: `ERR_FTP_TLS_INJECTED`. `isLeft` says whether
   * {@link leaveTls} will be called.
   */
  async upgrade(identity: SecureIdentity, timeoutMs: number, isLeft: boolean = false): Promise<void> {
    if (this.#replies.length > 0 || this.#parser.isTrailed) throw this.#fail(this.#injected())
    this.#unlisten(this.#tcp)
    if (isLeft) this.#carrier = new ReturnableSocket(this.#tcp)
    try {
      const secured = await secure(this.#carrier ?? this.#tcp, {
        identity,
        timeoutMs,
        label: this.label,
        onSession: (session) => this.tickets.add(session, CONTROL_ORIGIN),
      })
      if (this.#state.is === 'failed') secured.destroy()
      this.#certificate = secured.getPeerX509Certificate()?.raw
      this.#socket = this.#secured = secured
      this.#listen(secured)
    } catch (error) {
      throw this.#fail(error)
    }
    if (this.#state.is === 'failed') throw this.#state.reason
  }

  /**
   * Sends CCC (RFC 4217 §5). If the server agrees, both end TLS, and commands and replies go in clear from here on.
   * Gives its reply.
   */
  async leaveTls(ccc: Command, replyMs: number, timeoutMs: number): Promise<Reply> {
    const [secured, carrier] = [this.#socket, this.#carrier]
    if (carrier === undefined) throw new TypeError('This connection was not made to leave TLS')
    // The server's end may come with its reply, before anybody here has read that.
    const ended = new Promise<void>((resolve) => void secured.once('end', resolve))
    carrier.expectEnd()
    const reply = await this.request(ccc, replyMs)
    if (!isCompletion(reply)) return reply
    secured.off('close', this.#onClosed)
    const stopTimer = startTimer(timeoutMs, () => this.destroy(this.#tlsNotEnded(timeoutMs, ccc)))
    try {
      await new Promise<void>((resolve, reject) => {
        const stopListening = this.onClose(reject)
        secured.end(() => void ended.then(stopListening).then(() => resolve()))
      })
    } finally {
      stopTimer()
    }
    this.#unlisten(secured)
    secured.on('error', () => {}) // Nobody asks it anything any more.
    const { clear, isEndedInOrder } = carrier.takeBack()
    if (!isEndedInOrder || this.#tcp.destroyed) throw this.#fail(this.#lost(undefined))
    this.#socket = this.#tcp
    this.#secured = undefined
    this.#listen(this.#tcp)
    if (clear.length > 0) this.#onData(clear)
    return reply
  }

  /** Says QUIT, waits a moment for the farewell, and closes. Never rejects. */
  async quit(command: Command): Promise<void> {
    if (this.#state.is === 'failed') return
    this.holdProcess(true)
    try {
      await this.request(command, QUIT_MS)
    } catch {
      // The farewell is a courtesy; the connection goes either way.
    }
    this.destroy(new FtpConnectionError('ERR_FTP_CLOSED', `The connection to ${this.label} was closed`))
  }

  /** Cuts the connection; every wait rejects with `reason`, untouched. */
  destroy(reason: unknown): void {
    this.#fail(reason)
  }

  #listen(socket: Carrier): void {
    socket.on('data', this.#onData)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClosed)
    socket.resume() // It may have been given paused.
  }

  #unlisten(socket: Carrier): void {
    socket.pause()
    socket.off('data', this.#onData)
    socket.off('error', this.#onError)
    socket.off('close', this.#onClosed)
  }

  readonly #onData = (chunk: Uint8Array): void => {
    for (const reply of this.#parser.push(chunk)) this.#deliver(reply)
    if (this.#parser.failure !== undefined) this.#fail(this.#parser.failure)
  }

  readonly #onError = (cause: Error): void => {
    this.#fail(isAboutOurCertificate(cause) ? handshakeError(cause, this.label) : this.#lost(cause))
  }

  readonly #onClosed = (): void => {
    this.#fail(this.#lost(undefined))
  }

  #deliver(received: Reply): void {
    const redacted = this.#redacted(received)
    const isRead = this.#isLoggedIn && received.code < 400 && redacted !== received
    const reply = isRead ? { ...received, shown: redacted.lines } : redacted
    this.#lastReply = redacted
    this.#watch?.received(redacted)
    this.#handOut(reply, redacted)
    // RFC 959 §5.4.2: it closes. Where it does not, or not yet, nothing more that is asked on it would be answered.
    if (reply.code === CLOSING) this.#fail(this.#lost(undefined))
  }

  #handOut(reply: Reply, redacted: Reply): void {
    if (this.#isNextOlder) {
      this.#isNextOlder = false
      return
    }
    const waiter = this.#waiter
    if (waiter === undefined) {
      if (this.#replies.length < MOST_UNASKED) this.#replies.push(reply)
      else this.#fail(this.#flooded(redacted))
      return
    }
    this.#waiter = undefined
    waiter.cancelTimer()
    waiter.resolve(reply)
  }

  /** The first failure stays; later ones are its echoes. */
  #fail(reason: unknown): unknown {
    if (this.#state.is === 'failed') return this.#state.reason
    this.#state = { is: 'failed', reason }
    this.#waiter?.cancelTimer()
    this.#waiter?.reject(reason)
    this.#waiter = undefined
    this.#socket.destroy()
    if (this.#carrier !== undefined) this.#tcp.destroy()
    for (const listener of this.#closeListeners) listener(reason)
    this.#closeListeners.clear()
    return reason
  }

  #redacted(reply: Reply): Reply {
    if (this.#secrets.length === 0) return reply
    const lines = reply.lines.map((line) => redact(line, this.#secrets))
    return lines.every((line, index) => line === reply.lines[index]) ? reply : { code: reply.code, lines }
  }

  /** A connection that ends without a word, or after one (`421 Timeout`), which then is the better explanation. */
  #lost(cause: Error | undefined): FtpConnectionError {
    const farewell = this.#lastReply?.code === CLOSING ? `: ${replyText(this.#lastReply)}` : ''
    const message = `The control connection to ${this.label} was ${cause === undefined ? 'closed by the server' : 'lost'}${farewell}`
    return new FtpConnectionError('ERR_FTP_CONTROL_CLOSED', message, {
      cause,
      host: this.label,
      address: this.remoteAddress,
    })
  }

  #flooded(reply: Reply): FtpProtocolError {
    const received = `${reply.code} ${replyText(reply)}`
    const message = `${this.label} sends replies to commands that nobody has sent: ${received}`
    return new FtpProtocolError('ERR_FTP_MALFORMED_REPLY', message, { host: this.label, received })
  }

  #injected(): FtpTlsError {
    return new FtpTlsError(
      'ERR_FTP_TLS_INJECTED',
      `${this.label} sent text in clear behind its agreement to TLS: somebody on the way may be putting words in`,
      { host: this.label },
    )
  }

  #tlsNotEnded(afterMs: number, ccc: Command): FtpTimeoutError {
    const command = describeCommand(ccc)
    const message = `${this.label} agreed to ${command}, but did not end TLS within ${afterMs} ms`
    return new FtpTimeoutError(message, { phase: 'tls', afterMs, host: this.label, command })
  }

  #timedOut(afterMs: number, phase: TimeoutPhase, command: Command | undefined): FtpTimeoutError {
    const what = command === undefined ? 'did not greet' : `did not answer ${describeCommand(command)}`
    return new FtpTimeoutError(`${this.label} ${what} within ${afterMs} ms`, {
      phase,
      afterMs,
      host: this.label,
      command: command === undefined ? undefined : describeCommand(command),
    })
  }
}
