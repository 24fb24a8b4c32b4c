/** One user's way about on a server: which one, and in which directory. */
import { readdir } from 'node:fs/promises'
import type { Entry, FtpClient } from '../../index.ts'
import type { CommandContext } from '../command.ts'
import { openClient, type ConnectionOptions } from '../connection-options.ts'
import { UsageError } from '../failures.ts'
import { readPlace, warning, withoutLastSlash, type Place } from '../place.ts'

export interface ShellOptions extends ConnectionOptions {
  readonly connections?: number | 'auto'
}

export class Shell {
  readonly context: CommandContext
  readonly options: ShellOptions
  #place: Place | undefined
  #client: FtpClient | undefined
  #directory = ''
  /** Of completions, until the next command. */
  readonly #names = new Map<string, Promise<readonly string[]>>()

  constructor(context: CommandContext, options: ShellOptions) {
    this.context = context
    this.options = options
  }

  /** The server and the directory, for the prompt. */
  get prompt(): string {
    if (this.#place === undefined) return 'octoftp> '
    return `${this.#place.url.host}:${this.#directory}> `
  }

  /** The directory that paths are relative to. */
  get directory(): string {
    this.#expectClient()
    return this.#directory
  }

  get client(): FtpClient {
    return this.#expectClient()
  }

  /** Logs in to another server; the connections to the last one are closed when that has been done. */
  async connect(text: string): Promise<string> {
    const { output, signal } = this.context
    const place = await readPlace(text, warning(output))
    const client = await openClient(place, this.options)
    try {
      const { welcome } = await client.connect({ signal })
      const directory = await this.#enter(client, withoutLastSlash(place.url.path))
      await this.disconnect()
      ;[this.#client, this.#place, this.#directory] = [client, place, directory]
      return welcome.at(-1) ?? ''
    } catch (error) {
      client.destroy()
      throw error
    }
  }

  async changeDirectory(path: string): Promise<void> {
    this.#directory = await this.#enter(this.client, this.pathOf(path))
  }

  /** As it is on the server. */
  pathOf(path: string): string {
    if (path.startsWith('/') || this.#directory === '') return path
    if (path === '') return this.#directory
    return `${this.#directory.replace(/\/$/, '')}/${path}`
  }

  forgetNames(): void {
    this.#names.clear()
  }

  /** Of a directory of the server; none where they cannot be had. */
  remoteNames(directory: string): Promise<readonly string[]> {
    if (this.#client === undefined) return Promise.resolve([])
    const path = this.pathOf(directory)
    const names = this.#names.get(path) ?? this.#client.listAll(path).then(namesOf, () => [])
    this.#names.set(path, names)
    return names
  }

  async localNames(directory: string): Promise<readonly string[]> {
    const entries = await readdir(directory === '' ? '.' : directory, { withFileTypes: true }).catch(() => [])
    return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
  }

  async disconnect(): Promise<void> {
    this.forgetNames()
    const client = this.#client
    this.#client = undefined
    this.#place = undefined
    this.#directory = ''
    await client?.close()
  }

  #expectClient(): FtpClient {
    if (this.#client === undefined) throw new UsageError('There is no connection yet: connect URL makes one')
    return this.#client
  }

  /** Goes there, on a connection of its own for a moment, and asks where that is. */
  async #enter(client: FtpClient, path: string | Uint8Array): Promise<string> {
    const { signal } = this.context
    await using session = await client.session({ signal })
    if (path.length > 0) await session.changeDirectory(path, { signal })
    return await session.workingDirectory({ signal })
  }
}

function namesOf(entries: readonly Entry[]): readonly string[] {
  return entries.map(({ name, type }) => (type === 'directory' ? `${name}/` : name))
}
