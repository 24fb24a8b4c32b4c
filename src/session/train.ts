/**
 * Transfers one behind the other on one session, for many small files and listings. The port and the command of the
 * next go out in one packet as soon as the data of the last have ended, ahead of its 226:
 *
 *   control   EPSV RETR a ──► 229 150            EPSV RETR b ──► 226 229 150
 *   data                       └ connect ─ bytes ─ end ┘             └ connect ─ …
 *
 * Three round trips a file in place of five. vsftpd, ProFTPD, Pure-FTPd and pyftpdlib all stand it, TLS or not; further
 * ahead, while data still come, Pure-FTPd and pyftpdlib do not. A server that does not stand it shows by a silence or
 * an answer out of order: it is not tried there again, and what was under way is for the caller to do again.
 *
 * Under TLS, vsftpd ends a data connection in two steps, and is deaf meanwhile: it waits for our close_notify, and then
 * until its own end has been acknowledged. A close_notify that is there already saves it the first wait, which is one
 * more round trip a file.
 *
 * Nothing is tried twice here. Behind a failure that is no refusal the session has to be given up.
 */
import { endpointOf, EPSV, PASV, type PassiveEndpoint } from '../connection/passive.ts'
import { replyError } from '../connection/reply-error.ts'
import type { DataConnection, DataSocket } from '../connection/data.ts'
import type { DataReceiver } from '../connection/receiver.ts'
import { FtpError, FtpReplyError, FtpTimeoutError } from '../errors.ts'
import { command, describeCommand, type Command } from '../protocol/command.ts'
import type { TransferOutcome } from '../protocol/exchange.ts'
import type { Reply } from '../protocol/reply.ts'
import { startTimer } from '../util/timer.ts'
import { passiveConnection } from './open-data.ts'
import { isVsftpd } from './is-vsftpd.ts'
import { refusal } from './refusal.ts'
import type { ServerProfile } from './server-profile.ts'
import type { Session } from './session.ts'
import { failureOf } from './transfer-failure.ts'
import { TransferRun } from './transfer-run.ts'

export interface TrainStep {
  /** Commands in front, in the same packet. Their answers are given, whatever they are. */
  readonly before: readonly Command[]
  /** RETR, MLSD, LIST, STOR. */
  readonly sent: Command
  readonly receiver: DataReceiver
  /** Whether, under TLS, an end that may be a cut is no end: where no count of bytes tells. */
  readonly watchesEnd: boolean
}

export interface Arrival {
  /** To the commands in front. */
  readonly replies: readonly Reply[]
  readonly bytes: number
  readonly tls: DataSocket['tls']
  /** Resolves when the server has said that this was all; rejects if it says otherwise, or nothing. */
  readonly confirmed: Promise<void>
}

/** What servers say in greeting that take one command at a time only. */
const ONE_AT_A_TIME = /icrosoft FTP Service|MadGoat|MikroTik/
/** How long a server that has not shown yet that it takes several commands at once may be silent. */
const TRIAL_MS = 3_000
const TRIAL_ROUND_TRIPS = 10

export class Train {
  readonly #session: Session
  #last: TransferRun | undefined
  /** Whether the first answer may be one to an earlier transfer. */
  #mayBeLate = false
  readonly #triesOut: boolean
  readonly #endsFirst: boolean

  private constructor(session: Session, triesOut: boolean) {
    this.#session = session
    this.#triesOut = triesOut
    this.#endsFirst = session.options.identity !== undefined && isVsftpd(session)
  }

  /**
   * Sets TYPE I. With `triesOut: false` a server that has not shown yet that it stands it is asked for one transfer
   * step by step: for what is not done again where it fails.
   */
  static async on(session: Session, { triesOut = true }: { triesOut?: boolean } = {}): Promise<Train> {
    const { profile, welcome } = session
    if (welcome.some((line) => ONE_AT_A_TIME.test(line))) profile.trains = 'fail'
    const train = new Train(session, triesOut)
    await session.setType('I')
    if (session.isRestartPending) await session.request(command('REST', '0'))
    session.isRestartPending = false
    train.#mayBeLate = session.takeLate()
    return train
  }

  /**
   * Receives, and resolves at the end of the data. Rejects with an `FtpReplyError` where the server refuses, and the
   * train goes on behind it; with anything else the session is out of step.
   */
  async receive(step: TrainStep): Promise<Arrival> {
    const { run, data, replies } = await this.#begin(step, false)
    if (this.#endsFirst)
      data.ready.then(
        () => data.endFirst(),
        () => {}, // Told by the end of the data.
      )
    await Promise.race([data.end, run.over])
    const confirmed = this.#confirmed(run, data, step.sent)
    // Refused, or broken off: there is no end of the data to go on from.
    if (data.bytes === 0 || run.dataEnd?.is !== 'ended') await confirmed
    confirmed.catch(() => {}) // Waited for when the next is under way.
    return { replies, bytes: data.bytes, tls: data.tls, confirmed }
  }

  /** Sends `bytes`, and resolves when the server has said that it has them. Rejects as {@link receive} does. */
  async send(step: TrainStep, bytes: Uint8Array): Promise<Arrival> {
    const { run, data, replies } = await this.#begin(step, true)
    try {
      // Not waiting for the 150: what a server that refuses does not read can be sent again.
      await Promise.race([data.ready, run.over])
      if (bytes.length > 0) await data.write(bytes)
      data.finish()
    } catch {
      data.cut() // Why is told by the reply, or by the end of the data.
    }
    const confirmed = this.#confirmed(run, data, step.sent)
    await confirmed
    return { replies, bytes: data.bytes, tls: data.tls, confirmed }
  }

  /** Asks, in one packet, when nothing is under way. The answers are given, whatever they are. */
  async ask(questions: readonly Command[]): Promise<Reply[]> {
    await this.end()
    if (questions.length === 0) return []
    if (!this.#isInBursts) {
      const replies: Reply[] = []
      for (const one of questions)
        replies.push(await this.#answer(one, () => this.#session.control.write(one)))
      return replies
    }
    this.#session.control.write(...questions)
    return this.#answers(questions)
  }

  /** Resolves when nothing is under way; rejects if the control connection was lost meanwhile. */
  async end(): Promise<void> {
    const last = this.#last
    this.#last = undefined
    if (last === undefined) return
    const outcome = await last.over
    if (outcome === 'control-lost') throw last.controlFailure
  }

  get #isInBursts(): boolean {
    return this.#session.profile.trains !== 'fail'
  }

  async #begin(
    { before, sent, receiver, watchesEnd }: TrainStep,
    isSending: boolean,
  ): Promise<{ readonly run: TransferRun; readonly data: DataConnection; readonly replies: Reply[] }> {
    const { control, options, profile } = this.#session
    const passive = profile.passive.way === 'EPSV' ? EPSV : PASV
    const isBurst = this.#isInBursts && (this.#triesOut || profile.trains === 'work')
    if (isBurst) control.writeBehind(...before, passive, sent)
    await this.end()
    try {
      const replies = isBurst ? await this.#answers(before) : await this.ask(before)
      const answer = await this.#answer(passive, () => isBurst || control.write(passive))
      const endpoint = await this.#endpoint(answer, passive, isBurst ? sent : undefined)
      const data = passiveConnection(
        this.#session,
        endpoint,
        { receiver, watchesEnd, isSending },
        options.timeouts.connect,
      )
      const run = new TransferRun(control, data, sent, options.timeouts)
      if (isBurst) run.follow()
      else run.start()
      this.#last = run
      if (isBurst && profile.trains === 'untried') this.#tryOut(run, data, sent)
      return { run, data, replies }
    } catch (error) {
      const isServers = error instanceof FtpError && !(error instanceof FtpReplyError)
      if (isBurst && isServers && profile.trains === 'untried') profile.trains = 'fail'
      throw error
    }
  }

  /** Silent behind several commands at once, it may have dropped what it had not read yet. */
  #tryOut(run: TransferRun, data: DataConnection, sent: Command): void {
    const { control, profile } = this.#session
    const stop = startTimer(this.#trialMs, () => {
      if (run.hasBegun || data.bytes > 0 || run.outcome !== undefined) return
      profile.trains = 'fail'
      control.destroy(this.#silent(sent))
    })
    void run.over.then((outcome) => {
      stop()
      if (profile.trains === 'untried') profile.trains = verdict(run, outcome)
    })
  }

  async #endpoint(answer: Reply, passive: Command, behind: Command | undefined): Promise<PassiveEndpoint> {
    const { control, options } = this.#session
    const endpoint = endpointOf(answer, passive, control, options.passiveHost)
    if (endpoint !== undefined) return endpoint
    if (behind !== undefined) await this.#answer(behind)
    throw replyError(answer, control.label, passive)
  }

  async #answers(questions: readonly Command[]): Promise<Reply[]> {
    const replies: Reply[] = []
    for (const one of questions) replies.push(await this.#answer(one))
    return replies
  }

  async #answer(sent: Command, write: () => unknown = () => {}): Promise<Reply> {
    const { control, options, profile } = this.#session
    const isOnTrial = this.#triesOut && profile.trains === 'untried'
    const waitMs = isOnTrial ? this.#trialMs : options.timeouts.reply
    write()
    const reply = await control.lastReply(waitMs, 'reply', sent)
    const isLate = this.#mayBeLate && (reply.code === 226 || reply.code === 225 || reply.code === 426)
    this.#mayBeLate = false
    return isLate ? control.lastReply(waitMs, 'reply', sent) : reply
  }

  async #confirmed(run: TransferRun, data: DataConnection, sent: Command): Promise<void> {
    const outcome = await run.over
    data.cut() // Refused: nothing will come by it.
    if (outcome === 'complete') return
    const toError = (reply: Reply): Error => refusal(this.#session, reply, sent)
    const failure = failureOf(this.#session, run, sent, data, toError)
    throw failure ?? new Error(`${describeCommand(sent)} ended before all was there`)
  }

  get #trialMs(): number {
    const { control, options } = this.#session
    const { roundTripMs } = control
    const trialMs = Math.max(TRIAL_MS, Number.isFinite(roundTripMs) ? TRIAL_ROUND_TRIPS * roundTripMs : 0)
    return Math.min(trialMs, options.timeouts.reply)
  }

  #silent(sent: Command): FtpTimeoutError {
    const { label } = this.#session.control
    const afterMs = this.#trialMs
    const text = describeCommand(sent)
    const message = `${label} did not answer ${text}, sent together with the command before, within ${afterMs} ms`
    return new FtpTimeoutError(message, { phase: 'reply', afterMs, host: label, command: text })
  }
}

/**
 * That it knows no such command, or has no port for it: one step at a time may do, and does no harm where it is the
 * server's limit.
 */
const OUT_OF_ORDER: ReadonlySet<number> = new Set([425, 500, 502, 503])

/** What the first transfer asked for in this way says of the server. A refusal says nothing, nor does our own cut. */
function verdict(run: TransferRun, outcome: TransferOutcome): ServerProfile['trains'] {
  if (outcome === 'complete') return 'work'
  if (outcome === 'refused' && OUT_OF_ORDER.has(run.failureReply?.code ?? 0)) return 'fail'
  if (outcome === 'refused' || run.dataEnd?.is === 'cut') return 'untried'
  return outcome === 'control-lost' && !(run.controlFailure instanceof FtpError) ? 'untried' : 'fail'
}
