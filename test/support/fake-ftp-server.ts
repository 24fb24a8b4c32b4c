import { bufferFile } from './pattern-file.ts'
import type { VirtualFile } from './pattern-file.ts'
import { FakeSession } from './fake/fake-session.ts'
import { greetingLimit } from './fake/login.ts'
import type { FakeFtpOptions } from './fake/options.ts'
import type { DataRecord, Login, Retrieval } from './fake/records.ts'
import { scriptedServer } from './scripted-server.ts'
import type { ScriptedControl, ScriptedServer } from './scripted-server.ts'

export type { AfterCut, Completion, ConnectionLimit, FakeFtpOptions, Fault } from './fake/options.ts'
export type { Override, PassiveQuirk } from './fake/options.ts'
export type { DataRecord, Login, Retrieval } from './fake/records.ts'
export type { FakeSession } from './fake/fake-session.ts'

const LONG_AGO = new Date('2024-02-29T12:34:56Z')

/**
 * A small FTP server in this process that behaves rightly, except where its options say otherwise.
 *
 * ```ts
 * await using server = await fakeFtpServer({ files: { '/a.bin': patternFile(5 * 2 ** 30) }, restModulo: 2 ** 32 })
 * ```
 */
export async function fakeFtpServer(options: FakeFtpOptions = {}): Promise<FakeFtpServer> {
  const server = new FakeFtpServer(options)
  await server.listen()
  return server
}

export class FakeFtpServer {
  readonly options: FakeFtpOptions
  /** By absolute path. A test may change it at any time. */
  readonly files: Map<string, Buffer | VirtualFile>
  readonly logins: Login[] = []
  readonly dataConnections: DataRecord[] = []
  readonly retrievals: Retrieval[] = []
  /** The most that were open at once. */
  maxControlConnections = 0

  readonly #sessions = new Set<FakeSession>()
  readonly #timesAsked = new Map<string, number>()
  #server: ScriptedServer | undefined

  constructor(options: FakeFtpOptions) {
    this.options = options
    this.files = new Map(Object.entries(options.files ?? {}))
  }

  async listen(): Promise<void> {
    const { host, tls, cutReplies } = this.options
    this.#server = await scriptedServer((control) => this.#serve(control), {
      implicit: this.security === 'implicit',
      ...(host && { host }),
      ...(tls && { tls }),
      ...(cutReplies !== undefined && { cutReplies }),
    })
  }

  get port(): number {
    return this.#scripted.port
  }

  get host(): string {
    return this.#scripted.host
  }

  /** The URL of an absolute path on this server, in the scheme of its security (`ftp` in clear by default). */
  url(path: string, scheme?: string): string {
    return this.#scripted.url(path, scheme)
  }

  /** The commands of each control connection, in their order. */
  get commands(): string[][] {
    return this.#scripted.commands
  }

  /** The bytes of the longest reply so far. */
  get longestReply(): number {
    return this.#scripted.longestReply
  }

  /** Slips of this server or of an `on` override; `close` rejects with them. */
  get errors(): Error[] {
    return this.#scripted.errors
  }

  /** Those that were let in; one turned away at the greeting does not count. */
  get openControlConnections(): number {
    return this.#sessions.size
  }

  /** Sockets and listeners that are open. */
  get openHandles(): number {
    return this.#scripted.openHandles
  }

  get security(): 'none' | 'explicit' | 'implicit' {
    return this.options.security ?? 'explicit'
  }

  close(): Promise<void> {
    return this.#scripted.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  file(path: string): VirtualFile | undefined {
    const file = this.files.get(path)
    return Buffer.isBuffer(file) ? bufferFile(file) : file
  }

  /** Directories are what the paths of files imply. */
  isDirectory(path: string): boolean {
    const prefix = path === '/' ? '/' : `${path}/`
    return path === '/' || [...this.files.keys()].some((name) => name.startsWith(prefix))
  }

  lacks(verb: string): boolean {
    return this.options.unsupported?.includes(verb) === true
  }

  /** Sessions that are logged in, as anyone or as one user. */
  loggedIn(user?: string): number {
    const counted = [...this.#sessions].filter((session) => session.loggedIn)
    return counted.filter((session) => user === undefined || session.user === user).length
  }

  rateOf(connection: number): number {
    const { bytesPerSecond = Number.POSITIVE_INFINITY } = this.options
    if (typeof bytesPerSecond === 'number') return bytesPerSecond
    return bytesPerSecond[connection] ?? bytesPerSecond.at(-1) ?? Number.POSITIVE_INFINITY
  }

  sizeTold(path: string, file: VirtualFile): number {
    return this.options.sizeTold?.(path, file.size) ?? file.size
  }

  /** As MDTM words it (RFC 3659 §2.3). Counts the questions. */
  modified(path: string): string {
    const timesAsked = this.#timesAsked.get(path) ?? 0
    this.#timesAsked.set(path, timesAsked + 1)
    const date = this.options.modified?.(path, timesAsked) ?? LONG_AGO
    return date.toISOString().slice(0, 19).replace(/\D/g, '')
  }

  recordRetrieval(connection: number, path: string, offset: number): Retrieval {
    const number = this.retrievals.length
    const start = this.#startFor(offset)
    const retrieval: Retrieval = { connection, number, path, offset, start, bytesSent: 0, outcome: 'running' }
    this.retrievals.push(retrieval)
    return retrieval
  }

  get #scripted(): ScriptedServer {
    if (this.#server === undefined) throw new Error('the server does not listen yet')
    return this.#server
  }

  #startFor(offset: number): number {
    if (offset === 0 || this.options.restIgnored === true) return 0
    return (offset % (this.options.restModulo ?? Number.POSITIVE_INFINITY)) + (this.options.restOffBy ?? 0)
  }

  async #serve(control: ScriptedControl): Promise<void> {
    const limit = greetingLimit(this)
    const session = new FakeSession(this, control)
    if (limit !== undefined) return this.#turnAway(session, limit)
    this.#sessions.add(session)
    void control.closed.then(() => {
      this.#sessions.delete(session)
      session.left()
    })
    this.maxControlConnections = Math.max(this.maxControlConnections, this.#sessions.size)
    if (this.options.greeting === null) return control.silence()
    await this.#greet(session, this.options.greeting ?? '220 Ready')
    await session.serve()
    // What a client still sends behind our end is no slip of the test.
    await control.silence()
  }

  async #greet(session: FakeSession, words: string): Promise<void> {
    const proceed = async (): Promise<void> => session.reply(words)
    const { greet = proceed } = this.options
    await greet(session, words, proceed)
  }

  async #turnAway(session: FakeSession, limit: string | null): Promise<void> {
    if (limit !== null) session.reply(limit)
    await session.end()
    await session.control.silence()
  }
}
