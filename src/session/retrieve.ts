/**
 * RETR (RFC 959 §4.1.3) from an offset into a receiver, and the listings, which arrive in the same way.
 *
 * RETR has a start and no end: a receiver that has enough says `'stop'`, the data connection is reset, and the
 * last reply that follows is awaited behind the caller's back.
 */
import type { DataReceiver } from '../connection/receiver.ts'
import { replyError } from '../connection/reply-error.ts'
import type { DataConnection, DataSocket } from '../connection/data.ts'
import { command, type Command } from '../protocol/command.ts'
import { isIntermediate, type Reply } from '../protocol/reply.ts'
import { onAbort, waitOrAbort } from '../util/abort.ts'
import { startTimer } from '../util/timer.ts'
import { openData } from './open-data.ts'
import type { RemotePath, Session, TransferType } from './session.ts'
import { failureOf } from './transfer-failure.ts'
import { TransferRun } from './transfer-run.ts'

export interface RetrieveRequest {
  /** @default 'RETR' */
  readonly verb?: 'RETR' | 'LIST' | 'NLST' | 'MLSD'
  /** `undefined` only for a listing, of the directory that the session is in. */
  readonly path: RemotePath | undefined
  readonly type: TransferType
  /** Where to start, in bytes. Only `'I'` can start elsewhere than at 0. */
  readonly offset: number
  readonly receiver: DataReceiver
  /** Whether what has been received proves by itself that the file's end was reached. */
  readonly isWhole: () => boolean
  /** Whether only the end of the data says where the file ends, so that it has to be told from a cut. */
  readonly endsAtEnd: boolean
  /** Told, when all is over, of a TLS handshake that was done, also where the transfer fails. */
  readonly onSecured?: (tls: NonNullable<DataSocket['tls']>) => void
  readonly signal: AbortSignal | undefined
  /** Told that the server has said that it begins: what it says behind that refuses nothing. */
  readonly onBegun?: () => void
}

export interface RetrieveResult {
  /**
   * `'complete'`: an orderly end and a 2yz. `'cut'`: the receiver said stop. `'unconfirmed'`: an orderly end,
   * or all the bytes, but no 2yz: the bytes have to speak for themselves.
   */
  readonly outcome: 'complete' | 'cut' | 'unconfirmed'
  /** Why it is unconfirmed. */
  readonly doubt: unknown
  readonly bytes: number
  /** The last reply, if one has come: a 2yz can say that there was nothing to be had. */
  readonly reply: Reply | undefined
  readonly tls: DataSocket['tls']
}

/** Replies that say "I do not know this command", as opposed to "not now" or "not this file". */
const NOT_IMPLEMENTED: ReadonlySet<number> = new Set([500, 501, 502, 503, 504])

/**
 * Rejects when refused (`FtpReplyError`), when the data connection breaks before the bytes are whole, or with
 * the signal's reason. The session is usable again once it {@link Session.isReady}.
 */
export async function retrieve(session: Session, request: RetrieveRequest): Promise<RetrieveResult> {
  const { path, type, offset, receiver, signal } = request
  const data = await session.abortable(signal, async () => {
    await session.setType(type)
    const opened = await openData(session, {
      ...{ receiver, watchesEnd: request.endsAtEnd, isSending: false, signal },
    })
    try {
      // A marker that an earlier RETR was refused behind may still stand.
      if (offset > 0 || session.isRestartPending) await restartAt(session, offset)
      return opened
    } catch (error) {
      opened.cut()
      throw error
    }
  })
  const sent = command(request.verb ?? 'RETR', path)
  const run = new TransferRun(session.control, data, sent, session.options.timeouts)
  const stopListening = onAbort(signal, () => data.cut())
  try {
    run.start()
    session.settleLater(run.over)
    void run.begun.then(() => {
      if (run.hasBegun) request.onBegun?.()
    })
    await waitOrAbort(settledFor(run, data, request), signal)
    signal?.throwIfAborted()
    const judgement = judge(session, run, sent, request, data)
    return { ...judgement, bytes: data.bytes, reply: run.replies.at(-1), tls: data.tls }
  } finally {
    stopListening()
    if (data.tls !== undefined) request.onSecured?.(data.tls)
    if (run.hasBegun) session.isRestartPending = false
    data.cut() // Refused: nothing will come by it.
  }
}

/** REST goes right before RETR (RFC 3659 §5.3), since some servers forget it over any other command. */
async function restartAt(session: Session, offset: number): Promise<void> {
  const { profile, control } = session
  const sent = command('REST', String(offset))
  const reply = await session.request(sent)
  if (isIntermediate(reply)) {
    profile.restart = profile.restart === 'untried' ? 'works' : profile.restart
    session.isRestartPending = offset > 0
    return
  }
  if (NOT_IMPLEMENTED.has(reply.code)) profile.restart = 'unusable'
  throw replyError(reply, control.label, sent)
}

/** Until the transfer is over, or until as much is known as the caller needs. */
async function settledFor(run: TransferRun, data: DataConnection, request: RetrieveRequest): Promise<void> {
  const end = data.end.then((how) => how.is)
  const first = await Promise.race([run.over, end])
  // Our own cut needs no answer; the session waits for it by itself.
  if (first === 'cut') return
  // The data may still be coming although the control connection is gone; not if they had not begun to.
  if (first === 'control-lost') await (run.hasBegun || data.bytes > 0 ? end : undefined)
  else if (isProvenWhole(data, request)) await withPatience(run.over)
  else {
    const outcome = await run.over
    // A 426 can overtake what was sent before it; what is on its way need not be fetched again.
    if (outcome !== 'refused' || run.hasBegun) await withPatience(end)
  }
}

/** An empty file looks like a refused one: no count of bytes can stand in for its 226. */
function isProvenWhole(data: DataConnection, request: RetrieveRequest): boolean {
  return data.bytes > 0 && request.isWhole()
}

/** How long the 226 behind a file that is whole, or the data behind a refusal, is worth waiting for. */
const PATIENCE_MS = 2_000

async function withPatience(awaited: Promise<unknown>): Promise<void> {
  let stop = (): void => {}
  const patience = new Promise<void>((resolve) => {
    stop = startTimer(PATIENCE_MS, resolve)
  })
  await Promise.race([awaited, patience])
  stop()
}

type Judgement = Pick<RetrieveResult, 'outcome' | 'doubt'>

function judge(
  session: Session,
  run: TransferRun,
  sent: Command,
  request: RetrieveRequest,
  data: DataConnection,
): Judgement {
  if (run.dataEnd?.is === 'cut') return { outcome: 'cut', doubt: undefined }
  const doubt = failureOf(session, run, sent, data)
  if (run.outcome === 'complete') return { outcome: 'complete', doubt: undefined }
  if (isProvenWhole(data, request)) return { outcome: 'unconfirmed', doubt }
  throw doubt
}
