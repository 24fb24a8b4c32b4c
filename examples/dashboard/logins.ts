/**
 * A client for each login. Passwords are here, in memory, and go nowhere else but to the client.
 *
 * The clients of other logins and those that transfers still use are left alone by whatever happens to one.
 */
import { FtpClient, type ServerFacts } from 'octoftp'
import type { Login, Settings } from './model.ts'

/** More than anybody sets: connections are bounded by what each transfer is given. */
const MOST_CONNECTIONS = 64

interface Known {
  readonly password: string | undefined
  readonly client: FtpClient
}

function keyOf({ host, port, user, security }: Login): string {
  return JSON.stringify([security, user, host, port])
}

export function sameLogin(one: Login, other: Login): boolean {
  return keyOf(one) === keyOf(other)
}

export class Logins {
  readonly #known = new Map<string, Known>()
  readonly #savedPassword: (login: Login) => string | undefined
  #limits: Pick<Settings, 'bytesPerSecond' | 'rotateSeconds'>

  constructor(
    savedPassword: (login: Login) => string | undefined,
    limits: Pick<Settings, 'bytesPerSecond' | 'rotateSeconds'>,
  ) {
    this.#savedPassword = savedPassword
    this.#limits = limits
  }

  /** Logs in, and keeps the password if that went well. Rejects with an `FtpError`. */
  async connect(
    login: Login,
    password: string | undefined,
  ): Promise<{ client: FtpClient; facts: ServerFacts }> {
    const given = password ?? this.#passwordOf(login)
    const client = this.#makeClient(login, given)
    try {
      const facts = await client.connect()
      const before = this.#known.get(keyOf(login))
      this.#known.set(keyOf(login), { password: given, client })
      void before?.client.close()
      return { client, facts }
    } catch (error) {
      client.destroy()
      throw error
    }
  }

  /** `undefined` where somebody has to say the password first. */
  clientOf(login: Login): FtpClient | undefined {
    const known = this.#known.get(keyOf(login))
    if (known !== undefined) return known.client
    const password = this.#passwordOf(login)
    if (password === undefined && login.user !== 'anonymous') return undefined
    const client = this.#makeClient(login, password)
    this.#known.set(keyOf(login), { password, client })
    return client
  }

  /** What was said when it was connected. */
  passwordOf(login: Login): string | undefined {
    return this.#known.get(keyOf(login))?.password
  }

  /** Its connections are closed when what runs on them is over. */
  forget(login: Login): void {
    void this.#known.get(keyOf(login))?.client.close()
    this.#known.delete(keyOf(login))
  }

  /** For what runs, too. */
  change(limits: Pick<Settings, 'bytesPerSecond' | 'rotateSeconds'>): void {
    this.#limits = limits
    for (const { client } of this.#known.values()) {
      client.setLimit(limitOf(limits))
      client.setRotateAfter(rotationOf(limits))
    }
  }

  /** Bytes that came in the last half second, by the second. */
  get bytesPerSecond(): number {
    return [...this.#known.values()].reduce((sum, { client }) => sum + client.bandwidth().now, 0)
  }

  async close(): Promise<void> {
    const clients = [...this.#known.values()].map(({ client }) => client)
    for (const client of clients) client.destroy()
    await Promise.all(clients.map((client) => client.close()))
  }

  #passwordOf(login: Login): string | undefined {
    return this.#known.get(keyOf(login))?.password ?? this.#savedPassword(login)
  }

  #makeClient(login: Login, password: string | undefined): FtpClient {
    return new FtpClient({
      ...login,
      password,
      maxConnections: MOST_CONNECTIONS,
      rotateAfter: rotationOf(this.#limits),
      bytesPerSecond: limitOf(this.#limits),
    })
  }
}

function limitOf({ bytesPerSecond }: Pick<Settings, 'bytesPerSecond'>): number {
  return bytesPerSecond === 0 ? Infinity : bytesPerSecond
}

function rotationOf({ rotateSeconds }: Pick<Settings, 'rotateSeconds'>): number {
  return rotateSeconds === 0 ? Infinity : rotateSeconds * 1_000
}
