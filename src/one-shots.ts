/**
 * `download(url, …)`, `upload(…, url)`, `mirror(…)` and `list(url)`: a call with a URL, or with several of one file.
 */
import {
  adoptTransfer,
  localPath,
  raiseMaxConnections,
  serverOf,
  sourcePlace,
  type FtpClient,
} from './client.ts'
import {
  CLIENT_OPTIONS,
  DEFAULTS,
  MOST_CONNECTIONS,
  optionsWithUrl,
  readUrl,
  type FtpClientOptions,
} from './options.ts'
import { describeFtpUrl, type FtpUrl } from './protocol/url.ts'
import type { Entry } from './listing/entry.ts'
import { MIRROR_OPTIONS, type MirrorOptions } from './mirror/mirror-options.ts'
import type { MirrorResult } from './mirror/mirror-result.ts'
import { traced } from './observe/trace-transfer.ts'
import { LIST_OPTIONS, type ListOptions } from './operations/list.ts'
import { runDownload } from './segmented/download.ts'
import type { DownloadResult } from './segmented/download-result.ts'
import {
  connectionsOption,
  DOWNLOAD_OPTIONS,
  downloadSettings,
  type DownloadOptions,
} from './segmented/options.ts'
import { UPLOAD_OPTIONS, type UploadOptions } from './segmented/upload-options.ts'
import type { UploadResult } from './segmented/upload.ts'
import { borrowClient, type BorrowedClient } from './shared-clients.ts'
import { Transfer, whenOver } from './transfer/transfer.ts'
import { optionsObject, wholeNumber, type OptionNames } from './util/validate.ts'

/** What `connections: 'auto'` may come to, unless `maxConnections` says otherwise. */
const MOST_AUTOMATIC = 16

/** The options of a download, and those of the client that makes it, or the client itself. */
export interface OneShotDownloadOptions extends DownloadOptions, FtpClientOptions {
  /** Use this client; the URL must be of its server, and the client's own options hold. */
  readonly client?: FtpClient | undefined
}

/** One of several sources of a file, with what belongs to its server alone. */
export interface DownloadSource extends Pick<FtpClientOptions, 'user' | 'password' | 'tls'> {
  /** Of the file. */
  readonly url: string | URL
}

const SOURCE_OPTIONS: OptionNames<DownloadSource> = { url: true, user: true, password: true, tls: true }

/**
 * Fetches a file into the local file `target`, by several connections.
 *
 * ```ts
 * await download('ftp://ftp.example.org/pub/disk.iso', 'disk.iso')
 * await download(['ftp://a.example.org/x.iso', 'ftp://b.example.org/pub/x.iso'], 'x.iso')
 * ```
 *
 * Several sources are mirrors of one file, which all fetch it together, by as many connections in all as
 * `connections` says. They have to agree: on SIZE, and on MDTM or a checksum as far as they tell it; what they
 * bring is compared wherever one's bytes meet another's. One that differs, fails or crawls is dropped, with a
 * `source` event, and the others finish; where two contradict each other and nothing decides, the one that is
 * named first is believed. Passwords are in the URLs, or beside them: `{ url, user, password, tls }`.
 *
 * Rejects with an `FtpError` or with the reason of the abort; a URL or an option that makes no sense is a
 * `TypeError` or `RangeError`, thrown at once. No error shows the password of a URL.
 */
export function download(
  source: string | URL | readonly (string | URL | DownloadSource)[],
  target: string,
  options?: OneShotDownloadOptions,
): Transfer<DownloadResult> {
  const given = optionsObject(options, 'options', { ...DOWNLOAD_OPTIONS, ...CLIENT_OPTIONS, client: true })
  const mirrors = readSources(source)
  const [only] = mirrors
  if (only === undefined) throw new TypeError('The list of sources is empty')
  const settings = {
    ...partOf<DownloadOptions>(given, DOWNLOAD_OPTIONS),
    type: given.type ?? typeOf(mirrors),
  }
  if (given.client !== undefined) {
    if (mirrors.length > 1)
      throw new TypeError('Option "client" is of one server: give no list of sources with it')
    expectSameServer(given.client, { ...given, ...only.own }, only.location)
    return given.client.download(only.location.path, target, settings)
  }
  if (mirrors.length > 1) expectOwnPasswords(given, mirrors)

  const cap = wholeNumber(given, 'maxConnections', MOST_CONNECTIONS, 1, MOST_CONNECTIONS)
  const connections = connectionsOption(given, cap)
  const most = mostOf(connections, cap)
  const borrowed: BorrowedClient[] = []
  const giveBack = (): void => borrowed.forEach((shared) => shared.giveBack())
  try {
    for (const { location, own } of mirrors) {
      const shared = borrowClient(optionsWithUrl({ ...clientPart(given), ...own }, location))
      borrowed.push(shared)
      raiseMaxConnections(shared.client, most)
    }
    const clients = borrowed.map(({ client }) => client)
    const { maxConnections = DEFAULTS.maxConnections } = given
    // A number that was given may become as large as its clients allow anyway.
    const room = connections === 'auto' ? most : Math.max(most, maxConnections)
    const transfer = startDownload(clients, mirrors, target, { ...settings, connections, most: room })
    void whenOver(transfer).then(giveBack)
    return transfer
  } catch (error) {
    giveBack()
    throw error
  }
}

function startDownload(
  clients: readonly FtpClient[],
  mirrors: readonly Mirror[],
  target: string,
  { most, ...options }: DownloadOptions & { readonly most: number },
): Transfer<DownloadResult> {
  const [client] = clients
  const [mirror] = mirrors
  if (client !== undefined && mirror !== undefined && mirrors.length === 1) {
    return client.download(mirror.location.path, target, options)
  }
  const settings = downloadSettings(options, most)
  const places = clients.map((one, index) => sourcePlace(one, mirrors[index]?.location.path ?? ''))
  const path = localPath(target)
  const host = client === undefined ? '' : serverOf(client).label
  const facts = { type: 'download', path: places[0]?.shownPath ?? '', host } as const
  const transfer = new Transfer<DownloadResult>(
    (context) => traced(facts, () => runDownload({ places, target: path, settings }, context)),
    settings,
  )
  for (const shared of new Set(clients))
    adoptTransfer(shared, transfer, places[clients.indexOf(shared)]?.shownPath ?? '')
  return transfer
}

/** The options of an upload, and those of the client that makes it, or the client itself. */
export interface OneShotUploadOptions extends UploadOptions, FtpClientOptions {
  /** Use this client; the URL must be of its server, and the client's own options hold. */
  readonly client?: FtpClient | undefined
}

/**
 * Sends a local file (a path), bytes, or what can be iterated (a `Readable`, for instance) to a URL.
 *
 * ```ts
 * await upload('build.tgz', 'ftpes://user@host/releases/build.tgz', { password })
 * ```
 *
 * Rejects as `client.upload` does; a URL or an option that makes no sense is a `TypeError` or `RangeError`, thrown at
 * once. No error shows the password of a URL.
 */
export function upload(
  source: Parameters<FtpClient['upload']>[0],
  target: string | URL,
  options?: OneShotUploadOptions,
): Transfer<UploadResult> {
  const given = optionsObject(options, 'options', { ...UPLOAD_OPTIONS, ...CLIENT_OPTIONS, client: true })
  const location = readUrl(target)
  const settings = { ...partOf<UploadOptions>(given, UPLOAD_OPTIONS), type: given.type ?? location.type }
  const { client, giveBack } = clientOf(given, location)
  try {
    const transfer = client.upload(source, location.path, settings)
    void whenOver(transfer).then(giveBack)
    return transfer
  } catch (error) {
    giveBack()
    throw error
  }
}

/** The options of a mirror, and those of the client that makes it, or the client itself. */
export interface OneShotMirrorOptions extends MirrorOptions, FtpClientOptions {
  /** Use this client; the URL must be of its server, and the client's own options hold. */
  readonly client?: FtpClient | undefined
}

/**
 * Makes the directory `target` like the directory `source`, with all that is below: what is missing or differs is
 * brought over. One of both is a URL, and the other the path of a local directory.
 *
 * ```ts
 * await mirror('ftp://host/pub/', './pub', { connections: 8, delete: true }) // down
 * await mirror('./pub', 'ftp://host/pub/') // up
 * ```
 *
 * What begins with a scheme and `://` is a URL. A slash at its end makes no difference: the directory is made like the
 * other, and does not come into it.
 *
 * Resolves and rejects as `client.mirrorDown` does; two URLs or none, or a URL or an option that makes no sense, is a
 * `TypeError` or `RangeError`, thrown at once. No error shows the password of a URL.
 */
export function mirror(
  source: string | URL,
  target: string | URL,
  options?: OneShotMirrorOptions,
): Transfer<MirrorResult> {
  const given = optionsObject(options, 'options', { ...MIRROR_OPTIONS, ...CLIENT_OPTIONS, client: true })
  const { side, url, local } = sidesOf(source, target)
  const location = readUrl(url)
  if (location.type === 'ascii') throw new TypeError('A mirror copies files as they are: leave out ;type=a')
  const cap = wholeNumber(given, 'maxConnections', MOST_CONNECTIONS, 1, MOST_CONNECTIONS)
  const { client, giveBack } = clientOf(given, location)
  try {
    const settings = partOf<MirrorOptions>(given, MIRROR_OPTIONS)
    if (given.client === undefined) raiseMaxConnections(client, mostOf(connectionsOption(given, cap), cap))
    const transfer =
      side === 'down'
        ? client.mirrorDown(location.path, local, settings)
        : client.mirrorUp(local, location.path, settings)
    void whenOver(transfer).then(giveBack)
    return transfer
  } catch (error) {
    giveBack()
    throw error
  }
}

interface Sides {
  readonly side: 'down' | 'up'
  readonly url: string | URL
  readonly local: string
}

function sidesOf(source: string | URL, target: string | URL): Sides {
  if (isUrl(source) && !isUrl(target)) return { side: 'down', url: source, local: target }
  if (isUrl(target) && !isUrl(source)) return { side: 'up', url: target, local: source }
  // Which they are is not shown: there may be a password in them.
  const are = isUrl(source) ? 'both are URLs' : 'neither is a URL'
  throw new TypeError(
    `A mirror is between a server and this machine: give one URL (ftp://, ftpes:// or ftps://) and one local path; ${are}`,
  )
}

/** A drive letter is no scheme. */
function isUrl(place: unknown): place is string | URL {
  return place instanceof URL || (typeof place === 'string' && /^\s*[a-z][a-z\d+.-]+:\/\//i.test(place))
}

/** The options of a listing, and those of the client that makes it, or the client itself. */
export interface OneShotListOptions extends ListOptions, FtpClientOptions {
  /** Use this client; the URL must be of its server, and the client's own options hold. */
  readonly client?: FtpClient | undefined
}

/**
 * The entries of a directory, as they come.
 *
 * ```ts
 * for await (const entry of list('ftp://host/pub/')) console.log(entry.type, entry.size, entry.name)
 * ```
 *
 * Rejects as `client.list` does; a URL or an option that makes no sense is a `TypeError` or `RangeError`, thrown at
 * once. No error shows the password of a URL.
 */
export function list(url: string | URL, options?: OneShotListOptions): AsyncGenerator<Entry, void> {
  const given = optionsObject(options, 'options', { ...LIST_OPTIONS, ...CLIENT_OPTIONS, client: true })
  const location = readUrl(url)
  const { client, giveBack } = clientOf(given, location)
  try {
    const path = withoutLastSlash(location.path)
    return givingBack(client.list(path, { signal: given.signal, timeZone: given.timeZone }), giveBack)
  } catch (error) {
    giveBack()
    throw error
  }
}

/** How many connections a shared client has to allow. */
function mostOf(connections: number | 'auto', cap: number): number {
  return connections === 'auto' ? Math.min(cap, MOST_AUTOMATIC) : connections
}

/** The client that is given, or the one that is shared by all with these options. */
export function clientOf(
  given: FtpClientOptions & { readonly client?: FtpClient | undefined },
  location: FtpUrl,
): BorrowedClient {
  if (given.client === undefined) return borrowClient(optionsWithUrl(clientPart(given), location))
  expectSameServer(given.client, given, location)
  return { client: given.client, giveBack: () => {} }
}

export async function* givingBack<T>(
  values: AsyncIterable<T>,
  giveBack: () => void,
): AsyncGenerator<T, void> {
  try {
    yield* values
  } finally {
    giveBack()
  }
}

/** `/pub/` names the same directory as `/pub`; `//` is the root. */
function withoutLastSlash(path: Uint8Array): Uint8Array {
  const isSlash = path.length > 1 && path.at(-1) === 0x2f
  return isSlash ? path.subarray(0, -1) : path
}

interface Mirror {
  readonly location: FtpUrl
  /** What was given beside its URL. */
  readonly own: Pick<FtpClientOptions, 'user' | 'password' | 'tls'>
}

/** In their order, each place once. */
function readSources(source: string | URL | readonly (string | URL | DownloadSource)[]): readonly Mirror[] {
  const sources = Array.isArray(source)
    ? (source as readonly (string | URL | DownloadSource)[])
    : [source as string]
  const mirrors = new Map<string, Mirror>()
  for (const one of sources) {
    const { url, ...given } = typeof one === 'string' || one instanceof URL ? { url: one } : beside(one)
    const location = readUrl(url)
    const own = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    const name = JSON.stringify([describeFtpUrl(location), own.user ?? location.user])
    if (!mirrors.has(name)) mirrors.set(name, { location, own })
  }
  return [...mirrors.values()]
}

function beside(source: unknown): DownloadSource {
  if (typeof source !== 'object' || source === null || Array.isArray(source)) {
    throw new TypeError(
      'A source must be a URL, or an object with "url" and perhaps "user", "password" and "tls"',
    )
  }
  return optionsObject(source as DownloadSource, 'source', SOURCE_OPTIONS)
}

/** Mirrors of one file are of one type. */
function typeOf(mirrors: readonly Mirror[]): DownloadOptions['type'] {
  const types = new Set(mirrors.map(({ location }) => location.type))
  if (types.size > 1) throw new TypeError('The sources differ in their ;type=')
  return mirrors[0]?.location.type
}

/** A password goes only where it was meant to. */
function expectOwnPasswords(given: FtpClientOptions, mirrors: readonly Mirror[]): void {
  for (const name of ['host', 'port'] as const) {
    if (given[name] !== undefined) throw new TypeError(`Option "${name}" cannot be that of several sources`)
  }
  const hosts = new Set(mirrors.map(({ location: { host, port } }) => `${host} ${port}`))
  if (hosts.size < 2) return
  for (const name of ['password', 'account'] as const) {
    if (given[name] === undefined) continue
    const hint = name === 'password' ? ': give each source its own, as { url, password }' : ''
    throw new TypeError(`Option "${name}" would go to several hosts${hint}`)
  }
}

/** A client fetches from its own server, by its own login: a URL that says otherwise would bring another file. */
export function expectSameServer(client: FtpClient, given: FtpClientOptions, location: FtpUrl): void {
  const extra = Object.entries(clientPart(given)).find(([, value]) => value !== undefined)
  if (extra !== undefined) throw new TypeError(`Option "${extra[0]}" belongs to the client given in "client"`)
  const server = serverOf(client)
  const asked: FtpClientOptions = optionsWithUrl({}, location)
  const differs = (['host', 'port', 'security', 'user'] as const).find(
    (name) => asked[name] !== undefined && asked[name] !== server[name],
  )
  if (differs === undefined) return
  throw new TypeError(`The URL and the client given in "client" (${server.label}) differ in ${differs}`)
}

/** A limit of the rate belongs to each transfer, not to the client. */
function clientPart(options: FtpClientOptions): FtpClientOptions {
  return { ...partOf<FtpClientOptions>(options, CLIENT_OPTIONS), bytesPerSecond: undefined }
}

/** Of the options of a one-shot those that `names` has. */
export function partOf<T extends object>(options: T, names: OptionNames<T>): T {
  return Object.fromEntries(Object.keys(names).map((name) => [name, options[name as keyof T]])) as T
}
