/**
 * Whether what connections have brought is believed: seams are compared as soon as both sides are there, and where two
 * sources disagree, one of them is found out and all that it brought is given up.
 */
import type { TransferContext } from '../transfer/transfer.ts'
import type { Board } from './board.ts'
import { whoLies } from './dispute.ts'
import { giveUp } from './give-up.ts'
import { RestartDistrusted, SeamDisagreement } from './restart.ts'
import type { Roster } from './roster.ts'
import { compareSeams, type SeamFile } from './seams.ts'
import type { Source } from './source.ts'
import type { TlsTally } from './tls-tally.ts'

export interface TrustOptions {
  readonly board: Board
  /** All sources in the order of their rank; who has brought bytes may be dropped since. */
  readonly sources: readonly Source[]
  readonly roster: Roster
  readonly file: SeamFile
  /** Counts the data connections by which other sources are asked. */
  readonly tally: TlsTally
  readonly context: Pick<TransferContext, 'meter' | 'emit'>
  /** Ends the questions to other sources. */
  readonly signal: AbortSignal
  /** Told when bytes that were written do not count any more. */
  readonly onGivenUp: () => Promise<void>
}

export class Trust {
  readonly #options: TrustOptions
  /** Disputes between sources are settled one after another. */
  #settling: Promise<unknown> = Promise.resolve()
  #comparison: Promise<void> = Promise.resolve()
  /** It waits for the one before, and has not looked at anything yet. */
  #nextComparison: Promise<void> | undefined

  constructor(options: TrustOptions) {
    this.#options = options
  }

  /** Compares the seams whose both sides are there. Rejects where the source that lies cannot be told, or replaced. */
  compare(): Promise<void> {
    // Of all workers that ask while a comparison is under way the next one serves all.
    if (this.#nextComparison !== undefined) return this.#nextComparison
    const next = this.#comparison
      .catch(() => {}) // Told to those who waited for it.
      .then(() => {
        this.#nextComparison = undefined
        return this.#compareNow()
      })
    this.#nextComparison = next
    this.#comparison = next
    return next
  }

  /** Every seam that is left, now that all is written. */
  async compareLast(): Promise<void> {
    const { board, file } = this.#options
    if (!(await compareSeams(board.jobs, file))) throw new Error('A seam was left uncompared')
    board.settle()
  }

  /** Whether a failure is settled by not believing one of several sources. */
  async isMirrorsFault(source: Source, error: unknown): Promise<boolean> {
    if (error instanceof SeamDisagreement) return this.#settled(error)
    if (!(error instanceof RestartDistrusted) || !this.#options.roster.hasOther(source)) return false
    await this.#distrust(source, error)
    return true
  }

  async #compareNow(): Promise<void> {
    const { board, file } = this.#options
    for (;;) {
      try {
        await compareSeams(board.jobs, file)
        return
      } catch (error) {
        if (!(error instanceof SeamDisagreement) || !(await this.#settled(error))) throw error
      }
    }
  }

  /** Finds out which source brought the wrong bytes, and gives up what it brought; `false` if it cannot be said. */
  #settled(disagreement: SeamDisagreement): Promise<boolean> {
    const run = this.#settling.then(() => this.#settle(disagreement))
    this.#settling = run.catch(() => {})
    return run
  }

  async #settle(disagreement: SeamDisagreement): Promise<boolean> {
    const { board, roster, sources, tally, signal } = this.#options
    const { offset, bytes } = disagreement
    const range = { start: offset, end: offset + bytes.length }
    const first = disagreement.first as Source | undefined
    const seconds = disagreement.second === undefined ? board.sourcesOf(range) : [disagreement.second]
    // One of the two was found out meanwhile, and what it brought is not there any more.
    if (first?.isDistrusted === true || seconds === undefined) return true
    const second = (seconds.find((one) => one !== first) ?? first) as Source | undefined
    if (second?.isDistrusted === true) return true
    if (first === undefined || second === undefined) return false
    if (first === second && !roster.hasOther(first)) return false
    const liar =
      first === second
        ? first
        : ([first, second].find((party) => party.dropped !== undefined) ??
          (await whoLies(
            { offset, bytes, first, second },
            sources,
            roster.live.filter((one) => one !== first && one !== second),
            (tls) => tally.add(tls),
            signal,
          )))
    await this.#distrust(liar, disagreement)
    return true
  }

  async #distrust(source: Source, error: Error): Promise<void> {
    const { board, roster, context, onGivenUp } = this.#options
    if (source.dropped === undefined && !roster.drop(source, 'content', error)) throw error
    giveUp(board, source, `${source.url} is not believed: ${error.message}`, context)
    await onGivenUp()
  }
}
