/**
 * A directory, entry by entry: MLSD (RFC 3659 §7) where the server has it, else LIST; which is remembered.
 *
 * The listing is read at full speed, and the session is given back when the server is done, whatever the reader's
 * speed. A listing that fails before the reader has had an entry of it is tried again; later it is an error, and what
 * one command has begun is never finished by another.
 */
import { replyError } from '../connection/reply-error.ts'
import { FtpReplyError, FtpTransferError, type ReplyFacts } from '../errors.ts'
import type { Entry } from '../listing/entry.ts'
import { ListingParser } from '../listing/listing-parser.ts'
import type { Lease } from '../pool/lease.ts'
import { command } from '../protocol/command.ts'
import { changeDirectory, isMissing } from '../session/files.ts'
import { systemType } from '../session/facts.ts'
import { isDirectory } from '../session/is-directory.ts'
import { meaningOf } from '../session/refusal.ts'
import { retrieve } from '../session/retrieve.ts'
import { isVsftpd } from '../session/is-vsftpd.ts'
import type { RemotePath, Session } from '../session/session.ts'
import { onAbort } from '../util/abort.ts'
import type { OptionNames } from '../util/validate.ts'
import { ASK_OPTIONS, type AskOptions } from './calls.ts'
import { isAboutThePath, isEmptyListing } from './empty-listing.ts'
import type { Holder } from './holders.ts'
import { LineSplitter, ListingReceiver } from './listing-receiver.ts'
import { RetryBudget, type RetryPolicy } from './retry.ts'
import { endLease } from './session-pool.ts'
import { waitToRetry, withSession, type SessionSource } from './with-session.ts'

export interface ListOptions extends AskOptions {
  /**
   * The server's zone, an IANA name, for times of LIST that do not tell theirs.
   * @default the client's `serverTimeZone`
   */
  readonly timeZone?: string | undefined
}

export const LIST_OPTIONS: OptionNames<ListOptions> = { ...ASK_OPTIONS, timeZone: true }

export interface ListRequest {
  readonly pool: SessionSource
  readonly retry: RetryPolicy
  /** `undefined` for the directory of the login. */
  readonly path: RemotePath | undefined
  /** The path for messages. */
  readonly shownPath: string
  /** The server's, for times that do not tell theirs. */
  readonly timeZone: string
  /**
   * Nothing but this, whatever the server has: some leave out of MLSD what leads nowhere, and some show what begins
   * with a dot to `-a` alone.
   */
  readonly only?: 'MLSD' | 'LIST' | 'LIST -a' | undefined
  /**
   * Up to so many entries are held back until the listing is whole: it is tried again where it breaks off before.
   * @default 0
   */
  readonly heldBack?: number | undefined
  readonly signal: AbortSignal | undefined
}

/** Rejects with an `FtpError`, or the reason of the abort. Leaving it early cuts the listing. */
export async function* list(request: ListRequest): AsyncGenerator<Entry, void> {
  const budget = new RetryBudget(request.retry, undefined, Math.random)
  const controller = new AbortController()
  const { pool, retry, signal: given, heldBack = 0 } = request
  const { signal } = controller
  const stopListening = onAbort(given, (reason) => controller.abort(reason))
  try {
    for (;;) {
      let hasGiven = false
      const { lease } = await withSession(pool, { signal, retry }, () => Promise.resolve())
      try {
        const held: Entry[] = []
        for await (const entries of new Listing(request, lease, signal).read()) {
          if (!hasGiven && held.length + entries.length <= heldBack) {
            // One by one: a chunk may hold more of them than a call takes arguments.
            for (const entry of entries) held.push(entry)
            continue
          }
          hasGiven = true
          yield* held.splice(0)
          yield* entries
        }
        yield* held
        return
      } catch (error) {
        signal.throwIfAborted()
        if (hasGiven) throw error
        const delayMs = budget.delayAfter(error, 0)
        pool.onRetry?.({ attempt: budget.failures, delayMs, error })
        await waitToRetry(pool, delayMs, signal)
      }
    }
  } finally {
    stopListening()
    controller.abort(new Error('The listing is not read any more'))
  }
}

/** Replies that say "I do not know this command". */
const NOT_IMPLEMENTED: ReadonlySet<number> = new Set([500, 502])
/** With a 226 (vsftpd). */
const NOT_OPENED = /failed to open directory/i
/** By SYST: what lists in its own character set, unless it is told to send text (RFC 959 §4.1.3 wants TYPE A or E). */
const MAINFRAME = /\b(?:MVS|OS\/[39]\d0|OS\/400|VM|VSE|z\/OS)\b/i
/** What a server's glob would make something else of (Pure-FTPd), and what it would take for an option. */
const MISREAD = /[[\]*?{}~\\]|^-/

/** One listing on one session. */
class Listing implements Holder {
  /** For {@link Holder}. */
  readonly what: string
  readonly #request: ListRequest
  readonly #lease: Lease<Session>
  readonly #signal: AbortSignal
  readonly #receiver = new ListingReceiver()
  #failure: { readonly error: unknown } | undefined
  #verb: 'MLSD' | 'LIST' = 'LIST'
  /** Whether the server has said that the listing comes. */
  #hasBegun = false

  constructor(request: ListRequest, lease: Lease<Session>, signal: AbortSignal) {
    this.what = `a listing of "${request.shownPath}"`
    this.#request = request
    this.#lease = lease
    this.#signal = signal
  }

  get idleSince(): number | undefined {
    return this.#receiver.pausedSince
  }

  /** The entries, as many at once as have come. */
  async *read(): AsyncGenerator<readonly Entry[], void> {
    const running = this.#run().finally(() => this.#receiver.end())
    const lines = new LineSplitter(this.#lease.value.control.codec)
    let parser: ListingParser | undefined
    const take = (texts: readonly string[], isLast: boolean): Entry[] => {
      const format = this.#verb === 'MLSD' ? 'mlsd' : 'list'
      parser ??= new ListingParser({ format, now: new Date(), timeZone: this.#request.timeZone })
      const entries: Entry[] = []
      for (const text of texts) parser.push(text, entries)
      if (isLast) parser.end(entries)
      return entries
    }
    for (let chunk = await this.#receiver.next(); chunk !== undefined; chunk = await this.#receiver.next()) {
      yield take(lines.push(chunk), false)
    }
    await running
    if (this.#failure !== undefined) throw this.#failure.error
    yield take(lines.end(), true)
  }

  /** Never rejects: what fails is told when what came before it has been read. */
  async #run(): Promise<void> {
    const session = this.#lease.value
    const letGo = this.#request.pool.hold?.(this)
    try {
      await this.#fetch(session)
      await session.abortable(this.#signal, () => session.goBack())
      this.#lease.release()
    } catch (error) {
      endLease(this.#lease, error)
      this.#failure = { error }
    } finally {
      letGo?.()
    }
  }

  async #fetch(session: Session): Promise<void> {
    const { profile } = session
    const hasMachine = profile.features?.listed === false || profile.features?.has('MLST') === true
    const { only } = this.#request
    if (only !== undefined || profile.listing === 'LIST' || !hasMachine) {
      await this.#fetchBy(session, only === 'MLSD' ? only : 'LIST')
      if (only === undefined) profile.listing = 'LIST'
      return
    }
    try {
      await this.#fetchBy(session, 'MLSD')
      profile.listing = 'MLSD'
    } catch (error) {
      const isOfVerb = error instanceof FtpReplyError && isFor(error, 'MLSD')
      const isUnknown = isOfVerb && NOT_IMPLEMENTED.has(error.reply.code)
      // A 500 behind entries is a failure: those of LIST would come behind them, and be read as MLSD's.
      if (!isUnknown || profile.listing === 'MLSD' || this.#receiver.hasReceived) throw error
      await this.#fetchBy(session, 'LIST')
      profile.listing = 'LIST'
    }
  }

  async #fetchBy(session: Session, verb: 'MLSD' | 'LIST'): Promise<void> {
    this.#verb = verb
    const { path, only } = this.#request
    // vsftpd shows what begins with a dot to `-a` alone, which others take for a name.
    const isAll = only === 'LIST -a' || (only === undefined && verb === 'LIST' && isVsftpd(session))
    const argument = isAll ? '-a' : undefined
    // LIST takes a path for anything: a pattern, options, a file.
    const isEntered = path !== undefined && (verb === 'LIST' || !takesPath(path))
    // What is relative would mean something else where MLSD has been tried in the directory.
    await session.abortable(this.#signal, () => session.goBack())
    if (isEntered) await this.#enter(session, path)
    const type = verb === 'LIST' ? await this.#textType(session) : 'I'
    try {
      const result = await retrieve(session, {
        ...{ verb, path: isEntered ? argument : (path ?? argument), type, offset: 0, endsAtEnd: true },
        ...{ receiver: this.#receiver, isWhole: () => false, signal: this.#signal },
        onBegun: () => (this.#hasBegun = true),
      })
      if (result.outcome !== 'complete') throw this.#cutShort(result.doubt)
      if (result.reply !== undefined && NOT_OPENED.test(result.reply.lines.join(' '))) {
        throw notPermitted(session, result.reply, verb)
      }
    } catch (error) {
      // What refuses TYPE or EPSV says nothing of the directory, and behind entries it is a failure.
      const isOfVerb = error instanceof FtpReplyError && isFor(error, verb)
      if (!isOfVerb || !isAboutThePath(error.reply) || this.#receiver.hasReceived) throw error
      if (isEmptyListing(error.reply)) return
      const isThere = isEntered || path === undefined || (await this.#isDirectory(session, path))
      if (!isThere) throw this.#missing(session, error)
      if (isForbidding(error.reply)) throw notPermitted(session, error.reply, verb)
      // In a directory that is there, "no such file" is left to mean that there is none; unless it breaks off.
      const saysNone = error.reply.code === 450 && meaningOf(error.reply) === 'ERR_FTP_NOT_FOUND'
      if (!saysNone || this.#hasBegun) throw error
    }
  }

  async #enter(session: Session, path: RemotePath): Promise<void> {
    try {
      await session.abortable(this.#signal, () => changeDirectory(session, path))
    } catch (error) {
      throw isMissing(error) ? this.#missing(session, error) : error
    }
  }

  /** Others send the same by either; TYPE A before and TYPE I behind each listing would cost two round trips. */
  async #textType(session: Session): Promise<'A' | 'I'> {
    const system = await session.abortable(this.#signal, () => systemType(session))
    return wantsText(system) ? 'A' : 'I'
  }

  #isDirectory(session: Session, path: RemotePath): Promise<boolean> {
    return session.abortable(this.#signal, () => isDirectory(session, path))
  }

  #missing(session: Session, { reply, command }: FtpReplyError): FtpReplyError {
    const { shownPath } = this.#request
    const host = session.control.label
    const message = `There is no directory "${shownPath}" on ${host}: ${reply.code} ${reply.lines.join(' ')}`
    return new FtpReplyError('ERR_FTP_NOT_FOUND', message, { reply, host, command })
  }

  #cutShort(cause: unknown): FtpTransferError {
    const { shownPath: path } = this.#request
    const message = `The listing of ${path} ended without the server saying that it is whole`
    return new FtpTransferError('ERR_FTP_TRUNCATED', message, { path, cause, retryable: true })
  }
}

/** Whether it is this command that was refused. */
function isFor({ command }: FtpReplyError, verb: 'MLSD' | 'LIST'): boolean {
  return command?.startsWith(verb) === true
}

/** Whether a server of this SYST sends its listings in its own character set unless it is told to send text. */
export function wantsText(system: string): boolean {
  return MAINFRAME.test(system)
}

/** Whether the refusal to list a directory that is there can only be meant for this user. */
function isForbidding(reply: ReplyFacts): boolean {
  const meaning = meaningOf(reply)
  if (meaning === undefined) return reply.code === 550 || reply.code === 553
  return meaning === 'ERR_FTP_NOT_PERMITTED'
}

/** It is there, and its reading is refused. */
function notPermitted(session: Session, reply: ReplyFacts, verb: string): FtpReplyError {
  const { label } = session.control
  return replyError(reply, label, command(verb), 'ERR_FTP_NOT_PERMITTED', 'This user may not read it')
}

/** Whether MLSD with this path lists this directory on every server. */
export function takesPath(path: RemotePath): boolean {
  return !MISREAD.test(textOf(path))
}

function textOf(path: RemotePath): string {
  return typeof path === 'string' ? path : Buffer.from(path).toString('latin1')
}
