/**
 * `FtpClient`: one server, one pool of sessions, and what can be done with them. Wires the folders together
 * and has no logic of its own.
 */
import { EventEmitter } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { FtpReplyError } from './errors.ts'
import type { Entry } from './listing/entry.ts'
import { timeZone } from './listing/options.ts'
import type { MirrorJob, MirrorJobResult } from './mirror/job.ts'
import { mirrorSettings, type MirrorOptions, type MirrorSettings } from './mirror/mirror-options.ts'
import type { MirrorResult } from './mirror/mirror-result.ts'
import { runMirror, type MirrorRequest } from './mirror/mirror.ts'
import { runMirrorJob } from './mirror/run-job.ts'
import { RemoteTree } from './mirror/remote-tree.ts'
import { TreeLister } from './mirror/tree-lister.ts'
import type { ClientEvents } from './observe/client-events.ts'
import { Observer } from './observe/observer.ts'
import { ASK_OPTIONS, type AskOptions, type Calls } from './operations/calls.ts'
import { explained } from './operations/explain-path.ts'
import { FtpSession, holderOf } from './operations/ftp-session.ts'
import { list, LIST_OPTIONS, type ListOptions, type ListRequest } from './operations/list.ts'
import { keepAll } from './operations/listing-size.ts'
import {
  MAKE_DIRECTORY_OPTIONS,
  makeDirectories,
  type MakeDirectoryOptions,
} from './operations/make-directory.ts'
import {
  READ_FILE_OPTIONS,
  READ_STREAM_OPTIONS,
  RemoteReadStream,
  type ReadFileOptions,
  type ReadStreamOptions,
} from './operations/read-stream.ts'
import { remotePath } from './operations/remote-path.ts'
import { remove, REMOVE_OPTIONS, type RemoveOptions } from './operations/remove.ts'
import { RunningCalls } from './operations/running-calls.ts'
import { serverFacts, type ServerFacts } from './operations/server-facts.ts'
import { closedError, Sessions } from './operations/sessions.ts'
import { stat } from './operations/stat.ts'
import { dataSource, keepQuiet, type UploadData, type UploadSource } from './operations/upload-source.ts'
import { withSession } from './operations/with-session.ts'
import { HELD_BACK, walk, WALK_OPTIONS, walkSettings, type WalkOptions } from './operations/walk.ts'
import {
  RemoteWriteStream,
  WRITE_STREAM_OPTIONS,
  type WriteStreamOptions,
} from './operations/write-stream.ts'
import {
  clientSettings,
  optionsWithUrl,
  readUrl,
  rotationMs,
  type ClientSettings,
  type FtpClientOptions,
} from './options.ts'
import { Lease } from './pool/lease.ts'
import type { PoolStats } from './pool/events.ts'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from './protocol/checksum.ts'
import { NO_FEATURES, type ServerFeatures } from './protocol/features.ts'
import type { FtpUrl } from './protocol/url.ts'
import { runDownload } from './segmented/download.ts'
import type { DownloadResult } from './segmented/download-result.ts'
import { fileSource } from './segmented/file-source.ts'
import type { JournalSource } from './segmented/journal.ts'
import { downloadSettings, type DownloadOptions } from './segmented/options.ts'
import type { SourcePlace } from './segmented/source.ts'
import { uploadSettings, type UploadOptions } from './segmented/upload-options.ts'
import { runUpload, type UploadResult } from './segmented/upload.ts'
import { checksumOf } from './session/checksum.ts'
import { modificationTime, size } from './session/facts.ts'
import { changeMode, rename, setModificationTime } from './session/files.ts'
import type { SessionOptions } from './session/options.ts'
import { realPath } from './session/real-path.ts'
import type { RemotePath, Session } from './session/session.ts'
import { BandwidthHistory, type Bandwidth } from './transfer/bandwidth-history.ts'
import { together, type ClientProgress } from './transfer/together.ts'
import {
  receivedBytes,
  Transfer,
  whenOver,
  type TransferContext,
  type TransferSettings,
} from './transfer/transfer.ts'
import { BandwidthLimit } from './transport/bandwidth.ts'
import { abortSignal, flag, oneOf, optionsObject, wholeNumber, type OptionNames } from './util/validate.ts'

export interface ChecksumRangeOptions extends AskOptions {
  /** The first byte that counts. @default 0 */
  readonly start?: number | undefined
  /** The byte behind the last one that counts. @default the end of the file */
  readonly end?: number | undefined
}

const CHECKSUM_RANGE_OPTIONS: OptionNames<ChecksumRangeOptions> = { ...ASK_OPTIONS, start: true, end: true }

const READ_AHEAD_BYTES = 1_048_576

/** So many entries may have come of a listing that is kept whole and breaks off: it is asked for again. */
const RELISTED = 100_000

const NEVER = new AbortController().signal

/** Raises a client's cap on connections to `count` if it is lower. For one-shots, whose client is shared. */
export let raiseMaxConnections: (client: FtpClient, count: number) => void

/** What a client connects to. For one-shots, which are given a client and a URL. */
export let serverOf: (
  client: FtpClient,
) => Pick<SessionOptions, 'host' | 'port' | 'security' | 'user' | 'label'>

/** A file on a client's server as a source of a download. Throws a TypeError for a path that is none. */
export let sourcePlace: (client: FtpClient, remote: RemotePath) => SourcePlace

/** Counts a transfer that uses a client's sessions as one of the client's own. */
export let adoptTransfer: (client: FtpClient, transfer: Transfer<unknown>, path: string) => void

/** Does a piece of a mirror by a client's sessions; `remote` is the directory that is mirrored. */
export let startMirrorJob: (
  client: FtpClient,
  job: MirrorJob,
  remote: RemotePath,
  options: MirrorOptions,
) => Transfer<MirrorJobResult>

/**
 * A client for one server: a pool that connects on first use, safe for concurrent calls.
 *
 * ```ts
 * const ftp = new FtpClient('ftpes://ftp.example.org', { user, password })
 * try {
 *   await ftp.download('/pub/disk.iso', 'disk.iso')
 * } finally {
 *   await ftp.close()
 * }
 * ```
 */
export class FtpClient
  extends EventEmitter<{ [Name in keyof ClientEvents]: [ClientEvents[Name]] }>
  implements AsyncDisposable
{
  static {
    serverOf = (client) => client.#settings.session
    sourcePlace = (client, remote) => client.#place(remote)
    startMirrorJob = (client, job, remote, options) => client.#mirrorJob(job, remote, options)
    adoptTransfer = (client, transfer, path) => client.#adopt(transfer, { type: 'download', path })
    raiseMaxConnections = (client, count) => {
      if (count <= client.#maxConnections) return
      client.#maxConnections = count
      client.#sessions.setMax(count)
    }
  }
  readonly #settings: ClientSettings
  readonly #observer: Observer
  readonly #sessions: Sessions
  readonly #transfers = new Set<Transfer<unknown>>()
  readonly #running = new RunningCalls()
  readonly #limit: BandwidthLimit
  readonly #history = new BandwidthHistory()
  #maxConnections: number
  #server: ServerFacts | undefined
  #closed: Promise<void> | undefined

  /** @throws TypeError or RangeError that names the option and what is allowed, before any I/O */
  constructor(url: string | URL, options?: FtpClientOptions)
  constructor(options: FtpClientOptions)
  constructor(first: string | URL | FtpClientOptions, second?: FtpClientOptions) {
    super()
    const isUrl = typeof first === 'string' || first instanceof URL
    this.#settings = clientSettings(isUrl ? optionsWithUrl(second ?? {}, serverUrl(first)) : first)
    this.#maxConnections = this.#settings.maxConnections
    this.#limit = new BandwidthLimit(this.#settings.bytesPerSecond)
    this.#observer = new Observer(this.#settings.session.label, this)
    const prepare = (session: Session, signal: AbortSignal): Promise<void> => this.#prepare(session, signal)
    const hasToPrepare = this.#settings.prepareSession !== undefined
    const settings = { ...this.#settings, prepare: hasToPrepare ? prepare : undefined }
    this.#sessions = new Sessions(settings, this.#observer)
  }

  /**
   * Logs in, if no connection stands, and tells what the server says of itself. For a test of the connection; every
   * other call connects by itself.
   */
  async connect(options?: AskOptions): Promise<ServerFacts> {
    this.#server = await this.#ask(options, true, serverFacts)
    return this.#server
  }

  /** What the last {@link connect} has told; `undefined` before the first. */
  get server(): ServerFacts | undefined {
    return this.#server
  }

  /** What the server says that it can do beyond RFC 959 (FEAT, RFC 2389). It is asked once. */
  features(options?: AskOptions): Promise<ServerFeatures> {
    return this.#ask(options, true, ({ profile }) => Promise.resolve(profile.features ?? NO_FEATURES))
  }

  /**
   * A control connection of its own, for commands that belong together or that this class does not have. It counts as
   * one of the connections until it is released, by `release()` or `await using`.
   */
  async session(options?: AskOptions): Promise<FtpSession> {
    const signal = abortSignal(optionsObject(options, 'options', ASK_OPTIONS)) ?? NEVER
    const asked = { signal, retry: this.#settings.retry }
    this.#expectOpen()
    const { lease } = await withSession(this.#sessions, asked, () => Promise.resolve())
    let letGo = (): void => {}
    const held = new Lease(lease.value, (end) => {
      letGo()
      if (end.type === 'release') lease.release()
      else lease.discard(end.reason)
    })
    const session = new FtpSession(held, { limit: this.#limit, timeZone: this.#settings.timeZone })
    letGo = this.#sessions.hold(holderOf(session))
    return session
  }

  /**
   * Fetches a file by several connections. `remote` goes out as it is given, relative to the login directory
   * unless it begins with `/`; bytes are for names that are not UTF-8.
   *
   * Rejects with an `FtpError` (each code with what to do is in docs/errors.md) or with the reason of the abort.
   * The file that stood at `local` is replaced when the new one is whole and verified, and not before.
   */
  download(remote: RemotePath, local: string, options?: DownloadOptions): Transfer<DownloadResult> {
    const settings = downloadSettings(options, this.#maxConnections)
    const place = this.#place(remote)
    const target = localPath(local)
    const isClosed = this.#closed !== undefined
    const work = (context: TransferContext): Promise<DownloadResult> => {
      if (isClosed) throw closedError(this.#settings.session.label)
      return runDownload({ places: [place], target, settings }, context)
    }
    return this.#begin('download', place.shownPath, work, settings)
  }

  /**
   * Makes the local directory `local` like the remote directory `remote` (`''` for that of the login), with all that
   * is below: what is missing or differs is fetched, several directories and files at once. Nothing is deleted unless
   * option `delete` says so.
   *
   * Resolves with counts, and with what could not be done in `failures`. Rejects with an `FtpError` where nothing can
   * be done, or where `onError` is `'stop'`; with `ERR_FTP_DELETE_REFUSED` where it would not be safe to delete, when
   * all files have been transferred; or with the reason of the abort.
   */
  mirrorDown(remote: RemotePath, local: string, options?: MirrorOptions): Transfer<MirrorResult> {
    return this.#mirror('down', remote, local, options)
  }

  /** The same the other way round: makes the remote directory like the local one. */
  mirrorUp(local: string, remote: RemotePath, options?: MirrorOptions): Transfer<MirrorResult> {
    return this.#mirror('up', remote, local, options)
  }

  /**
   * Sends a local file (a path), bytes, or what can be iterated (a `Readable`, for instance) to `remote`, which goes
   * out as it is given. Needs nothing of the server but STOR. A file or bytes are sent again, from where the server
   * has come to, when a connection is lost.
   *
   * Rejects with an `FtpError`, with the reason of the abort, or with what the source threw.
   */
  upload(
    local: string | Exclude<UploadData, string>,
    remote: RemotePath,
    options?: UploadOptions,
  ): Transfer<UploadResult> {
    const path = typeof local === 'string' ? localPath(local) : undefined
    const data = typeof local === 'string' ? undefined : uploadData(local)
    const source = (): Promise<UploadSource> =>
      data === undefined ? fileSource(path ?? '') : Promise.resolve(dataSource(data))
    return this.#upload(source, remote, options, data)
  }

  /**
   * A remote file, or the part of it from `start` up to and with `end` (as in `node:fs`), as a stream that pulls no
   * faster than it is read. It holds a connection until it ends. A lost connection is made good; a failure destroys the
   * stream with an `FtpError`.
   */
  createReadStream(remote: RemotePath, options: ReadStreamOptions = {}): Readable {
    const given = optionsObject(options, 'options', READ_STREAM_OPTIONS)
    const most = Number.MAX_SAFE_INTEGER
    const start = wholeNumber(given, 'start', 0, 0, most)
    const last = given.end === undefined ? Infinity : wholeNumber(given, 'end', 0, 0, most)
    const highWaterMark = wholeNumber(given, 'highWaterMark', READ_AHEAD_BYTES, 0, most)
    return new RemoteReadStream(
      this.#place(remote),
      { start, end: last + 1 },
      this.#signalOf(given),
      highWaterMark,
    )
  }

  /**
   * A remote file as a stream to write to, which takes no more than the server does. It holds a connection until it
   * ends; `finish` comes when the server has confirmed the file and its size. A failure destroys the stream with an
   * `FtpError`. The older file is replaced as soon as the first bytes go out.
   */
  createWriteStream(remote: RemotePath, options: WriteStreamOptions = {}): Writable {
    const given = optionsObject(options, 'options', WRITE_STREAM_OPTIONS)
    const most = Number.MAX_SAFE_INTEGER
    const start = wholeNumber(given, 'start', 0, 0, most)
    const append = flag(given, 'append', false)
    if (start > 0 && append) throw new TypeError('Options "start" and "append" exclude each other')
    const highWaterMark = wholeNumber(given, 'highWaterMark', READ_AHEAD_BYTES, 0, most)
    this.#expectOpen()
    const settings = { start, append, highWaterMark, signal: abortSignal(given) }
    return new RemoteWriteStream(this.#place(remote), settings)
  }

  /** All of a remote file, or a part of it, in memory; as text where `encoding` is given. */
  readFile(remote: RemotePath, options?: ReadFileOptions & { readonly encoding?: undefined }): Promise<Buffer>
  readFile(
    remote: RemotePath,
    options: ReadFileOptions & { readonly encoding: BufferEncoding },
  ): Promise<string>
  async readFile(remote: RemotePath, options: ReadFileOptions = {}): Promise<Buffer | string> {
    const { encoding, start, end, signal } = optionsObject(options, 'options', READ_FILE_OPTIONS)
    const chunks: Buffer[] = []
    const stream = this.createReadStream(remote, { start, end, signal })
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    const whole = Buffer.concat(chunks)
    return encoding === undefined ? whole : whole.toString(encoding)
  }

  /**
   * The entries of a directory, by MLSD or LIST, as they come; without a path those of the login directory. It is read
   * at full speed and the connection given back at its end, so that other calls can be made while it is gone through.
   * Rejects with `ERR_FTP_NOT_FOUND`, `ERR_FTP_TRUNCATED`, …: an incomplete listing never ends as if it were whole.
   */
  list(path?: RemotePath, options?: ListOptions): AsyncGenerator<Entry, void> {
    const given = optionsObject(options, 'options', LIST_OPTIONS)
    const zone = timeZone(given, 'timeZone', this.#settings.timeZone)
    return this.#list(path, {}, zone, this.#signalOf(given))
  }

  /**
   * The same, all at once; up to two million, and `ERR_FTP_LISTING_TOO_LARGE` beyond. One that breaks off within its
   * first hundred thousand is asked for again.
   */
  async listAll(path?: RemotePath, options?: ListOptions): Promise<Entry[]> {
    const given = optionsObject(options, 'options', LIST_OPTIONS)
    const zone = timeZone(given, 'timeZone', this.#settings.timeZone)
    const entries = this.#list(path, { heldBack: RELISTED }, zone, this.#signalOf(given))
    return await keepAll(entries, (entry) => entry)
  }

  /**
   * The entries of a directory and of all below it, each with its `path`: several directories are listed at once, on
   * the connections that all calls share, and the entries of each come together. Links are not followed unless
   * `followLinks` is given. Where entries are not taken, listing stops some thousand ahead; no connection is held
   * meanwhile, so that other calls can be made.
   *
   * Rejects with the first failure of a directory, unless `onError` takes it; one that cannot be listed to its end
   * never passes for empty.
   * @throws TypeError or RangeError that names the option
   */
  walk(path?: RemotePath, options?: WalkOptions): AsyncGenerator<Entry, void> {
    const given = optionsObject(options, 'options', WALK_OPTIONS)
    const settings = walkSettings(given, this.#maxConnections)
    const zone = timeZone(given, 'timeZone', this.#settings.timeZone)
    const { codec } = this.#settings.session
    const root = path === undefined || path.length === 0 ? '' : remotePath(path).path
    const lister = new TreeLister({
      tree: new RemoteTree({ codec, root: '', timeZone: zone }),
      ...{ pool: this.#sessions, retry: this.#settings.retry, onRetry: this.#sessions.onRetry },
      connections: settings.connections,
      list: (at, signal) => this.#list(at, { heldBack: HELD_BACK }, zone, signal),
    })
    return walk({
      ...{ ...settings, connections: 2 * settings.connections },
      path: typeof root === 'string' ? root : codec.decode(root),
      listDirectory: (at) => lister.list(at),
      realPath: (at, signal) =>
        this.#ask({ signal }, true, (session) => realPath(session, at === '' ? undefined : at)),
      signal: this.#signalOf(given),
      destroyed: this.#sessions.destroyed,
      onEnd: (reason) => lister.end(reason),
    })
  }

  /** Writes text (as UTF-8), bytes, or what can be iterated to a remote file. */
  async writeFile(remote: RemotePath, data: UploadData, options?: UploadOptions): Promise<void> {
    const checked = uploadData(data)
    await this.#upload(() => Promise.resolve(dataSource(checked)), remote, options, checked)
  }

  /**
   * The size of a file in bytes (SIZE, RFC 3659 §4); `undefined` where the server does not tell.
   * @throws TypeError for a path that is none; rejects with an `FtpError` or the reason of the abort
   */
  size(path: RemotePath, options?: AskOptions): Promise<number | undefined> {
    const { path: remote } = remotePath(path)
    return this.#ask(options, true, (session) => size(session, remote))
  }

  /**
   * The checksum of a file, or of the part of it from `start` to `end` (half open, in bytes), in lower-case
   * hexadecimal, as the server makes it: by HASH, XSHA512, XSHA256, XSHA1, XMD5, XCRC or MD5. `undefined` where it does
   * not tell one: it has no such command, does no parts, or there is no such file.
   */
  checksum(
    path: RemotePath,
    algorithm: ChecksumAlgorithm,
    options: ChecksumRangeOptions = {},
  ): Promise<string | undefined> {
    const { path: remote } = remotePath(path)
    const given = optionsObject(options, 'options', CHECKSUM_RANGE_OPTIONS)
    const { signal } = given
    const name = oneOf({ algorithm }, 'algorithm', algorithm, CHECKSUM_ALGORITHMS)
    const start = wholeNumber(given, 'start', 0, 0, Number.MAX_SAFE_INTEGER)
    const end =
      given.end === undefined ? undefined : wholeNumber(given, 'end', 0, start + 1, Number.MAX_SAFE_INTEGER)
    const timeoutMs = this.#settings.session.timeouts.checksum
    return this.#ask({ signal }, true, (session) =>
      checksumOf(session, remote, name, { start, end, timeoutMs }),
    )
  }

  /** When a file was last modified (MDTM, RFC 3659 §3); `undefined` where the server does not tell. */
  modified(path: RemotePath, options?: AskOptions): Promise<Date | undefined> {
    const { path: remote } = remotePath(path)
    return this.#ask(options, true, (session) => modificationTime(session, remote))
  }

  /**
   * What is known of a file or directory: by MLST, else SIZE and MDTM, else the listing of the directory above.
   * Rejects with `ERR_FTP_NOT_FOUND` where nothing is.
   */
  stat(path: RemotePath, options?: AskOptions): Promise<Entry> {
    const { path: remote, shownPath } = remotePath(path)
    return this.#call(options, (calls) => stat(calls, remote, shownPath))
  }

  /** Whether something is at a path. */
  async exists(path: RemotePath, options?: AskOptions): Promise<boolean> {
    try {
      await this.stat(path, options)
      return true
    } catch (error) {
      if (error instanceof FtpReplyError && error.code === 'ERR_FTP_NOT_FOUND') return false
      throw error
    }
  }

  /**
   * Removes a file or a link; with `recursive` a directory with all that is in it, links in it and not what they lead
   * to. With `force` what is missing is no failure.
   */
  remove(path: RemotePath, options: RemoveOptions = {}): Promise<void> {
    const { path: remote } = remotePath(path)
    const given = optionsObject(options, 'options', REMOVE_OPTIONS)
    const { signal } = given
    const [recursive, force] = [flag(given, 'recursive', false), flag(given, 'force', false)]
    return this.#call({ signal }, (calls) => remove(calls, { path: remote, recursive, force }))
  }

  /**
   * Makes a directory (MKD); with `recursive` those above it too, and one that is there is no failure.
   * Rejects with `ERR_FTP_EXISTS`, `ERR_FTP_NOT_FOUND` (one above it is missing), `ERR_FTP_NOT_PERMITTED`, …
   */
  mkdir(path: RemotePath, options: MakeDirectoryOptions = {}): Promise<void> {
    const { path: remote } = remotePath(path)
    const given = optionsObject(options, 'options', MAKE_DIRECTORY_OPTIONS)
    const { signal } = given
    const recursive = flag(given, 'recursive', false)
    return this.#ask({ signal }, recursive, (session) =>
      explained(session, remote, 'nothing there', () => makeDirectories(session, remote, recursive)),
    )
  }

  /** Renames or moves a file or directory (RNFR, RNTO). Whether something at `to` is replaced is up to the server. */
  rename(from: RemotePath, to: RemotePath, options?: AskOptions): Promise<void> {
    const [{ path: source }, { path: target }] = [remotePath(from), remotePath(to)]
    return this.#ask(options, false, (session) =>
      explained(session, source, 'something there', () => rename(session, source, target)),
    )
  }

  /** Sets the permissions of a file or directory, as in `0o644` (SITE CHMOD). */
  chmod(path: RemotePath, mode: number, options?: AskOptions): Promise<void> {
    const { path: remote } = remotePath(path)
    const checked = wholeNumber({ mode }, 'mode', 0, 0, 0o7777)
    return this.#ask(options, true, (session) =>
      explained(session, remote, 'something there', () => changeMode(session, remote, checked)),
    )
  }

  /**
   * Sets the modification time of a file, to the second: MFMT, else MDTM with a time, else SITE UTIME.
   * Rejects with `ERR_FTP_UNSUPPORTED` where the server has none of them.
   */
  setModified(path: RemotePath, modified: Date, options?: AskOptions): Promise<void> {
    const { path: remote } = remotePath(path)
    if (!(modified instanceof Date) || Number.isNaN(modified.getTime()))
      throw new TypeError('The modification time must be a valid Date')
    return this.#ask(options, true, (session) =>
      explained(session, remote, 'something there', () => setModificationTime(session, remote, modified)),
    )
  }

  /** All running transfers together. */
  progress(): ClientProgress {
    return together([...this.#transfers].map((transfer) => transfer.progress))
  }

  /** What all transfers have brought, in samples of half a second over the last two minutes. */
  bandwidth(): Bandwidth {
    return this.#history.snapshot()
  }

  /**
   * Lets all transfers together have no more than so many bytes a second, from now on.
   * @param bytesPerSecond at least 1; `undefined` or `Infinity` for no limit
   * @throws TypeError, RangeError
   */
  setLimit(bytesPerSecond: number | undefined): void {
    this.#limit.set(bytesPerSecond)
  }

  /**
   * Gives each connection up for a new one when it is so old, from now on: those that are there, too, and without a pause
   * of what they are at, as option `rotateAfter` does.
   * @param milliseconds at least 1; `undefined` or `Infinity` for never
   * @throws TypeError, RangeError
   */
  setRotateAfter(milliseconds: number | undefined): void {
    this.#sessions.setRotateAfter(rotationMs({ rotateAfter: milliseconds }))
  }

  /** How many connections there are, and what they do. */
  stats(): PoolStats {
    return this.#sessions.stats()
  }

  /** Takes no new calls, lets running ones end, and says QUIT. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#drain()
    return this.#closed
  }

  /** Cuts every connection at once; running calls reject with `reason`, or `ERR_FTP_CLOSED`. Idempotent. */
  destroy(reason?: unknown): void {
    for (const transfer of this.#transfers)
      transfer.cancel(reason ?? closedError(this.#settings.session.label))
    this.#sessions.destroy(reason)
    this.#closed ??= this.#sessions.close()
  }

  /** As {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #mirror(
    side: 'down' | 'up',
    remote: RemotePath,
    local: string,
    options: MirrorOptions | undefined,
  ): Transfer<MirrorResult> {
    const settings = mirrorSettings(options, this.#maxConnections)
    const request = this.#mirrorRequest(side, remote, local, settings)
    return this.#beginMirror(side, remote, settings, (context) => runMirror(request, context))
  }

  #mirrorJob(job: MirrorJob, remote: RemotePath, options: MirrorOptions): Transfer<MirrorJobResult> {
    const settings = mirrorSettings(options, this.#maxConnections)
    const request = this.#mirrorRequest('down', remote, job.target, settings)
    return this.#beginMirror('down', remote, settings, (context) => runMirrorJob(job, request, context))
  }

  #mirrorRequest(
    side: 'down' | 'up',
    remote: RemotePath,
    local: string,
    settings: MirrorSettings,
  ): MirrorRequest {
    const { retry, session, timeZone } = this.#settings
    const place = (path: string): SourcePlace => this.#place(path === '' ? '.' : path)
    return {
      ...{ side, remote, local: localPath(local), settings },
      ...{ pool: this.#sessions, retry, codec: session.codec, timeZone, place },
    }
  }

  #beginMirror<Result>(
    side: 'down' | 'up',
    remote: RemotePath,
    settings: MirrorSettings,
    run: (context: TransferContext) => Promise<Result>,
  ): Transfer<Result> {
    const shownPath = remote.length === 0 ? '.' : remotePath(remote).shownPath
    const isClosed = this.#closed !== undefined
    const work = (context: TransferContext): Promise<Result> => {
      if (isClosed) throw closedError(this.#settings.session.label)
      return run(context)
    }
    return this.#begin(side === 'down' ? 'download' : 'upload', shownPath, work, settings)
  }

  #upload(
    source: () => Promise<UploadSource>,
    remote: RemotePath,
    options: UploadOptions | undefined,
    data: UploadData | undefined,
  ): Transfer<UploadResult> {
    const settings = uploadSettings(options)
    const place = this.#place(remote)
    const isClosed = this.#closed !== undefined
    const work = (context: TransferContext): Promise<UploadResult> => {
      if (isClosed) throw closedError(this.#settings.session.label)
      return runUpload({ place, source, settings }, context)
    }
    const transfer = this.#begin('upload', place.shownPath, work, settings)
    void whenOver(transfer).then(keepQuiet(data))
    return transfer
  }

  #list(
    path: RemotePath | undefined,
    how: Pick<ListRequest, 'only' | 'heldBack'>,
    zone: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Entry, void> {
    const { retry } = this.#settings
    const place = path === undefined || path.length === 0 ? undefined : remotePath(path)
    return list({
      ...{ pool: this.#sessions, retry, path: place?.path, shownPath: place?.shownPath ?? '.' },
      ...{ timeZone: zone, signal },
      ...how,
    })
  }

  /** Runs `work` on a session, and again on another one where that can do no harm. */
  #ask<T>(
    options: AskOptions | undefined,
    isRepeatable: boolean,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    return this.#call(options, (calls) => calls.ask(work, isRepeatable))
  }

  /** A verb of one question or of several. */
  async #call<T>(options: AskOptions | undefined, verb: (calls: Calls) => Promise<T>): Promise<T> {
    const signal = abortSignal(optionsObject(options, 'options', ASK_OPTIONS)) ?? NEVER
    this.#expectOpen()
    const { retry, session, timeZone: zone } = this.#settings
    return this.#running.run((begun) =>
      verb({
        codec: session.codec,
        ask: async (work, isRepeatable = true) => {
          const { lease, value } = await withSession(
            this.#sessions,
            { signal, retry, isRepeatable },
            (one) => {
              begun()
              return work(one)
            },
          )
          lease.release()
          return value
        },
        list: (path, only) => this.#list(path, { only }, zone, signal),
      }),
    )
  }

  #place(remote: RemotePath): SourcePlace {
    const { path, shownPath } = remotePath(remote)
    const { retry, session } = this.#settings
    const journal = journalSource(session, path)
    const { codec } = session
    return { pool: this.#sessions, codec, retry, limit: this.#limit, journal, remote: path, shownPath }
  }

  #adopt(
    transfer: Transfer<unknown>,
    facts: { readonly type: 'download' | 'upload'; readonly path: string },
  ): void {
    this.#transfers.add(transfer)
    this.#observer.follow(transfer, facts)
    const stopWatching = this.#history.watch(() => receivedBytes(transfer))
    void whenOver(transfer).then(() => {
      stopWatching()
      this.#transfers.delete(transfer)
    })
  }

  /** A running transfer still needs sessions: to verify, and to try again. So do calls, which begin meanwhile, too. */
  async #drain(): Promise<void> {
    while (this.#transfers.size > 0 || this.#running.areAny) {
      await Promise.all([...[...this.#transfers].map(whenOver), this.#running.ended()])
    }
    await this.#sessions.close()
  }

  #begin<Result>(
    type: 'download' | 'upload',
    path: string,
    work: (context: TransferContext) => Promise<Result>,
    settings: TransferSettings,
  ): Transfer<Result> {
    const traced = (context: TransferContext): Promise<Result> =>
      this.#observer.traced({ type, path }, async () => work(context))
    const transfer = new Transfer<Result>(traced, settings)
    this.#adopt(transfer, { type, path })
    return transfer
  }

  async #prepare(session: Session, signal: AbortSignal): Promise<void> {
    const { timeZone: zone, prepareSession } = this.#settings
    const place = { limit: this.#limit, timeZone: zone }
    const held = new FtpSession(new Lease(session, () => {}), place)
    try {
      await prepareSession?.(held, signal)
      // Behind what it has left running. Any answer will do: the connection may have been lost, with nobody there to
      // hear of it.
      await held.command('NOOP')
    } finally {
      held.release()
    }
  }

  #expectOpen(): void {
    if (this.#closed !== undefined) throw closedError(this.#settings.session.label)
  }

  /** Of a call that begins later: one that comes behind {@link close} is over before it begins. */
  #signalOf(options: AskOptions): AbortSignal | undefined {
    const signal = abortSignal(options)
    return this.#closed === undefined ? signal : AbortSignal.abort(closedError(this.#settings.session.label))
  }
}

function serverUrl(text: string | URL): FtpUrl {
  const url = readUrl(text)
  if (url.path.length === 0) return url
  throw new TypeError("A client's URL names a server: leave out the path, and give it to each call")
}

const SCHEMES = { none: 'ftp', explicit: 'ftpes', implicit: 'ftps' } as const

/** What a journal says of where its file is from: neither user nor password. */
function journalSource({ host, port, security, codec }: SessionOptions, path: RemotePath): JournalSource {
  const bytes = Buffer.from(typeof path === 'string' ? codec.encode(path) : path)
  return {
    scheme: SCHEMES[security],
    host,
    port,
    path: bytes.toString('latin1').replace(/[^!-$&-~]/g, percent),
  }
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/** Checks what is to be sent. */
function uploadData<T extends UploadData>(data: T): T {
  const given: unknown = data
  const isIterable =
    typeof given === 'object' && given !== null && (Symbol.asyncIterator in given || Symbol.iterator in given)
  if (typeof given === 'string' || isIterable) return data
  throw new TypeError('What is uploaded must be a path, bytes, text or an iterable of them')
}

/** Checks a local path. */
export function localPath(local: string): string {
  if (typeof local !== 'string') throw new TypeError('The local path must be a string')
  if (local === '' || local.includes('\0')) throw new TypeError('The local path is empty or holds NUL')
  return local
}
