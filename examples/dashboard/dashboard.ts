/** What the page can do, as calls: wires connections, transfers, folder and files together. Knows no HTTP. */
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { FtpClient } from 'octoftp'
import { BandwidthSamples } from './bandwidth.ts'
import type { Watch } from './event-stream.ts'
import { expand } from './expand.ts'
import { Refusal } from './failures.ts'
import type { Fields } from './fields.ts'
import { LocalFolder } from './local-folder.ts'
import { Logins } from './logins.ts'
import type { Changes, Login, Settings, Visit, Wanted } from './model.ts'
import { SavedConnections } from './saved-connections.ts'
import { Saver } from './saver.ts'
import { settingsOf } from './settings.ts'
import { readState, type State } from './state.ts'
import { Transfers, type TransferChange } from './transfers.ts'

export class Dashboard {
  readonly token: string
  readonly folder: LocalFolder
  readonly transfers: Transfers
  readonly #saved: SavedConnections
  readonly #logins: Logins
  readonly #samples: BandwidthSamples
  readonly #saver: Saver
  #settings: Settings
  #visit: Visit | undefined

  private constructor(state: State, saved: SavedConnections, folder: LocalFolder, stateFile: string) {
    this.token = state.token
    this.folder = folder
    this.#saved = saved
    this.#settings = state.settings
    this.#saver = new Saver(stateFile, () => this.#state, reportUnsaved)
    this.#logins = new Logins((login) => saved.passwordOf(login), state.settings)
    this.#samples = new BandwidthSamples(() => this.#logins.bytesPerSecond)
    this.transfers = new Transfers({
      ...{ folder, logins: this.#logins, settings: state.settings },
      onChange: () => this.#saver.soon(),
    })
    if (state.isPaused) void this.transfers.pauseAll()
    this.transfers.restore(state.transfers)
  }

  /** @param stateFolder where the state and the saved connections are */
  static async open(stateFolder: string, folder: string): Promise<Dashboard> {
    const stateFile = join(stateFolder, 'state.json')
    const [state, saved] = await Promise.all([
      readState(stateFile),
      SavedConnections.read(join(stateFolder, 'connections.json')),
    ])
    const dashboard = new Dashboard(state, saved, new LocalFolder(folder), stateFile)
    await dashboard.#saver.now()
    return dashboard
  }

  get #state(): State {
    const { token, transfers } = this
    return { token, settings: this.#settings, isPaused: transfers.isPaused, transfers: transfers.records }
  }

  async connect(login: Login, password: string | undefined): Promise<Visit> {
    const { client, facts } = await this.#logins.connect(login, password)
    const welcome = facts.welcome.join('\n')
    this.#visit = { login, welcome, tls: facts.tls?.protocol, path: await directoryOf(client) }
    this.transfers.unlock(login)
    return this.#visit
  }

  disconnect(): void {
    const visit = this.#visit
    this.#visit = undefined
    if (visit !== undefined && !this.transfers.uses(visit.login)) this.#logins.forget(visit.login)
  }

  /** The client of the server that is looked at. */
  get visited(): FtpClient {
    const client = this.#visit === undefined ? undefined : this.#logins.clientOf(this.#visit.login)
    if (client === undefined) throw new Refusal(409, 'There is no connection')
    return client
  }

  /** The password that is saved is the one that it was connected with. */
  async saveConnection(name: string, login: Login, isPasswordWanted: boolean): Promise<void> {
    const password = this.#logins.passwordOf(login) ?? this.#saved.passwordOf(login)
    await this.#saved.save(name, login, isPasswordWanted ? password : undefined)
  }

  async deleteConnection(name: string): Promise<void> {
    await this.#saved.delete(name)
  }

  /** @returns how many files there are to fetch */
  async add(wanted: readonly Wanted[], into: string, change: TransferChange): Promise<number> {
    const client = this.visited
    const login = this.#visit?.login
    if (login === undefined) throw new Refusal(409, 'There is no connection')
    if (wanted.length > 1 && change.expected !== undefined)
      throw new Refusal(400, 'A checksum is that of one file: select only one')
    let count = 0
    for await (const { remote, target } of expand(client, wanted, into, this.folder)) {
      this.transfers.add(login, remote, target, change)
      count += 1
      // Others have their turn meanwhile.
      if (count % 100 === 0) await setImmediate()
    }
    return count
  }

  async setPaused(isPaused: boolean): Promise<void> {
    this.#saver.soon()
    if (isPaused) await this.transfers.pauseAll()
    else this.transfers.resumeAll()
  }

  /** Only what is given is changed. */
  changeSettings(given: Fields): void {
    const settings = settingsOf({ ...this.#settings, ...given })
    this.#settings = settings
    this.#logins.change(settings)
    this.transfers.changeSettings(settings)
    this.#saver.soon()
  }

  /** For one page: all of it at first. */
  watch(): Watch {
    let version = 0
    let samples = 0
    const told = new Map<string, unknown>()
    return () => {
      const { transfers, removed } = this.transfers.since(version)
      const isFirst = version === 0
      const parts: readonly (readonly [keyof Changes, unknown])[] = [
        ['folder', this.folder.path],
        ['visit', this.#visit ?? null],
        ['saved', this.#saved.views],
        ['settings', this.#settings],
        ['isPaused', this.transfers.isPaused],
      ]
      const news = parts.filter(([name, value]) => JSON.stringify(value) !== told.get(name))
      for (const [name, value] of news) told.set(name, JSON.stringify(value))
      const fresh = this.#samples.since(samples)
      version = this.transfers.version
      samples = this.#samples.taken
      const changes: Changes = {
        ...(Object.fromEntries(news) as Changes),
        ...(isFirst ? { isWhole: true } : {}),
        ...(transfers.length > 0 ? { transfers } : {}),
        ...(removed.length > 0 ? { removed } : {}),
        ...(fresh.length > 0 ? { samples: fresh } : {}),
      }
      return Object.keys(changes).length > 0 ? changes : undefined
    }
  }

  /** What is not over goes on with the next run. */
  async close(): Promise<void> {
    this.#samples.close()
    await this.transfers.close()
    await this.#logins.close()
    await this.#saver.now()
  }
}

/** Where the login has led. */
async function directoryOf(client: FtpClient): Promise<string> {
  const session = await client.session()
  try {
    return await session.workingDirectory()
  } finally {
    session.release()
  }
}

function reportUnsaved(error: unknown): void {
  console.error(`The state could not be saved: ${(error as Error).message}`)
}
