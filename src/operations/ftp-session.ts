/**
 * `FtpSession`: one control connection in the hands of a caller, with the RFC's own verbs, one after the other.
 *
 * Owns: whose turn it is, and whether the connection can go back to the pool as it is now. What the server is told by
 * the verbs below is known and put right; behind any other command the connection is closed when it is released.
 */
import type { Readable } from 'node:stream'
import {
  FtpConnectionError,
  FtpProtocolError,
  FtpTimeoutError,
  FtpTransferError,
  type ReplyFacts,
} from '../errors.ts'
import type { Entry } from '../listing/entry.ts'
import { Lease } from '../pool/lease.ts'
import { command, encodeCommand } from '../protocol/command.ts'
import { parsePathReply } from '../protocol/path.ts'
import { isIntermediate, replyText, type Reply } from '../protocol/reply.ts'
import { parseSizeReply } from '../protocol/size.ts'
import { parseModificationTime } from '../protocol/time.ts'
import { uniqueNameIn } from '../protocol/unique-name.ts'
import { changeDirectory, deleteFile, rename } from '../session/files.ts'
import { carryOut } from '../session/refusal.ts'
import { TRANSFER_TYPES, type RemotePath, type Session, type TransferType } from '../session/session.ts'
import { store, type StoreRequest, type StoreResult } from '../session/store.ts'
import type { BandwidthLimit } from '../transport/bandwidth.ts'
import { onAbort, waitOrAbort } from '../util/abort.ts'
import { deferred } from '../util/deferred.ts'
import { startTimer } from '../util/timer.ts'
import { abortSignal, flag, oneOf, optionsObject, wholeNumber, type OptionNames } from '../util/validate.ts'
import { ASK_OPTIONS, type AskOptions } from './calls.ts'
import { explained } from './explain-path.ts'
import type { Holder } from './holders.ts'
import { list } from './list.ts'
import { listLines } from './list-lines.ts'
import { keepAll } from './listing-size.ts'
import { RemoteReadStream } from './read-stream.ts'
import { remotePath } from './remote-path.ts'
import type { RetryPolicy } from './retry.ts'
import { endLease } from './session-pool.ts'
import { dataSource, type UploadData } from './upload-source.ts'
import type { SessionSource } from './with-session.ts'

export interface SessionTransferOptions extends SessionTypeOptions {
  /** Where in the remote file it begins, in bytes (REST). Only `'binary'` begins elsewhere than at 0. @default 0 */
  readonly start?: number | undefined
}

export interface SessionTypeOptions extends AskOptions {
  /**
   * What the server does with the bytes on the way (RFC 959 §3.1.1): nothing; line ends to CR LF and back; to EBCDIC
   * and back. @default 'binary'
   */
  readonly type?: 'binary' | 'ascii' | 'ebcdic' | undefined
}

export interface CommandOptions extends AskOptions {
  /** Hides the argument in events, logs and errors. Always so for PASS and ACCT. @default false */
  readonly secret?: boolean | undefined
}

const TRANSFER_OPTIONS: OptionNames<SessionTransferOptions> = { ...ASK_OPTIONS, type: true, start: true }
const COMMAND_OPTIONS: OptionNames<CommandOptions> = { ...ASK_OPTIONS, secret: true }

/** What a lease has of the client that it is of. */
export interface SessionPlace {
  readonly limit: BandwidthLimit
  readonly timeZone: string
}

const READ_AHEAD_BYTES = 1_048_576
/** A session is one connection: nothing is tried again on another. */
const ONCE: RetryPolicy = { attempts: 1, minDelay: 0, maxDelay: 0, factor: 1, jitter: 0 }
/** How often it is looked whether what is waited for can still end. */
const LOOK_EVERY_MS = 500

/** Commands that leave nothing behind, as far as the next caller can tell. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...['NOOP', 'PWD', 'XPWD', 'SIZE', 'MDTM', 'MLST', 'STAT', 'FEAT', 'SYST', 'HELP', 'ALLO', 'MKD', 'XMKD'],
  ...['RMD', 'XRMD', 'DELE', 'MFMT', 'HASH', 'XCRC', 'XMD5', 'XSHA', 'XSHA1', 'XSHA256', 'XSHA512', 'AVBL'],
])
const DIRECTORY_CHANGES: ReadonlySet<string> = new Set(['CWD', 'XCWD', 'CDUP', 'XCUP'])

/**
 * One control connection of a client, for what is more than one call: commands that belong together, or that only
 * this server knows. The verbs are carried out one after the other, in the order of the calls (a stream has its turn
 * when it is first read); a path is relative to the session's own directory. Give it back by `release()` or
 * `await using`.
 *
 * Every verb rejects with an `FtpReplyError` where the server refuses it, and with `ERR_FTP_CONTROL_CLOSED` once the
 * connection is lost: nothing is repeated on another one.
 */
export class FtpSession implements AsyncDisposable {
  readonly #lease: Lease<Session>
  readonly #place: SessionPlace
  #turn: Promise<unknown> = Promise.resolve()
  #running = 0
  #stream: RemoteReadStream | undefined
  /** Those that are not over. */
  readonly #transfers = new Set<AbortController>()
  #idleSince: number | undefined = performance.now()
  #isUnclean = false
  #isReleased = false

  /** @internal A session comes from `client.session()`. */
  constructor(lease: Lease<Session>, place: SessionPlace) {
    this.#lease = lease
    this.#place = place
  }

  /**
   * Any command, and its last reply, whatever it says: a refusal is no error. A command that opens a data connection is
   * not for this: the verbs below do that. Behind one that may leave something behind (SITE, OPTS, …) the connection is
   * closed when it is released.
   * @throws TypeError, as a rejection, for CR, LF or NUL in it
   */
  command(verb: string, argument?: string | Uint8Array, options?: CommandOptions): Promise<ReplyFacts> {
    const { secret, signal } = commandSettings(options)
    const sent = command(verb, argument, { secret })
    return this.#do({ signal }, async (session) => {
      encodeCommand(sent, session.control.codec.encode)
      if (DIRECTORY_CHANGES.has(sent.verb)) await session.leaveBase()
      else if (sent.verb === 'TYPE') session.forgetType()
      else if (!HARMLESS.has(sent.verb) && sent.verb !== 'REST') this.#isUnclean = true
      const reply = await session.request(sent)
      if (sent.verb === 'REST' && isIntermediate(reply)) session.isRestartPending = true
      if (DIRECTORY_CHANGES.has(sent.verb)) await session.stayHere()
      return facts(reply)
    })
  }

  /**
   * RETR: a file from `start` on, as a stream that pulls no faster than it is read. In binary its end is checked by SIZE.
   * It has its turn when it is first read, and holds the session until its end or until it is destroyed.
   */
  retrieve(path: RemotePath, options: SessionTransferOptions = {}): Readable {
    const { start, type, signal } = transferSettings(options)
    const place = { pool: this.#source(), retry: ONCE, limit: this.#place.limit, type, ...named(path) }
    const stream = new RemoteReadStream(place, { start, end: Infinity }, signal, READ_AHEAD_BYTES)
    const stopping = new AbortController()
    onAbort(stopping.signal, (reason) => stream.destroy(reason as Error))
    this.#transfers.add(stopping)
    return stream.on('close', () => {
      this.#transfers.delete(stopping)
      if (this.#stream === stream) this.#stream = undefined
    })
  }

  /** STOR: writes a file, from `start` on where that is given. */
  async store(path: RemotePath, data: UploadData, options: SessionTransferOptions = {}): Promise<void> {
    await this.#send('STOR', remotePath(path).path, data, options)
  }

  /** APPE: adds to a file. */
  async append(path: RemotePath, data: UploadData, options: SessionTypeOptions = {}): Promise<void> {
    await this.#send('APPE', remotePath(path).path, data, options)
  }

  /**
   * STOU: writes a new file, whose name the server chooses.
   * @param options.path where to, for servers that want to know
   * @returns the name; `undefined` where the server does not tell
   */
  async storeUnique(
    data: UploadData,
    options: SessionTypeOptions & { readonly path?: RemotePath | undefined } = {},
  ): Promise<string | undefined> {
    const { path, ...others } = optionsObject(options, 'options', { ...TRANSFER_OPTIONS, path: true })
    const { replies } = await this.#send(
      'STOU',
      path === undefined ? undefined : remotePath(path).path,
      data,
      others,
    )
    return uniqueName(replies)
  }

  /** The entries of a directory, by MLSD or LIST; without a path those of the session's own. */
  list(path?: RemotePath, options?: AskOptions): Promise<Entry[]> {
    return this.#entries(path, options, undefined)
  }

  /** The same by MLSD alone (RFC 3659 §7). */
  machineList(path?: RemotePath, options?: AskOptions): Promise<Entry[]> {
    return this.#entries(path, options, 'MLSD')
  }

  /** NLST: names alone, as the server gives them: with or without the path, but without `.` and `..`. */
  async nameList(path?: RemotePath, options?: AskOptions): Promise<string[]> {
    const names = await this.#lines('NLST', path, options)
    return names.filter((name) => !/(?:^|\/)\.\.?$/.test(name))
  }

  /** LIST: the lines as they come. The argument goes out as it is: a path, a pattern, options. */
  rawList(argument?: RemotePath, options?: AskOptions): Promise<string[]> {
    return this.#lines('LIST', argument, options)
  }

  /** SIZE, in bytes (RFC 3659 §4). */
  size(path: RemotePath, options?: AskOptions): Promise<number> {
    const { path: remote } = remotePath(path)
    return this.#do(options, async (session) => {
      await session.setType('I') // In ASCII the size of the converted text would be meant.
      const reply = await carryOut(session, command('SIZE', remote))
      return parseSizeReply(reply) ?? malformed('SIZE', reply)
    })
  }

  /** MDTM (RFC 3659 §3). */
  modificationTime(path: RemotePath, options?: AskOptions): Promise<Date> {
    const { path: remote } = remotePath(path)
    return this.#do(options, async (session) => {
      const reply = await carryOut(session, command('MDTM', remote))
      return parseModificationTime(reply.lines[0] ?? '')?.time ?? malformed('MDTM', reply)
    })
  }

  /** MKD. @returns the path as the server tells it; `undefined` where it does not */
  makeDirectory(path: RemotePath, options?: AskOptions): Promise<string | undefined> {
    const { path: remote } = remotePath(path)
    return this.#do(options, async (session) => {
      const reply = await explained(session, remote, 'nothing there', () =>
        carryOut(session, command('MKD', remote)),
      )
      return pathOf(reply)
    })
  }

  /** RMD: removes an empty directory. */
  removeDirectory(path: RemotePath, options?: AskOptions): Promise<void> {
    const { path: remote } = remotePath(path)
    return this.#do(options, async (session) => {
      await carryOut(session, command('RMD', remote))
    })
  }

  /** DELE. */
  delete(path: RemotePath, options?: AskOptions): Promise<void> {
    const { path: remote } = remotePath(path)
    return this.#do(options, (session) =>
      explained(session, remote, 'something there', () => deleteFile(session, remote)),
    )
  }

  /** RNFR and RNTO. */
  rename(from: RemotePath, to: RemotePath, options?: AskOptions): Promise<void> {
    const [{ path: source }, { path: target }] = [remotePath(from), remotePath(to)]
    return this.#do(options, (session) =>
      explained(session, source, 'something there', () => rename(session, source, target)),
    )
  }

  /** CWD. Paths are relative to there until the session is released. */
  changeDirectory(path: RemotePath, options?: AskOptions): Promise<void> {
    const { path: remote } = remotePath(path)
    return this.#do(options, async (session) => {
      await changeDirectory(session, remote)
      await session.stayHere()
    })
  }

  /** PWD. */
  workingDirectory(options?: AskOptions): Promise<string> {
    return this.#do(options, async (session) => parsePathReply(await carryOut(session, command('PWD'))))
  }

  /** ALLO: tells the server how many bytes will come, where it wants to know. */
  allocate(bytes: number, options?: AskOptions): Promise<void> {
    const count = wholeNumber({ bytes }, 'bytes', 0, 0, Number.MAX_SAFE_INTEGER)
    return this.#do(options, async (session) => {
      await carryOut(session, command('ALLO', String(count)))
    })
  }

  /**
   * Stops the transfers and listings that were asked for and are not over, which fail with `reason`. The session goes
   * on if the data of the one that ran had begun, and is cut otherwise. Without one it does nothing.
   */
  abort(reason: unknown = new DOMException('The transfer was aborted', 'AbortError')): void {
    for (const transfer of this.#transfers) transfer.abort(reason)
  }

  /** NOOP. */
  noop(options?: AskOptions): Promise<void> {
    return this.#do(options, async (session) => {
      await carryOut(session, command('NOOP'))
    })
  }

  /** SITE: what only this server knows. Behind it the connection is closed when it is released. */
  site(argument: string | Uint8Array, options?: CommandOptions): Promise<ReplyFacts> {
    const { secret, signal } = commandSettings(options)
    return this.#do({ signal }, async (session) => {
      this.#isUnclean = true
      return facts(await carryOut(session, command('SITE', argument, { secret })))
    })
  }

  /** Gives the connection back; what still runs on it is cut. Idempotent. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.abort(releasedError())
    if (this.#running > 0 || this.#isUnclean) this.#lease.discard(releasedError())
    else this.#lease.release()
  }

  /** As {@link release}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }

  /** @internal Since when it is the caller's turn. */
  get idleSince(): number | undefined {
    return this.#running > 0 ? this.#stream?.idleSince : this.#idleSince
  }

  async #do<T>(options: AskOptions | undefined, work: (session: Session) => Promise<T>): Promise<T> {
    const signal = abortSignal(optionsObject(options, 'options', ASK_OPTIONS))
    const lease = await this.#acquire(signal)
    try {
      return await lease.value.abortable(signal, () => work(lease.value))
    } finally {
      lease.release()
    }
  }

  async #entries(
    path: RemotePath | undefined,
    options: AskOptions | undefined,
    only: 'MLSD' | undefined,
  ): Promise<Entry[]> {
    const place = path === undefined ? { path, shownPath: '.' } : remotePath(path)
    const { timeZone } = this.#place
    return this.#stoppable(options, async (signal) => {
      const request = { pool: this.#source(), retry: ONCE, timeZone, ...place, only, signal }
      return keepAll(list(request), (entry) => entry)
    })
  }

  async #lines(
    verb: 'LIST' | 'NLST',
    path: RemotePath | undefined,
    options: AskOptions | undefined,
  ): Promise<string[]> {
    const argument = path === undefined ? undefined : remotePath(path).path
    return this.#transfer(options, (session, signal) => listLines(session, verb, argument, signal))
  }

  async #send(
    verb: StoreRequest['verb'],
    path: RemotePath | undefined,
    data: UploadData,
    options: SessionTransferOptions,
  ): Promise<StoreResult> {
    const { start, type, signal: given } = transferSettings(options)
    if (start > 0 && verb !== 'STOR') throw new TypeError(`Option "start" is not for ${verb}`)
    const source = dataSource(data)
    return this.#transfer({ signal: given }, async (session, signal) => {
      const { limit } = this.#place
      const request = { verb, path, type, offset: start, source: source.chunks(0), limits: [limit], signal }
      const work = (): Promise<StoreResult> => store(session, { ...request, onSent: () => {} })
      const result = await (path === undefined ? work() : explained(session, path, 'a place for it', work))
      if (result.isConfirmed) return result
      const message = 'Everything was sent, but the server did not say that it has it'
      throw new FtpTransferError('ERR_FTP_TRUNCATED', message, { actual: result.bytes })
    })
  }

  /** A transfer, which {@link abort} stops. */
  async #transfer<T>(
    options: AskOptions | undefined,
    work: (session: Session, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return this.#stoppable(options, async (signal) => {
      const lease = await this.#acquire(signal)
      try {
        const result = await work(lease.value, signal)
        lease.release()
        return result
      } catch (error) {
        endLease(lease, error)
        throw error
      }
    })
  }

  async #stoppable<T>(
    options: AskOptions | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const given = abortSignal(optionsObject(options, 'options', ASK_OPTIONS))
    const stopping = new AbortController()
    const stopListening = onAbort(given, (reason) => stopping.abort(reason))
    this.#transfers.add(stopping)
    try {
      return await work(stopping.signal)
    } finally {
      stopListening()
      this.#transfers.delete(stopping)
    }
  }

  /** The session itself as a place where sessions come from, one at a time. */
  #source(): SessionSource {
    return {
      isProven: true,
      acquire: (signal) => this.#acquire(signal),
      hold: (holder) => {
        if (holder instanceof RemoteReadStream) this.#stream = holder
        return () => {}
      },
    }
  }

  /** Waits for its turn. */
  async #acquire(signal: AbortSignal | undefined): Promise<Lease<Session>> {
    signal?.throwIfAborted()
    this.#expectHeld()
    const session = this.#lease.value
    const before = this.#turn
    const mine = deferred<undefined>()
    this.#turn = mine.promise
    this.#running += 1
    const end = (): void => {
      this.#running -= 1
      this.#idleSince = performance.now()
      mine.resolve(undefined)
    }
    try {
      await this.#turnAfter(before, signal)
      await waitOrAbort(session.settled(), signal)
      this.#expectHeld()
    } catch (error) {
      void before.then(end)
      throw error
    }
    return new Lease(session, (how) => {
      if (how.type === 'discard') session.destroy(how.reason)
      end()
    })
  }

  #expectHeld(): void {
    if (this.#isReleased) throw releasedError()
  }

  async #turnAfter(before: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
    const { acquire: afterMs } = this.#lease.value.options.timeouts
    const hopeless = deferred<never>()
    const look = (): void => {
      const since = this.#stream?.idleSince ?? Infinity
      if (performance.now() - since >= afterMs) hopeless.reject(this.#heldByStream(afterMs))
      else stop = startTimer(LOOK_EVERY_MS, look)
    }
    let stop = startTimer(LOOK_EVERY_MS, look)
    try {
      await waitOrAbort(Promise.race([before, hopeless.promise]), signal)
    } finally {
      stop()
    }
  }

  #heldByStream(afterMs: number): FtpTimeoutError {
    const what = this.#stream?.what ?? 'a stream'
    const message = `The session is held by ${what}: read or destroy it before the next call`
    return new FtpTimeoutError(message, { phase: 'acquire', afterMs, retryable: false })
  }
}

/** What a lease is called where it holds up others. */
export function holderOf(session: FtpSession): Holder {
  return {
    what: 'a session()',
    get idleSince() {
      return session.idleSince
    },
  }
}

function commandSettings(options: CommandOptions | undefined): {
  readonly secret: boolean
  readonly signal: AbortSignal | undefined
} {
  const given = optionsObject(options, 'options', COMMAND_OPTIONS)
  return { secret: flag(given, 'secret', false), signal: given.signal }
}

function transferSettings(options: SessionTransferOptions): {
  readonly start: number
  readonly type: TransferType
  readonly signal: AbortSignal | undefined
} {
  const given = optionsObject(options, 'options', TRANSFER_OPTIONS)
  const start = wholeNumber(given, 'start', 0, 0, Number.MAX_SAFE_INTEGER)
  const type = TRANSFER_TYPES[oneOf(given, 'type', 'binary', ['binary', 'ascii', 'ebcdic'])]
  if (start > 0 && type !== 'I')
    throw new TypeError('Option "start" needs type \'binary\': converted text has no offsets')
  return { start, type, signal: abortSignal(given) }
}

function named(path: RemotePath): { readonly remote: RemotePath; readonly shownPath: string } {
  const { path: remote, shownPath } = remotePath(path)
  return { remote, shownPath }
}

function facts({ code, lines }: Reply): ReplyFacts {
  return { code, lines: [...lines] }
}

function pathOf(reply: Reply): string | undefined {
  try {
    return parsePathReply(reply)
  } catch {
    return undefined
  }
}

function uniqueName(replies: readonly Reply[]): string | undefined {
  for (const { lines } of replies) {
    const name = uniqueNameIn(lines.at(-1) ?? '')
    if (name !== undefined) return name
  }
  return undefined
}

function malformed(verb: string, reply: Reply): never {
  const received = replyText(reply)
  const message = `The server's answer to ${verb} is none: ${received}`
  throw new FtpProtocolError('ERR_FTP_MALFORMED_REPLY', message, { received })
}

function releasedError(): FtpConnectionError {
  return new FtpConnectionError('ERR_FTP_CLOSED', 'The session has been released: ask the client for another')
}
