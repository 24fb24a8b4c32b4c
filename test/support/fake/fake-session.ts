import type { FakeFtpServer } from '../fake-ftp-server.ts'
import type { ActiveData, PassiveOptions, ScriptedControl, ScriptedData } from '../scripted-server.ts'
import { openDataConnection } from './data-connection.ts'
import type { DataRefusal } from './data-connection.ts'
import { Pace } from './pace.ts'
import { VERBS } from './verbs.ts'

/** One control connection of the fake server: who is logged in, and what the commands so far have set. */
export class FakeSession {
  readonly server: FakeFtpServer
  readonly control: ScriptedControl
  readonly pace: Pace
  user: string | undefined
  loggedIn = false
  directory = '/'
  /** What REST has set for the next transfer. */
  restartOffset = 0
  dataConnections = 0

  #data: ActiveData | undefined
  #over = false
  #hasLeft = false

  constructor(server: FakeFtpServer, control: ScriptedControl) {
    this.server = server
    this.control = control
    this.pace = new Pace(
      () => server.rateOf(control.index),
      (ms) => control.delay(ms),
    )
  }

  /** Number of the control connection. */
  get index(): number {
    return this.control.index
  }

  reply(...lines: string[]): void {
    this.control.reply(...lines)
  }

  /** Reads and obeys commands until the connection ends. */
  async serve(): Promise<void> {
    while (!this.#over) {
      const command = await this.control.nextCommand()
      if (command === undefined) return
      await this.#roundTrip()
      await this.#obey(command)
    }
  }

  /** The client has left: it does not come for what was made ready for it. */
  left(): void {
    this.#over = this.#hasLeft = true
    this.dropData()
  }

  /** Ends the connection, behind what was said. */
  async end(): Promise<void> {
    this.#over = true
    await this.control.end()
  }

  /** Ends it as told; no command is read any more. */
  async die(by: 'fin' | 'rst'): Promise<void> {
    this.#over = true
    await (by === 'rst' ? this.control.reset() : this.control.end())
  }

  /** The absolute path of an argument. */
  resolve(argument: string): string {
    const absolute = argument.startsWith('/') ? argument : `${this.directory}/${argument}`
    return absolute.replace(/\/+/g, '/').replace(/(.)\/$/, '$1')
  }

  async answerPassive(command: string, options: PassiveOptions = {}): Promise<void> {
    this.dropData()
    const data = await this.control.answerPassive(command, options)
    this.#data = { data, connect: async () => undefined }
    if (this.#hasLeft) this.dropData()
  }

  answerActive(command: string): void {
    this.dropData()
    this.#data = this.control.answerActive(command)
    this.reply('200 PORT command successful')
  }

  get hasData(): boolean {
    return this.#data !== undefined
  }

  /** The data connection that PASV, EPSV, PORT or EPRT has prepared, ready to be written to; or why not. */
  async openData(): Promise<ScriptedData | DataRefusal> {
    const prepared = this.#data
    this.#data = undefined
    if (prepared === undefined) return { refusal: '425 Use PASV first' }
    return openDataConnection(this, prepared.data, prepared.connect)
  }

  dropData(): void {
    this.#data?.data.drop()
    this.#data = undefined
  }

  // What came together is answered together: only the time since a command's own arrival is waited for.
  async #roundTrip(): Promise<void> {
    const wait = this.control.lastArrival + (this.server.options.latencyMs ?? 0) - performance.now()
    if (wait > 0) await this.control.delay(wait)
  }

  async #obey(line: string): Promise<void> {
    // Telnet's IP and Synch before an ABOR (RFC 959 §4.1.3) are no part of the verb.
    const [, verb = '', argument = ''] = /^[^a-zA-Z]*(\S*) ?(.*)$/s.exec(line) ?? []
    const name = verb.toUpperCase()
    const proceed = async (): Promise<void> => this.#usual(name, argument, line)
    const override = this.server.options.on?.[name]
    await (override === undefined ? proceed() : override(this, argument, proceed))
  }

  async #usual(verb: string, argument: string, line: string): Promise<void> {
    const behaviour = VERBS[verb]
    if (behaviour === undefined || this.server.lacks(verb)) return this.reply(`502 ${verb} not implemented`)
    if (behaviour.needsLogin && !this.loggedIn) return this.reply('530 Please log in with USER and PASS')
    await behaviour.obey(this, argument, line)
  }
}
