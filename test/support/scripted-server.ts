import { setMaxListeners } from 'node:events'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { OpenSockets } from './scripted/open-sockets.ts'
import { ScriptedControl } from './scripted/script-control.ts'
import type { ReplyCut } from './scripted/reply-cut.ts'
import type { ServerTlsOptions } from './scripted/server-tls.ts'

export { foreignHost, namingPort, withoutBrackets } from './scripted/passive-reply.ts'
export type { PassiveReply } from './scripted/passive-reply.ts'
export type { ReplyCut } from './scripted/reply-cut.ts'
export { ScriptedControl } from './scripted/script-control.ts'
export type { ActiveData, DataOptions } from './scripted/data-ports.ts'
export type { PassiveOptions } from './scripted/script-control.ts'
export { ScriptedData } from './scripted/script-data.ts'
export type { ServerTlsOptions } from './scripted/server-tls.ts'

/** What the server says and awaits on one control connection; called for each, with its number from 0. */
export type Dialogue = (control: ScriptedControl, index: number) => void | Promise<void>

export interface ScriptedServerOptions {
  /** Where to listen. Default `127.0.0.1`. */
  host?: '127.0.0.1' | '::1'
  /** How long an `expect` waits for its command. Default 4000, below the time limit of a test. */
  patienceMs?: number
  /** Certificate and versions for AUTH TLS, implicit TLS and data connections. */
  tls?: ServerTlsOptions
  /** TLS from the first byte (port 990). Default false. */
  implicit?: boolean
  /** Replies go out in two TCP segments, the first of so many bytes, or in one for every byte. Default: whole. */
  cutReplies?: ReplyCut
}

/**
 * An FTP server that plays a dialogue over real sockets.
 *
 * ```ts
 * await using server = await scriptedServer(async (control) => {
 *   control.reply('220 ready')
 *   await control.expect('USER octo').reply('331 go on')
 *   await control.expect(/^PASS /).reply('230 welcome')
 * })
 * ```
 *
 * A command that was not foreseen closes that control connection, stands in `errors`, and makes `close()`
 * (and so the end of `await using`) reject. So does a dialogue that still waits for a command when the
 * client leaves. After the dialogue QUIT is answered, and nothing else.
 */
export async function scriptedServer(
  dialogue: Dialogue,
  options: ScriptedServerOptions = {},
): Promise<ScriptedServer> {
  const server = new ScriptedServer(dialogue, options)
  await server.listen()
  return server
}

export class ScriptedServer {
  /** What went against the script, oldest first. */
  readonly errors: Error[] = []
  /** All control connections so far, also the closed ones. */
  readonly connections: ScriptedControl[] = []
  readonly host: string
  port = 0

  readonly #dialogue: Dialogue
  readonly #options: ScriptedServerOptions
  readonly #sockets = new OpenSockets()
  readonly #stop = new AbortController()
  readonly #running: Promise<void>[] = []
  #closing: Promise<void> | undefined

  constructor(dialogue: Dialogue, options: ScriptedServerOptions) {
    this.#dialogue = dialogue
    this.#options = options
    this.host = options.host ?? '127.0.0.1'
    setMaxListeners(0, this.#stop.signal)
  }

  async listen(): Promise<void> {
    const server = createServer((socket) => this.#running.push(this.#serve(socket)))
    this.port = await this.#sockets.listen(server, this.host)
  }

  /** The commands of every control connection, in the order they were taken. */
  get commands(): string[][] {
    return this.connections.map((control) => control.commands)
  }

  /** `ftp://host:port` and a path, which is absolute. The scheme can be given. */
  url(path: string, scheme: string = this.#options.implicit === true ? 'ftps' : 'ftp'): string {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host
    return `${scheme}://${host}:${this.port}/${path}`
  }

  /** The bytes of the longest reply so far. */
  get longestReply(): number {
    return Math.max(0, ...this.connections.map((control) => control.longestReply))
  }

  /** Sockets and listeners that are still open. */
  get openHandles(): number {
    return this.#sockets.size
  }

  /** Closes every socket, and rejects with what went against the script. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #serve(socket: Socket): Promise<void> {
    const control = this.#newControl(this.#sockets.hold(socket))
    try {
      if (this.#options.implicit === true && !(await control.startTls())) return
      await this.#dialogue(control, control.index)
      await control.afterTheDialogue()
    } catch (error) {
      this.#note(error)
      control.destroy()
    }
  }

  #newControl(socket: Socket): ScriptedControl {
    const control = new ScriptedControl(socket, {
      index: this.connections.length,
      host: this.host,
      sockets: this.#sockets,
      stop: this.#stop.signal,
      patienceMs: this.#options.patienceMs ?? 4_000,
      tls: this.#options.tls ?? {},
      cutReplies: this.#options.cutReplies,
      fail: (error) => this.#note(error),
    })
    this.connections.push(control)
    return control
  }

  // A delay that the end of the server cut short is no failure.
  #note(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    if (this.#stop.signal.aborted && error.name === 'AbortError') return
    if (!this.errors.includes(error)) this.errors.push(error)
  }

  async #shutDown(): Promise<void> {
    this.#stop.abort()
    // One turn in which waiting expectations can tell what they waited for, before their sockets close.
    await new Promise((resolve) => setImmediate(resolve))
    await this.#sockets.closeAll()
    await Promise.all(this.#running)
    const [first, ...more] = this.errors
    if (first === undefined) return
    if (more.length === 0) throw first
    throw new AggregateError(this.errors, this.errors.map((error) => error.message).join('\n'))
  }
}
