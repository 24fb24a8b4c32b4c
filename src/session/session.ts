/**
 * One logged-in control connection and what its server believes of it: the TYPE in force, whether a transfer's
 * last reply is still to come, how long it has been idle.
 *
 * The verbs are functions beside this file, each taking the session it needs; at any time at most one of them
 * runs on it. Knows nothing of the pool.
 */
import type { ControlConnection } from '../connection/control.ts'
import { replyError } from '../connection/reply-error.ts'
import type { DataSecurity } from '../connection/data-socket.ts'
import { FtpTimeoutError, type TimeoutPhase } from '../errors.ts'
import { command, type Command } from '../protocol/command.ts'
import { parsePathReply } from '../protocol/path.ts'
import { isCompletion, type Reply } from '../protocol/reply.ts'
import { onAbort } from '../util/abort.ts'
import { startIdleTimer, startTimer } from '../util/timer.ts'
import type { SessionOptions } from './options.ts'
import type { ServerProfile } from './server-profile.ts'

/** RFC 959 §3.1.1: image, ASCII or EBCDIC. */
export type TransferType = 'I' | 'A' | 'E'

/** As options name them. */
export const TRANSFER_TYPES = { binary: 'I', ascii: 'A', ebcdic: 'E' } as const

/** A path as text, which goes out in the session's encoding, or as the very bytes. */
export type RemotePath = string | Uint8Array

/** Last replies of a transfer that answer no other command; and those that answer no question for a port. */
const LATE_REPLIES: ReadonlySet<number> = new Set([225, 226, 426])
const LATE_BEFORE_PORT: ReadonlySet<number> = new Set([225, 226, 250, 426, 451])

/**
 * It is about to be closed (RFC 959 §4.2.2), or the server has nobody logged in there; any other answer is one of a
 * session that is there.
 */
export const NO_SESSION: ReadonlySet<number> = new Set([421, 530])

/** How often an idle session says NOOP where that is asked for: servers and routers wait a minute at least. */
const NOOP_EVERY_MS = 30_000

/** How long the question after an idle time may take: a dead connection is replaced, not waited for. */
const CHECK_MS = 5_000

export class Session {
  readonly control: ControlConnection
  readonly options: SessionOptions
  readonly profile: ServerProfile
  /** What the server said to greet, and to the login. */
  readonly welcome: readonly string[]
  /** Whether the server has taken a REST that no RETR has used up. */
  isRestartPending = false
  /** Where the login has led to, once that had to be asked. */
  #home: string | undefined
  /** Where whoever has the session means its relative paths, if not there. */
  #base: string | undefined
  /** Whether it is elsewhere than at its base. */
  #hasMoved = false
  #type: TransferType | undefined
  /** The rest of a transfer that its caller no longer waits for. */
  #settling: Promise<unknown> | undefined
  #lateReplyPossible = false
  #stopNoops: () => void = () => {}
  #idleSince: { readonly wall: number; readonly monotonic: number } | undefined

  constructor(
    control: ControlConnection,
    options: SessionOptions,
    profile: ServerProfile,
    welcome: readonly string[],
  ) {
    this.control = control
    this.options = options
    this.profile = profile
    this.welcome = welcome
    if (options.keepAlive === 'noop') control.onClose(() => this.#stopNoops())
  }

  /** What a data connection needs under TLS; `undefined` in clear. */
  dataSecurity(watchesEnd: boolean): DataSecurity | undefined {
    const { identity } = this.options
    const { tickets, certificate } = this.control
    return identity && { identity, tickets, certificate, watchesEnd }
  }

  /**
   * Sends a command and gives its last reply, whatever it says. One last reply to an earlier transfer that comes
   * before it is dropped; replies come in order, so that behind an answer nothing late can follow.
   */
  async request(
    sent: Command,
    timeoutMs: number = this.options.timeouts.reply,
    phase: TimeoutPhase = 'reply',
  ): Promise<Reply> {
    const isLatePossible = this.#lateReplyPossible
    this.#lateReplyPossible = false
    const reply = await this.control.request(sent, timeoutMs, phase)
    const late = sent.verb === 'EPSV' || sent.verb === 'PASV' ? LATE_BEFORE_PORT : LATE_REPLIES
    if (!isLatePossible || !late.has(reply.code)) return reply
    return await this.control.nextReply(timeoutMs, phase, sent)
  }

  /**
   * Sends commands all at once, and gives their last replies in the same order. For questions whose answers do not
   * depend on each other, to a server that takes several at a time.
   */
  async requestAll(
    sent: readonly Command[],
    timeoutMs: number = this.options.timeouts.reply,
  ): Promise<Reply[]> {
    const isLatePossible = this.#lateReplyPossible
    this.#lateReplyPossible = false
    this.control.write(...sent)
    const replies: Reply[] = []
    for (const one of sent) {
      let reply = await this.control.lastReply(timeoutMs, 'reply', one)
      if (replies.length === 0 && isLatePossible && LATE_REPLIES.has(reply.code)) {
        reply = await this.control.lastReply(timeoutMs, 'reply', one)
      }
      replies.push(reply)
    }
    return replies
  }

  /** Sends a command that has to be carried out. Rejects with an `FtpReplyError` otherwise. */
  async require(sent: Command): Promise<Reply> {
    const reply = await this.request(sent)
    if (!isCompletion(reply)) throw replyError(reply, this.control.label, sent)
    return reply
  }

  /** TYPE counts as set only once the server has said so. */
  async setType(type: TransferType): Promise<void> {
    if (this.#type === type) return
    this.#type = undefined
    await this.require(command('TYPE', type))
    this.#type = type
  }

  /** The same, with questions behind it in one packet: their answers are given as by {@link requestAll}. */
  async setTypeAndAsk(type: TransferType, questions: readonly Command[]): Promise<Reply[]> {
    if (this.#type === type) return this.requestAll(questions)
    this.#type = undefined
    const sent = command('TYPE', type)
    const [set, ...answers] = await this.requestAll([sent, ...questions])
    if (set !== undefined && !isCompletion(set)) throw replyError(set, this.control.label, sent)
    this.#type = type
    return answers
  }

  /** Before a CWD: relative paths mean something else behind it, until {@link goBack}. */
  async leaveBase(): Promise<void> {
    if (this.#base === undefined) await this.home()
    this.#hasMoved = true
  }

  /** The directory of the login, as the server writes it. Asked once, of a session that has not moved. */
  async home(): Promise<string> {
    this.#home ??= await this.#whereItIs()
    return this.#home
  }

  /** Whether {@link home} has been asked, so that {@link leaveBase} asks nothing. */
  get isHomeKnown(): boolean {
    return this.#home !== undefined || this.#base !== undefined
  }

  /** Whether it is where its relative paths are meant. */
  get isAtBase(): boolean {
    return !this.#hasMoved
  }

  /** Behind a CWD from there that was refused: the way back is a round trip. */
  stayAtBase(): void {
    this.#hasMoved = false
  }

  /** Back to where its relative paths are meant. */
  async goBack(): Promise<void> {
    if (!this.#hasMoved) return
    await this.require(command('CWD', this.#base ?? this.#home))
    this.#hasMoved = false
  }

  /** Behind a CWD of whoever has the session: relative paths are meant from where it has led to. */
  async stayHere(): Promise<void> {
    this.#base = await this.#whereItIs()
    this.#hasMoved = false
  }

  /** Behind what makes a new session ready: where it is now counts as the directory of its login. */
  settleHere(): void {
    this.#home = this.#base
    this.#base = undefined
    this.#hasMoved = false
  }

  async #whereItIs(): Promise<string> {
    return parsePathReply(await this.require(command('PWD')))
  }

  /** The TYPE in force is one that was not set by {@link setType}. */
  forgetType(): void {
    this.#type = undefined
  }

  /** The session is the caller's again only when `rest`, which never rejects, is over. */
  settleLater(rest: Promise<unknown>): void {
    this.#lateReplyPossible = true
    this.#settling = rest
  }

  /** Whether the next reply may be one to an earlier transfer. Whoever asks looks at it himself from here on. */
  takeLate(): boolean {
    const isLatePossible = this.#lateReplyPossible
    this.#lateReplyPossible = false
    return isLatePossible
  }

  /** Runs `work`, during which an abort cuts this session: a reply was outstanding. */
  async abortable<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const stopListening = onAbort(signal, (reason) => this.destroy(reason))
    try {
      return await work()
    } finally {
      stopListening()
    }
  }

  /** Whether it can be used again: whatever was left of a transfer is over, and the server still answers. */
  async isReady(): Promise<boolean> {
    await this.settled()
    const idleMs = this.#idleMs()
    this.#idleSince = undefined
    if (!this.control.isOpen) return false
    if (this.#base !== undefined) {
      this.#base = undefined
      this.#hasMoved = true
    }
    if (idleMs <= this.options.timeouts.idle && !this.#hasMoved) return true
    try {
      await this.goBack()
      const { code } = await this.request(command('NOOP'), Math.min(CHECK_MS, this.options.timeouts.reply))
      return !NO_SESSION.has(code)
    } catch {
      return false
    }
  }

  /** An idle session does not hold the process. */
  setIdle(isIdle: boolean): void {
    if (isIdle) this.#idleSince = { wall: Date.now(), monotonic: performance.now() }
    this.control.holdProcess(!isIdle)
    this.#stopNoops()
    if (isIdle && this.options.keepAlive === 'noop')
      this.#stopNoops = startIdleTimer(NOOP_EVERY_MS, this.#noop)
  }

  /** Whoever wants the session meanwhile waits for its answer. */
  readonly #noop = (): void => {
    const { reply } = this.options.timeouts
    const answered = this.settled().then(() => this.control.request(command('NOOP'), reply))
    this.#settling = answered.catch(() => {}) // Lost: the pool hears of it by the connection.
    this.#stopNoops = startIdleTimer(NOOP_EVERY_MS, this.#noop)
  }

  /** Says QUIT once nothing is left to settle. Never rejects. */
  async quit(): Promise<void> {
    this.#stopNoops()
    await this.settled()
    await this.control.quit(command('QUIT'))
  }

  destroy(reason: unknown): void {
    this.#stopNoops()
    this.control.destroy(reason)
  }

  /** Waits for the rest of a transfer, but not for long: nobody can use a session that is a reply behind. */
  async settled(): Promise<void> {
    const settling = this.#settling
    this.#settling = undefined
    if (settling === undefined) return
    const stop = startTimer(this.control.settleMs, () => this.destroy(this.#unsettled()))
    await Promise.allSettled([settling])
    stop()
  }

  #unsettled(): FtpTimeoutError {
    const { label, settleMs: afterMs } = this.control
    const message = `${label} did not confirm the end of a transfer within ${afterMs} ms`
    return new FtpTimeoutError(message, { phase: 'completion', afterMs, host: label })
  }

  /** By the later of two clocks: the monotonic one stands still while a laptop sleeps, the other can be set back. */
  #idleMs(): number {
    if (this.#idleSince === undefined) return 0
    return Math.max(Date.now() - this.#idleSince.wall, performance.now() - this.#idleSince.monotonic)
  }
}
