/**
 * One transfer under way: joins the replies of the control connection with the end of the data connection
 * (the table is in `protocol/exchange.ts`), and keeps each wait within its deadline.
 *
 *   control   RETR ──► 150 ─────────────────────────► 226
 *   data         connect ─► bytes … ─► end of file ─┘ either may be first
 */
import type { ControlConnection } from '../connection/control.ts'
import type { DataConnection, DataEnd } from '../connection/data.ts'
import { FtpTimeoutError } from '../errors.ts'
import { describeCommand, type Command } from '../protocol/command.ts'
import {
  initialTransferState,
  stepTransfer,
  transferAwaits,
  transferEvent,
  type TransferEvent,
  type TransferOutcome,
  type TransferState,
} from '../protocol/exchange.ts'
import type { Reply } from '../protocol/reply.ts'
import { deferred } from '../util/deferred.ts'
import { startTimer } from '../util/timer.ts'
import type { Timeouts } from './options.ts'

/** Of one transfer; more than this say nothing new. */
const MOST_REPLIES = 16

export class TransferRun {
  /** Resolves when nothing more is awaited of this transfer; never rejects. Bounded by the deadlines. */
  readonly over: Promise<TransferOutcome>
  /** Resolves when the server has said that it begins, or when it is over. */
  readonly begun: Promise<void>
  /** Resolves when the server has said that all is done, or when it is over. */
  readonly completed: Promise<void>
  /** The first of its replies. */
  readonly replies: Reply[] = []
  readonly #control: ControlConnection
  readonly #data: DataConnection
  readonly #command: Command
  readonly #timeouts: Timeouts
  readonly #over = deferred<TransferOutcome>()
  readonly #begun = deferred<undefined>()
  readonly #completed = deferred<undefined>()
  #state: TransferState = initialTransferState
  #cancelTimer: () => void = () => {}
  #dataEnd: DataEnd | undefined
  #failureReply: Reply | undefined
  #controlFailure: unknown

  constructor(control: ControlConnection, data: DataConnection, command: Command, timeouts: Timeouts) {
    this.#control = control
    this.#data = data
    this.#command = command
    this.#timeouts = timeouts
    this.over = this.#over.promise
    this.begun = this.#begun.promise
    this.completed = this.#completed.promise
  }

  /** How the data connection ended, once it has. */
  get dataEnd(): DataEnd | undefined {
    return this.#dataEnd
  }

  /** The refusing reply, if there was one. */
  get failureReply(): Reply | undefined {
    return this.#failureReply
  }

  /** How it ended, once it has. */
  get outcome(): TransferOutcome | undefined {
    return this.#state.outcome
  }

  /** Whether the server said that it begins. */
  get hasBegun(): boolean {
    return this.#state.preliminarySeen
  }

  /** Whether the server said that all is done. */
  get isCompleted(): boolean {
    return this.#state.completionSeen || this.#state.outcome === 'complete'
  }

  /** Why the control connection was lost, if it was. */
  get controlFailure(): unknown {
    return this.#controlFailure
  }

  /** Sends the command and follows the transfer until it is over. */
  start(): void {
    this.#control.write(this.#command)
    this.follow()
  }

  /** Follows a transfer whose command has been sent. */
  follow(): void {
    this.#data.start()
    this.#arm()
    void this.#followReplies()
    void this.#followData()
  }

  async #followReplies(): Promise<void> {
    try {
      while (this.#state.outcome === undefined && transferAwaits(this.#state) !== 'data') {
        // The deadline depends on the data as well, so it is kept here and not by the read.
        const reply = await this.#control.nextReply(Infinity, 'reply', this.#command)
        const event = transferEvent(reply)
        if (this.replies.length < MOST_REPLIES) this.replies.push(reply)
        if (event === 'failure') this.#failureReply = reply
        if (event !== 'preliminary' && this.#data.bytes > 0) this.#step('data-begin')
        this.#step(event)
      }
    } catch (error) {
      this.#controlFailure = error
      this.#step('control-lost')
    }
  }

  async #followData(): Promise<void> {
    const end = await this.#data.end
    this.#dataEnd = end
    if (this.#data.bytes > 0) this.#step('data-begin')
    switch (end.is) {
      case 'ended':
        return this.#step('data-end')
      case 'cut':
        return this.#step('cut')
      case 'lost':
        return this.#step('data-lost')
    }
  }

  #step(event: TransferEvent): void {
    const before = this.#state
    this.#state = stepTransfer(before, event)
    if (this.#state === before) return
    this.#arm()
    const isOver = this.#state.outcome !== undefined
    if (isOver || this.hasBegun) this.#begun.resolve(undefined)
    if (isOver || this.isCompleted) this.#completed.resolve(undefined)
    if (this.#state.outcome !== undefined) this.#over.resolve(this.#state.outcome)
  }

  /** One deadline at a time: for whatever is awaited now. Silence of the data is the data connection's own. */
  #arm(): void {
    this.#cancelTimer()
    const ms = this.#deadlineMs()
    this.#cancelTimer = startTimer(ms, () => this.#expire(ms))
  }

  #deadlineMs(): number {
    const { data, preliminarySeen } = this.#state
    switch (transferAwaits(this.#state)) {
      case 'reply':
        return data === 'ended' ? this.#timeouts.completion : this.#control.settleMs
      case 'both':
        return data === 'awaited' && !preliminarySeen ? this.#timeouts.reply : Infinity
      case 'data':
      case 'nothing':
        return Infinity
    }
  }

  /** Without its last reply the session cannot be used again: the next reply could be this one. */
  #expire(afterMs: number): void {
    if (this.#state.data === 'awaited' && this.#data.bytes > 0) {
      this.#step('data-begin') // No 150, but data: the transfer is under way.
      return
    }
    const { label } = this.#control
    const command = describeCommand(this.#command)
    const phase = this.#state.data === 'ended' ? 'completion' : 'reply'
    const message = `${label} did not ${phase === 'completion' ? 'confirm the end of' : 'answer'} ${command} within ${afterMs} ms`
    this.#control.destroy(new FtpTimeoutError(message, { phase, afterMs, host: label, command }))
  }
}
