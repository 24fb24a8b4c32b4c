/** The options that all commands share which talk to a server, as the library takes them. */
import { readFile } from 'node:fs/promises'
import { FtpClient, type FtpClientOptions } from '../index.ts'
import { checked, LocalFailure } from './failures.ts'
import { credentialsOf } from './login/credentials.ts'
import type { Place } from './place.ts'

/** As they are typed; numbers have been read. */
export interface ConnectionOptions {
  readonly user?: string
  readonly netrc: boolean
  readonly ca?: string
  readonly insecure?: boolean
  readonly active?: boolean
  readonly ipv4?: boolean
  readonly ipv6?: boolean
  readonly encoding?: string
  readonly retries?: number
  readonly rotate?: number
  readonly limit?: number
  readonly log?: string
}

/** Those that are the same for every server. */
export async function clientOptions(options: ConnectionOptions): Promise<FtpClientOptions> {
  return {
    mode: options.active === true ? 'active' : 'passive',
    family: options.ipv4 === true ? 4 : options.ipv6 === true ? 6 : 0,
    encoding: options.encoding,
    rotateAfter: options.rotate === undefined ? undefined : options.rotate * 1_000,
    retry: options.retries === undefined ? undefined : { attempts: options.retries + 1 },
    tls: await tlsOptions(options),
  }
}

async function tlsOptions({ ca, insecure }: ConnectionOptions): Promise<FtpClientOptions['tls']> {
  if (ca === undefined) return insecure === true ? { rejectUnauthorized: false } : undefined
  try {
    return { ca: await readFile(ca), ...(insecure === true && { rejectUnauthorized: false }) }
  } catch (error) {
    throw new LocalFailure(`The certificate of --ca cannot be read: ${(error as Error).message}`)
  }
}

type ClientOptions = ConnectionOptions & { readonly connections?: number | 'auto' }

/** Does `work` with a client of the place's server, which is closed behind it; at once behind a failure. */
export function withClient<T>(
  place: Place,
  options: ClientOptions,
  work: (client: FtpClient) => Promise<T>,
): Promise<T> {
  return withClients(options, async (clientOf) => work(await clientOf(place)))
}

/** The same for several places: those of one server and user share a client, and whoever is asked is asked once. */
export async function withClients<T>(
  options: ClientOptions,
  work: (clientOf: (place: Place) => Promise<FtpClient>) => Promise<T>,
): Promise<T> {
  const clients = new Map<string, FtpClient>()
  const clientOf = async (place: Place): Promise<FtpClient> => {
    const { security, host, port, user } = place.url
    const server = JSON.stringify([security, host, port, user, place.password])
    const client = clients.get(server) ?? (await openClient(place, options))
    clients.set(server, client)
    return client
  }
  try {
    const result = await work(clientOf)
    await Promise.all([...clients.values()].map((client) => client.close()))
    return result
  } finally {
    for (const client of clients.values()) client.destroy()
  }
}

/** What `'auto'` may come to. */
const MOST_AUTOMATIC = 16
/** What is asked beside the transfers: sizes, listings. */
const LEAST_CONNECTIONS = 4

export async function openClient(place: Place, options: ClientOptions): Promise<FtpClient> {
  const { host, port, security } = place.url
  const { connections, limit } = options
  const [login] = await credentialsOf([place], options)
  const shared = await clientOptions(options)
  const most = connections === 'auto' ? MOST_AUTOMATIC : Math.max(connections ?? 0, LEAST_CONNECTIONS)
  return checked(
    () =>
      new FtpClient({
        ...shared,
        ...login,
        host,
        port,
        security,
        maxConnections: most,
        bytesPerSecond: limit,
      }),
  )
}
