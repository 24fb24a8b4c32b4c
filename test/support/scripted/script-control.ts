import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandLines } from './command-lines.ts'
import type { NextCommand } from './command-lines.ts'
import { DataPorts } from './data-ports.ts'
import type { ActiveData, DataOptions } from './data-ports.ts'
import { delivered } from './delivered.ts'
import { DialogueError, Expectation, matches, mismatch, quoted } from './expectation.ts'
import type { CommandPattern } from './expectation.ts'
import type { OpenSockets } from './open-sockets.ts'
import { OutputQueue } from './output-queue.ts'
import { properReply } from './passive-reply.ts'
import type { PassiveReply } from './passive-reply.ts'
import { pieces, type ReplyCut } from './reply-cut.ts'
import { turnOfTheLoop } from './script-data.ts'
import type { ScriptedData } from './script-data.ts'
import { ServerTls } from './server-tls.ts'
import type { ServerTlsOptions } from './server-tls.ts'

export interface ControlSettings {
  index: number
  host: string
  sockets: OpenSockets
  /** Aborted when the server closes. */
  stop: AbortSignal
  patienceMs: number
  tls: ServerTlsOptions
  cutReplies: ReplyCut | undefined
  fail: (error: Error) => void
}

export interface PassiveOptions extends DataOptions {
  /** The command that must come. Default: EPSV or PASV. */
  command?: CommandPattern
  /** The words of the answer, given the command and the port. Default: as the RFCs have it. */
  reply?: PassiveReply
}

const PASSIVE = /^(EPSV|PASV)\b/
const ACTIVE = /^(EPRT|PORT) /

/**
 * The server's end of one control connection. What is sent goes out in the order of the calls; nothing is
 * answered that the dialogue does not answer.
 */
export class ScriptedControl {
  /** 0 for the first control connection of the server. */
  readonly index: number
  /** Every command taken so far. */
  readonly commands: string[] = []
  /** Resolves when the connection has closed, whoever did it. */
  readonly closed: Promise<void>

  readonly #settings: ControlSettings
  readonly #raw: Socket
  readonly #tls: ServerTls
  readonly #lines = new CommandLines()
  readonly #output = new OutputQueue()
  readonly #data: DataPorts
  #stream: Duplex
  #lastArrival = 0
  #longestReply = 0
  #handshakeError: Error | undefined
  readonly #take = (chunk: Buffer): void => this.#lines.push(chunk)

  constructor(raw: Socket, settings: ControlSettings) {
    this.#raw = raw
    this.#settings = settings
    this.#tls = new ServerTls(settings.tls)
    this.#data = new DataPorts(settings.sockets, settings.host, this.#tls)
    this.index = settings.index
    this.closed = new Promise((resolve) => raw.once('close', () => resolve()))
    void this.closed.then(() => this.#lines.close())
    raw.setNoDelay(true)
    this.#stream = raw
    this.#listenTo(raw)
  }

  /** The next command must be this one. Await it, or await its `.reply(…)`. */
  expect(pattern: CommandPattern): Expectation {
    const failure = new DialogueError()
    return new Expectation(this.#nextMustBe(pattern, failure), (lines) => this.reply(...lines))
  }

  /** The next command, whatever it is; `undefined` when the connection closes (or the server does). */
  async nextCommand(): Promise<string | undefined> {
    const next = await this.#lines.next(Number.POSITIVE_INFINITY, this.#settings.stop)
    return next.kind === 'command' ? this.#note(next) : undefined
  }

  /** Whether another command has come together with the last one, or waits at least. */
  get hasMore(): boolean {
    return this.#lines.hasMore
  }

  /** `performance.now()` at which the bytes of the last command came. */
  get lastArrival(): number {
    return this.#lastArrival
  }

  /** Fails if any command comes within `ms`. */
  async expectNothing(ms: number): Promise<void> {
    const failure = new DialogueError()
    const next = await this.#lines.next(ms, this.#settings.stop)
    if (next.kind === 'command') throw this.#failed(failure, undefined, quoted(this.#note(next)))
  }

  /** Sends these bytes as they are, in one write: half a reply, several replies, or junk. */
  send(bytes: Uint8Array | string): void {
    this.#output.add(() => this.#write(bytes))
  }

  /** Sends lines with their CRLF, in one write unless the server is told to cut its replies. */
  reply(...lines: string[]): void {
    const bytes = Buffer.from(lines.map((line) => `${line}\r\n`).join(''))
    const { cutReplies } = this.#settings
    this.#longestReply = Math.max(this.#longestReply, bytes.length)
    if (cutReplies === undefined) this.send(bytes)
    else this.#output.addSlow(() => this.#writeAll(pieces(bytes, cutReplies)))
  }

  /** The bytes of the longest {@link reply} so far. */
  get longestReply(): number {
    return this.#longestReply
  }

  /** Sends a reply (its last CRLF added) `size` bytes at a time, each in a TCP segment of its own. */
  replyInPieces(text: string, size: number = 1): void {
    const bytes = Buffer.from(`${text}\r\n`)
    const starts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => index * size)
    this.#output.addSlow(() => this.#writeAll(starts.map((at) => bytes.subarray(at, at + size))))
  }

  /** Resolves when everything sent so far is out. */
  async flushed(): Promise<void> {
    await this.#output.flushed()
  }

  /** Lets time pass; what is sent meanwhile goes out at once. Ends early when the server closes. */
  async delay(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#settings.stop })
  }

  /** Never answers again: whatever comes is thrown away, until the client closes (or the server does). */
  async silence(): Promise<void> {
    this.#lines.discard()
    await this.closed
  }

  /** FIN (close_notify before it, under TLS), behind what was sent. */
  async end(): Promise<void> {
    await this.flushed()
    if (this.#stream.destroyed) return
    await new Promise<void>((resolve) => this.#stream.end(resolve))
  }

  /** RST, behind what was sent. */
  async reset(): Promise<void> {
    await this.flushed()
    await delivered(this.#raw)
    this.#raw.resetAndDestroy()
  }

  /**
   * The server's side of the handshake behind AUTH TLS; the dialogue has sent its 234 (or more) before. False
   * if the handshake fails: that is often what a test wants, so it is no error here.
   */
  async startTls(): Promise<boolean> {
    const failure = new DialogueError()
    await this.flushed()
    this.#raw.off('data', this.#take)
    const already = this.#lines.takeRest()
    if (already.length > 0 && already[0] !== 0x16) {
      throw this.#failed(failure, undefined, `${quoted(already.toString())} in clear behind AUTH TLS`)
    }
    return this.#handshake(already)
  }

  /** Answers AUTH TLS with 234 and performs the handshake; false if it fails. */
  async authTls(): Promise<boolean> {
    await this.expect('AUTH TLS').reply('234 AUTH TLS successful')
    return this.startTls()
  }

  /**
   * Ends TLS, behind what was sent, and goes on in clear (CCC) when the client has ended it as well. `behind` goes out in
   * the packet of the close_notify.
   */
  async leaveTls(behind: string = ''): Promise<void> {
    await this.flushed()
    const [secure, carrier, raw] = [this.#stream, this.#tls.carrier, this.#raw]
    carrier.expectEnd()
    const left = new Promise<void>((resolve) => void secure.once('end', resolve))
    secure.off('data', this.#take)
    secure.resume()
    raw.cork()
    const ended = new Promise<void>((resolve) => secure.end(resolve))
    this.#stream = raw
    await turnOfTheLoop()
    raw.write(behind)
    raw.uncork()
    await Promise.race([Promise.all([ended, left]), this.closed])
    this.#take(Buffer.from(carrier.takeBack().clear))
    this.#listenTo(raw)
    raw.resume()
  }

  /** Puts words in clear on a connection under TLS, as somebody on the way could. */
  async sendInClear(words: string): Promise<void> {
    await this.flushed()
    this.#raw.write(words)
  }

  /** Why the last handshake failed. */
  get handshakeError(): Error | undefined {
    return this.#handshakeError
  }

  get encrypted(): boolean {
    return this.#stream !== this.#raw
  }

  /** From now on data connections have TLS, or not. A PROT command that was taken has set it already. */
  protectData(on: boolean): void {
    this.#data.protected = on
  }

  /** No ticket handed out so far on this control connection resumes any more. */
  forgetTickets(): void {
    this.#tls.forgetTickets()
  }

  /** Takes EPSV or PASV, and answers it with a port. */
  async passive(options: PassiveOptions = {}): Promise<ScriptedData> {
    const command = await this.expect(options.command ?? PASSIVE)
    return this.answerPassive(command, options)
  }

  /** Answers an EPSV or PASV that was already taken. */
  async answerPassive(command: string, options: PassiveOptions = {}): Promise<ScriptedData> {
    const data = await this.#data.passive(options)
    const words = options.reply ?? properReply(this.#settings.host)
    this.reply(words(command, data.port))
    return data
  }

  /** Takes PORT or EPRT, answers 200, and gives the connection that `connect()` opens. */
  async active(options: DataOptions = {}): Promise<ActiveData> {
    const command = await this.expect(ACTIVE).reply('200 PORT command successful')
    return this.answerActive(command, options)
  }

  /** The data connection to where a PORT or EPRT, already taken, has pointed. Sends nothing. */
  answerActive(command: string, options: DataOptions = {}): ActiveData {
    return this.#data.active(command, options)
  }

  /** Called when the dialogue is over: QUIT is answered, anything else was not foreseen. */
  async afterTheDialogue(): Promise<void> {
    const failure = new DialogueError()
    const next = await this.#lines.next(Number.POSITIVE_INFINITY, this.#settings.stop)
    if (next.kind !== 'command') return
    const command = this.#note(next)
    if (command !== 'QUIT') throw this.#failed(failure, undefined, quoted(command))
    this.reply('221 Goodbye')
    await this.end()
  }

  destroy(): void {
    this.#raw.destroy()
  }

  async #handshake(already: Buffer): Promise<boolean> {
    try {
      const hold = (socket: Socket): unknown => this.#settings.sockets.hold(socket)
      const secure = await this.#tls.accept(this.#raw, already, hold)
      this.#stream = secure
      this.#listenTo(secure)
      return true
    } catch (error) {
      this.#handshakeError = error instanceof Error ? error : new Error(String(error))
      this.#raw.destroy()
      return false
    }
  }

  #listenTo(stream: Duplex): void {
    stream.on('data', this.#take)
    stream.once('end', () => {
      if (stream === this.#stream) this.#lines.close()
    })
  }

  async #nextMustBe(pattern: CommandPattern, failure: DialogueError): Promise<string> {
    const next = await this.#lines.next(this.#settings.patienceMs, this.#settings.stop)
    if (next.kind !== 'command') throw this.#failed(failure, pattern, this.#absence(next))
    const before = [...this.commands]
    const command = this.#note(next)
    if (matches(pattern, command)) return command
    throw this.#failed(failure, pattern, quoted(command), before)
  }

  #note(next: NextCommand & { kind: 'command' }): string {
    this.commands.push(next.line)
    this.#lastArrival = next.arrivedAt
    if (/^PROT [PC]$/.test(next.line)) this.#data.protected = next.line === 'PROT P'
    return next.line
  }

  #absence(next: Exclude<NextCommand, { kind: 'command' }>): string {
    switch (next.kind) {
      case 'closed':
        return 'the end of the connection'
      case 'late':
        return `nothing for ${this.#settings.patienceMs} ms`
      case 'stopped':
        return 'nothing before the server was closed'
      default:
        return next satisfies never
    }
  }

  // Recorded here and thrown: an expectation that nobody awaits must not fail unseen.
  #failed(
    failure: DialogueError,
    expected: CommandPattern | undefined,
    got: string,
    before: readonly string[] = this.commands,
  ): DialogueError {
    failure.saying(mismatch(this.index, expected, got, before))
    this.#settings.fail(failure)
    return failure
  }

  async #writeAll(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      this.#write(part)
      await turnOfTheLoop()
    }
  }

  // The client may leave at any time; that is for the test to judge, not an error of the server.
  #write(bytes: Uint8Array | string): void {
    if (this.#stream.writable) this.#stream.write(bytes)
  }
}
