/**
 * `download(url, …)` and its kin: a call with a URL. Calls to one server with the same credentials share a
 * client, which closes a second after its last use, so that many calls at once are as polite as one client.
 */
import { isDeepStrictEqual } from 'node:util'
import { FtpClient, raiseMaxConnections, serverOf } from './client.ts'
import { MOST_CONNECTIONS, optionsWithUrl, readUrl, type FtpClientOptions } from './options.ts'
import type { FtpUrl } from './protocol/url.ts'
import type { DownloadResult } from './segmented/download.ts'
import { DOWNLOAD_DEFAULTS, type DownloadOptions } from './segmented/options.ts'
import { whenOver, type Transfer } from './transfer/transfer.ts'
import { startIdleTimer } from './util/timer.ts'
import { optionsObject, wholeNumber } from './util/validate.ts'

/** How long a shared client outlives its last use. */
const LINGER_MS = 1_000

/** What belongs to the client, in the options of a one-shot. */
const CLIENT_OPTIONS = [
  ...['host', 'port', 'user', 'password', 'account', 'security', 'tls', 'maxConnections', 'family'],
  ...['localAddress', 'timeouts', 'mode', 'active', 'passiveHost', 'retry'],
] as readonly (keyof FtpClientOptions)[]

/** The options of a download, and those of the client that makes it, or the client itself. */
export interface OneShotDownloadOptions extends DownloadOptions, FtpClientOptions {
  /** Use this client; the URL must be of its server, and the client's own options hold. */
  readonly client?: FtpClient | undefined
}

/**
 * Fetches the file at `url` into the local file `target`, by several connections.
 *
 * ```ts
 * await download('ftp://ftp.example.org/pub/disk.iso', 'disk.iso')
 * ```
 *
 * Rejects with an `FtpError` or with the reason of the abort; a URL or an option that makes no sense is a
 * `TypeError` or `RangeError`, thrown at once. No error shows the password of the URL.
 */
export function download(
  url: string | URL,
  target: string,
  options?: OneShotDownloadOptions,
): Transfer<DownloadResult> {
  const given = optionsObject(options, 'options')
  const location = readUrl(url)
  const settings = { ...given, type: given.type ?? location.type }
  if (given.client !== undefined) {
    expectSameServer(given.client, given, location)
    return given.client.download(location.path, target, settings)
  }

  const cap = wholeNumber(given, 'maxConnections', MOST_CONNECTIONS, 1, MOST_CONNECTIONS)
  const connections = wholeNumber(given, 'connections', Math.min(DOWNLOAD_DEFAULTS.connections, cap), 1, cap)
  const shared = borrowClient(optionsWithUrl(clientPart(given), location))
  try {
    raiseMaxConnections(shared.client, connections)
    const transfer = shared.client.download(location.path, target, { ...settings, connections })
    void whenOver(transfer).then(shared.giveBack)
    return transfer
  } catch (error) {
    shared.giveBack()
    throw error
  }
}

/** A client fetches from its own server, by its own login: a URL that says otherwise would bring another file. */
function expectSameServer(client: FtpClient, given: FtpClientOptions, location: FtpUrl): void {
  const extra = CLIENT_OPTIONS.find((name) => given[name] !== undefined)
  if (extra !== undefined) throw new TypeError(`Option "${extra}" belongs to the client given in "client"`)
  const server = serverOf(client)
  const asked: FtpClientOptions = optionsWithUrl({}, location)
  const differs = (['host', 'port', 'security', 'user'] as const).find(
    (name) => asked[name] !== undefined && asked[name] !== server[name],
  )
  if (differs === undefined) return
  throw new TypeError(`The URL and the client given in "client" (${server.label}) differ in ${differs}`)
}

function clientPart(options: FtpClientOptions): FtpClientOptions {
  return Object.fromEntries(CLIENT_OPTIONS.map((name) => [name, options[name]]))
}

interface SharedClient {
  readonly options: FtpClientOptions
  readonly client: FtpClient
  users: number
  cancelClosing: () => void
}

const sharedClients = new Set<SharedClient>()

/** A client for these options: one that is there, or a new one. `giveBack` is called once. */
function borrowClient(options: FtpClientOptions): {
  readonly client: FtpClient
  readonly giveBack: () => void
} {
  const shared = [...sharedClients].find((candidate) => isSame(candidate.options, options)) ?? share(options)
  shared.users += 1
  shared.cancelClosing()
  return { client: shared.client, giveBack: () => giveBack(shared) }
}

/**
 * Whether two values say the same. Only plain data is compared by what is in it: two secure contexts or two
 * functions look alike from outside and may trust different people.
 */
function isSame(a: unknown, b: unknown): boolean {
  if (isPlain(a) && isPlain(b)) {
    const names = Object.keys({ ...a, ...b })
    return names.every((name) => isSame(a[name], b[name]))
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSame(item, b[index]))
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) return isDeepStrictEqual(a, b)
  return Object.is(a, b)
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function share(options: FtpClientOptions): SharedClient {
  const shared = { options, client: new FtpClient(options), users: 0, cancelClosing: () => {} }
  sharedClients.add(shared)
  return shared
}

/** The timer and the idle connections let the process end before. */
function giveBack(shared: SharedClient): void {
  shared.users -= 1
  if (shared.users > 0) return
  shared.cancelClosing = startIdleTimer(LINGER_MS, () => {
    sharedClients.delete(shared)
    void shared.client.close()
  })
}
