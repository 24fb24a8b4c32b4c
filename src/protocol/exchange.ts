/**
 * The diagrams of RFC 959 §6 as data: what a reply means to the command that it answers.
 *
 *            1yz         2yz          3yz          4yz, 5yz
 *   plain    wait        done         unexpected   fail       most commands, and the greeting (120, 220, 421)
 *   login    wait        done         next         fail       USER → PASS → ACCT; AUTH → ADAT
 *   prelude  wait        unexpected   next         fail       REST, RNFR: worth nothing without what follows
 *   any      wait        done         next         fail       verbs that we know nothing of
 *
 * RFC 959 calls a 1yz to most commands an error; servers send one all the same (`120`, `150` before a slow
 * SITE or HASH), and it never is the last reply, so that it is waited out everywhere.
 */
import { replyClass } from './reply.ts'
import type { Reply } from './reply.ts'

/**
 * - `wait`: another reply to the same command follows
 * - `done`: it was carried out
 * - `next`: accepted; the server waits for the next command of a sequence (PASS after USER, RETR after REST)
 * - `fail`: refused
 * - `unexpected`: a class that this command cannot be answered with; the connection may be a reply off
 */
export type ReplyOutcome = 'wait' | 'done' | 'next' | 'fail' | 'unexpected'

/** Outcomes by reply class, 1yz to 5yz. */
type Row = readonly [ReplyOutcome, ReplyOutcome, ReplyOutcome, ReplyOutcome, ReplyOutcome]

const plain: Row = ['wait', 'done', 'unexpected', 'fail', 'fail']
const login: Row = ['wait', 'done', 'next', 'fail', 'fail']
const prelude: Row = ['wait', 'unexpected', 'next', 'fail', 'fail']
const any: Row = login

const rows: ReadonlyMap<string, Row> = new Map([
  ...each(login, 'USER PASS AUTH ADAT'),
  ...each(prelude, 'REST RNFR'),
  ...each(plain, 'ACCT CWD CDUP SMNT REIN QUIT'), // access control, RFC 959 §4.1.1
  ...each(plain, 'PORT PASV TYPE STRU MODE EPRT EPSV'), // parameters, §4.1.2, RFC 2428
  ...each(plain, 'RETR STOR STOU APPE LIST NLST MLSD'), // transfers, §4.1.3, RFC 3659
  ...each(plain, 'ALLO RNTO ABOR DELE RMD MKD PWD SITE SYST STAT HELP NOOP'),
  ...each(plain, 'FEAT OPTS SIZE MDTM MLST MFMT HASH HOST LANG'), // RFC 2389, 3659, 7151, 2640
  ...each(plain, 'PBSZ PROT CCC'), // RFC 4217
])

function each(row: Row, verbs: string): [string, Row][] {
  return verbs.split(' ').map((verb) => [verb, row])
}

/** What `reply` means as an answer to `verb` (in any case). The greeting is answered for as `plain` by `''`. */
export function classifyReply(verb: string, reply: Reply): ReplyOutcome {
  const row = verb === '' ? plain : (rows.get(verb.toUpperCase()) ?? any)
  return row[replyClass(reply) - 1] ?? 'unexpected'
}

/**
 * The transfer join: a transfer is over only when both its data end and its last reply have come, in whatever
 * order. 226 may overtake the last data, data may overtake the 150, and the 150 may be missing.
 *
 *                   data: awaited        flowing             ended               broken (cut or lost)
 *   ------------------------------------------------------------------------------------------------
 *   preliminary     150 seen             150 seen            150 seen            first: 150 seen
 *                                                                                second: OVER, it was the last
 *   completion      wait for the data    wait for the data   OVER: complete      OVER: cut, or failed if lost
 *   failure         OVER: refused        OVER: failed        OVER: failed        OVER: cut, or failed if lost
 *   data-begin      flowing              –                   –                   –
 *   data-end        ended; after a completion OVER: complete                     –
 *   data-lost       lost; after a completion OVER: failed    –                   –
 *   cut             cut; after a completion OVER: cut        –                   –
 *   control-lost    OVER: control-lost, in every column
 *
 * – is ignored: the data connection has one end, and the first told counts. After a completion only the data
 * is awaited: no further reply belongs to this transfer.
 *
 * Why a 1yz can be last: Pure-FTPd ends a transfer whose data connection broke with a second 150
 * (`150 0.002 seconds (measured here)…`) and sends nothing more. While the data connection stands a second 1yz
 * means nothing. The first 1yz is never the last, even behind a cut: data can overtake it, so that we may cut
 * before it comes.
 */
export type TransferEvent =
  | 'preliminary' // a 1yz reply
  | 'completion' // a 2yz reply
  | 'failure' // a 4yz or 5yz reply
  | 'data-begin' // the first byte of data, in either direction
  | 'data-end' // an orderly end of file
  | 'data-lost' // the data connection failed, or could not be made
  | 'cut' // we reset the data connection on purpose
  | 'control-lost'

/**
 * - `complete`: an orderly data end and a 2yz
 * - `cut`: our own cut and the last reply to it; the control connection is free again
 * - `refused`: 4yz or 5yz before any data
 * - `failed`: 4yz or 5yz after data had begun, or the data was lost; the control connection is free again
 * - `control-lost`: no last reply will come
 */
export type TransferOutcome = 'complete' | 'cut' | 'refused' | 'failed' | 'control-lost'

export interface TransferState {
  readonly data: 'awaited' | 'flowing' | 'ended' | 'cut' | 'lost'
  /** Whether the ordinary 1yz has come. */
  readonly preliminarySeen: boolean
  /** Whether a 2yz has come, so that only the data is awaited. */
  readonly completionSeen: boolean
  /** `undefined` while the transfer runs. Once set nothing changes any more. */
  readonly outcome: TransferOutcome | undefined
}

export const initialTransferState: TransferState = Object.freeze({
  data: 'awaited',
  preliminarySeen: false,
  completionSeen: false,
  outcome: undefined,
})

/** The event that a reply to a transfer command is. A 3yz, which means nothing there, is a failure. */
export function transferEvent(reply: Reply): 'preliminary' | 'completion' | 'failure' {
  switch (replyClass(reply)) {
    case 1:
      return 'preliminary'
    case 2:
      return 'completion'
    default:
      return 'failure'
  }
}

/**
 * The state after `event`. Pure; where nothing changes it is the same object: a 1yz again and again begins no deadline
 * anew.
 */
export function stepTransfer(state: TransferState, event: TransferEvent): TransferState {
  if (state.outcome !== undefined) return state
  switch (event) {
    case 'preliminary':
    case 'completion':
    case 'failure':
      return state.completionSeen ? state : stepReply(state, event)
    case 'data-begin':
    case 'data-end':
    case 'data-lost':
    case 'cut':
      return isDataOver(state) ? state : stepData(state, event)
    case 'control-lost':
      return { ...state, outcome: 'control-lost' }
    default:
      return event satisfies never
  }
}

/** What a running transfer still waits for: says which deadline applies. */
export function transferAwaits(state: TransferState): 'data' | 'reply' | 'both' | 'nothing' {
  if (state.outcome !== undefined) return 'nothing'
  if (state.completionSeen) return 'data'
  return isDataOver(state) ? 'reply' : 'both'
}

function stepReply(state: TransferState, event: 'preliminary' | 'completion' | 'failure'): TransferState {
  const broken = state.data === 'cut' || state.data === 'lost'
  const last = event !== 'preliminary' || (broken && state.preliminarySeen)
  if (!last) return state.preliminarySeen ? state : { ...state, preliminarySeen: true }
  if (broken) return { ...state, outcome: state.data === 'cut' ? 'cut' : 'failed' }
  if (event === 'failure') return { ...state, outcome: state.data === 'awaited' ? 'refused' : 'failed' }
  return settle({ ...state, completionSeen: true })
}

const DATA_AFTER = { 'data-begin': 'flowing', 'data-end': 'ended', 'data-lost': 'lost', cut: 'cut' } as const

function stepData(state: TransferState, event: keyof typeof DATA_AFTER): TransferState {
  return settle({ ...state, data: DATA_AFTER[event] })
}

const OUTCOME_AFTER_COMPLETION = {
  awaited: undefined,
  flowing: undefined,
  ended: 'complete',
  cut: 'cut',
  lost: 'failed',
} as const

function settle(state: TransferState): TransferState {
  return state.completionSeen ? { ...state, outcome: OUTCOME_AFTER_COMPLETION[state.data] } : state
}

function isDataOver(state: TransferState): boolean {
  return state.data === 'ended' || state.data === 'cut' || state.data === 'lost'
}
