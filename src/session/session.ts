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
import { command, type Command } from '../protocol/command.ts'
import { isCompletion, type Reply } from '../protocol/reply.ts'
import { onAbort } from '../util/abort.ts'
import type { SessionOptions } from './options.ts'
import type { ServerProfile } from './server-profile.ts'

/** RFC 959 §3.1.1: image or ASCII. */
export type TransferType = 'I' | 'A'

/** A path as text, which goes out as UTF-8, or as the very bytes. */
export type RemotePath = string | Uint8Array

/** Last replies of a transfer that answer no other command. */
const LATE_REPLIES: ReadonlySet<number> = new Set([225, 226, 426])

/** How long the question after an idle time may take: a dead connection is replaced, not waited for. */
const CHECK_MS = 5_000

export class Session {
  readonly control: ControlConnection
  readonly options: SessionOptions
  readonly profile: ServerProfile
  /** How long the login took, in milliseconds. */
  readonly loginMs: number
  #type: TransferType | undefined
  /** The rest of a transfer that its caller no longer waits for. */
  #settling: Promise<unknown> | undefined
  #lateReplyPossible = false
  #idleSince: { readonly wall: number; readonly monotonic: number } | undefined

  constructor(control: ControlConnection, options: SessionOptions, profile: ServerProfile, loginMs: number) {
    this.control = control
    this.options = options
    this.profile = profile
    this.loginMs = loginMs
  }

  /** What data connections need under TLS; `undefined` in clear. */
  get dataSecurity(): DataSecurity | undefined {
    const { identity } = this.options
    return identity === undefined ? undefined : { identity, tickets: this.control.tickets }
  }

  /**
   * Whether a last reply to an earlier transfer may still come before the answer to the next command. Asked once
   * for each command: replies come in order, so that behind an answer nothing late can follow.
   */
  takeLateReplyPossible(): boolean {
    const isPossible = this.#lateReplyPossible
    this.#lateReplyPossible = false
    return isPossible
  }

  /** Sends a command and gives its last reply, whatever it says. */
  async request(sent: Command, timeoutMs: number = this.options.timeouts.reply): Promise<Reply> {
    const isLatePossible = this.takeLateReplyPossible()
    const reply = await this.control.request(sent, timeoutMs)
    if (!isLatePossible || !LATE_REPLIES.has(reply.code)) return reply
    return await this.control.nextReply(timeoutMs, 'reply', sent)
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

  /** The session is the caller's again only when `rest` is over; it must be bounded in time. */
  settleLater(rest: Promise<unknown>): void {
    this.#lateReplyPossible = true
    this.#settling = rest.then(
      () => {},
      () => {},
    )
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
    await this.#settling
    this.#settling = undefined
    const idleMs = this.#idleMs()
    this.#idleSince = undefined
    if (!this.control.isOpen) return false
    if (idleMs <= this.options.timeouts.idle) return true
    try {
      await this.request(command('NOOP'), Math.min(CHECK_MS, this.options.timeouts.reply))
      return true
    } catch {
      return false
    }
  }

  /** An idle session does not hold the process. */
  setIdle(isIdle: boolean): void {
    if (isIdle) this.#idleSince = { wall: Date.now(), monotonic: performance.now() }
    this.control.holdProcess(!isIdle)
  }

  /** Says QUIT once nothing is left to settle. Never rejects. */
  async quit(): Promise<void> {
    await this.#settling
    await this.control.quit(command('QUIT'))
  }

  destroy(reason: unknown): void {
    this.control.destroy(reason)
  }

  /** By the later of two clocks: the monotonic one stands still while a laptop sleeps, the other can be set back. */
  #idleMs(): number {
    if (this.#idleSince === undefined) return 0
    return Math.max(Date.now() - this.#idleSince.wall, performance.now() - this.#idleSince.monotonic)
  }
}
