/**
 * What a server of a model does, as data: for each verb and each time it is sent, and for each transfer. Where a list is
 * at its end the server behaves, so that every plan ends. It can be written as JSON: what fails is kept as a case.
 */

/** What becomes of one command. */
export type Reaction =
  | { readonly is: 'right' }
  /** The right thing, so many milliseconds later. */
  | { readonly is: 'late'; readonly ms: number }
  /** The reply in one byte a packet. */
  | { readonly is: 'split' }
  /** Another code: in place of all that was to be done, or behind it. */
  | { readonly is: 'wrong'; readonly code: number; readonly isDone: boolean }
  /** A line that is no reply, before the right one. */
  | { readonly is: 'garbage' }
  /** The right reply two times. */
  | { readonly is: 'twice' }
  /** The control connection ends: before anything is done, within the reply, or behind it. */
  | { readonly is: 'cut'; readonly by: Ending; readonly when: 'before' | 'within' | 'behind' }
  /** No answer, to this and to all that comes by this connection. */
  | { readonly is: 'silence' }

export type Ending = 'fin' | 'rst'

/** One RETR, MLSD, LIST, STOR or APPE. */
export interface TransferPlan {
  /** What is said before the data. `behind`: only when all the data are out. */
  readonly begins: '150' | '125' | 'twice' | 'none' | 'behind'
  /** Bytes of a piece; between pieces the other side has time to read. */
  readonly piece: number
  /** Behind half of the data, so many milliseconds. */
  readonly pauseMs: number
  /** What becomes of the data: so many thousandths of them are sent, and of an upload so many are waited for. */
  readonly data:
    | { readonly is: 'whole' }
    | { readonly is: 'cut'; readonly by: Ending; readonly behind: number }
    | { readonly is: 'stall'; readonly behind: number }
  /** When the last reply comes; of data that are not whole `before` and `early` are not said. */
  readonly ends: 'proper' | 'before' | 'early' | 'never'
  /** Between the data's end and the last reply. */
  readonly endsMs: number
  /** The last reply where the data are not whole. */
  readonly failure: 426 | 450 | 451 | 550 | 226
}

export interface ServerPlan {
  /** Words of each greeting; `null` for none. */
  readonly greetings: readonly (string | null)[]
  readonly verbs: Readonly<Record<string, readonly Reaction[]>>
  readonly transfers: readonly TransferPlan[]
  /** Where a transfer with a REST begins. */
  readonly rest: 'right' | 'ignored' | 'off by one'
  /** Verbs that are unknown, and missing in FEAT. */
  readonly unsupported: readonly string[]
}

export const RIGHT_TRANSFER: TransferPlan = {
  begins: '150',
  piece: 65_536,
  pauseMs: 0,
  data: { is: 'whole' },
  ends: 'proper',
  endsMs: 0,
  failure: 426,
}

export const RIGHT_SERVER: ServerPlan = {
  greetings: [],
  verbs: {},
  transfers: [],
  rest: 'right',
  unsupported: [],
}
