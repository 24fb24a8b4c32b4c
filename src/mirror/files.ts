/**
 * The files of a mirror: small ones go one behind the other in lanes, large ones in segments, the largest first so that
 * no straggler is left for the end. What cannot be done in a lane is done by itself.
 */
import type { Transfer, TransferContext } from '../transfer/transfer.ts'
import type { Action, CompareChecksumAction, TransferAction } from './action.ts'
import type { Work } from './balance.ts'
import type { Direction } from './direction.ts'
import type { Lanes, LaneTask } from './lanes.ts'
import type { MirrorSettings } from './mirror-options.ts'
import type { MirrorFailure } from './mirror-result.ts'
import { settleChecksum } from './settle-checksum.ts'
import { Shares, type Share } from './shares.ts'
import type { Tally } from './tally.ts'

/** A file up to this size is brought over in one piece, in memory; a larger one with a journal, and in segments. */
const SMALL_BYTES = 1_048_576

export type FileAction = TransferAction | CompareChecksumAction

export interface FilesOptions {
  readonly direction: Direction
  readonly settings: MirrorSettings
  readonly context: TransferContext
  readonly lanes: Lanes
  readonly tally: Tally
  /** How many small ones may be done by themselves at once. */
  readonly atOnce: () => number
  /** Told what is to become of a file whose checksums have been compared. */
  readonly onSettled: (action: Action) => void
  readonly onFailed: (failure: MirrorFailure) => void
  /** Told when another one is done. */
  readonly onProgress: () => void
  /** Told of what ends all of the work. */
  readonly onFailure: (error: unknown) => void
}

export class Files {
  readonly #options: FilesOptions
  /** The largest first. */
  readonly #large: TransferAction[] = []
  readonly #shares = new Shares(1)
  /** Bytes of large files that have been found, and of those that are done with. */
  #largeFound = 0
  #largeDone = 0
  /** Those under way. A pause stops them; a small one comes to its end sooner. */
  readonly #largeTransfers = new Set<Transfer<unknown>>()
  /** Small ones that are brought over by themselves, and files whose checksums are to be compared. */
  readonly #single: FileAction[] = []
  #singleRunning = 0
  readonly #singleTransfers = new Set<Transfer<unknown>>()
  #smallDone = 0

  constructor(options: FilesOptions) {
    this.#options = options
  }

  /** How many sessions there are for large files. */
  set sessionsForLarge(sessions: number) {
    this.#shares.sessions = sessions
  }

  /** Beside those in lanes. */
  get waiting(): number {
    return this.#large.length + this.#single.length
  }

  get hasLarge(): boolean {
    return this.#large.length > 0 || this.#shares.taken > 0
  }

  /** Small ones that are not in lanes. */
  get hasSingle(): boolean {
    return this.#single.length > 0 || this.#singleRunning > 0
  }

  get small(): Work {
    const left = this.#options.lanes.backlog + this.#single.length + this.#singleRunning
    return { done: this.#smallDone, left }
  }

  /** Bytes. */
  get large(): Work {
    const done = this.#largeDone + bytesOf(this.#largeTransfers)
    return { done, left: Math.max(0, this.#largeFound - done) }
  }

  /** Of files that are not whole yet. */
  get bytesUnderWay(): number {
    return bytesOf(this.#largeTransfers) + bytesOf(this.#singleTransfers)
  }

  add(action: FileAction): void {
    const { settings, tally, lanes } = this.#options
    const { size = 0 } = action
    tally.found(settings.dryRun ? 0 : size)
    if (settings.dryRun) return
    if (action.type === 'compare-checksum') this.#single.push(action)
    else if (isLarge(action)) {
      const at = this.#large.findIndex((other) => (other.size ?? 0) < size)
      this.#large.splice(at === -1 ? this.#large.length : at, 0, action)
      this.#largeFound += size
    } else lanes.add(this.#smallFile(action), false)
  }

  /** As many of those that wait as may be under way. */
  start(): void {
    while (this.#shares.taken < this.#shares.sessions) {
      const action = this.#large.shift()
      if (action === undefined) break
      const share = this.#shares.join(action.size ?? 0)
      this.#run(this.#bring(action, share), () => {
        share.leave()
        this.#largeDone += action.size ?? 0
      })
    }
    while (this.#singleRunning < this.#options.atOnce()) {
      const action = this.#single.shift()
      if (action === undefined) break
      this.#singleRunning += 1
      const isCompared = action.type === 'compare-checksum'
      this.#run(isCompared ? this.#compare(action) : this.#bring(action, undefined), () => {
        this.#singleRunning -= 1
        this.#smallDone += 1
      })
    }
  }

  /** Tells when those that stop have stopped; the others come to their end. */
  pause(onStopped: () => void): void {
    for (const transfer of this.#largeTransfers) void transfer.pause().then(onStopped)
  }

  resume(): void {
    for (const transfer of this.#largeTransfers) transfer.resume()
  }

  get isPaused(): boolean {
    return this.#singleRunning === 0 && [...this.#largeTransfers].every(({ state }) => state === 'paused')
  }

  /** Resolves when nothing is under way any more. */
  async cancel(reason: unknown): Promise<void> {
    const transfers = [...this.#largeTransfers, ...this.#singleTransfers]
    for (const transfer of transfers) transfer.cancel(reason)
    await Promise.allSettled(transfers)
  }

  #smallFile(action: FileAction): LaneTask {
    const { direction, context, tally, onProgress } = this.#options
    const { path, size = 0 } = action
    return {
      ride: async (held) => {
        context.meter.connectionStarted()
        try {
          const ridden = await direction.rideFile(action, held)
          if (ridden === undefined) return undefined
          const done = ridden.rest.then(() => {
            this.#smallDone += 1
            tally.transferred(path, size)
          })
          return { rest: done }
        } finally {
          context.meter.connectionEnded()
        }
      },
      // Not in the lane: a transfer that is paused would hold it.
      alone: () => {
        this.#single.push(action)
        onProgress()
        return Promise.resolve()
      },
    }
  }

  #run(work: Promise<void>, over: () => void): void {
    const { onProgress, onFailure } = this.#options
    void work.then(() => {
      over()
      onProgress()
    }, onFailure)
  }

  /** By itself, with all that a single call does. */
  async #bring(action: FileAction, share: Share | undefined): Promise<void> {
    const { direction, context, tally } = this.#options
    const transfers = share === undefined ? this.#singleTransfers : this.#largeTransfers
    try {
      const transfer = direction.transfer(action, share)
      transfers.add(transfer)
      if (context.gate.isClosed) this.pause(this.#options.onProgress)
      await transfer.result.finally(() => transfers.delete(transfer))
      tally.transferred(action.path, transfer.progress.bytes)
    } catch (error) {
      this.#failed(action, error)
    }
  }

  async #compare(action: CompareChecksumAction): Promise<void> {
    const { direction, settings, tally, onSettled } = this.#options
    const { side, keepsTimes } = direction
    try {
      const outcome = await direction.compareByChecksum(action)
      tally.takeBack(action.size ?? 0)
      onSettled(settleChecksum(action, outcome, { settings, direction: side, keepsTimes }))
    } catch (error) {
      this.#failed(action, error)
    }
  }

  #failed({ path }: FileAction, error: unknown): void {
    this.#options.tally.fileFailed()
    this.#options.onFailed({ path, action: 'transfer', error })
  }
}

/** Larger ones are fetched in segments, with a journal; those of unknown size as well, since they may be. */
function isLarge({ size }: FileAction): boolean {
  return size === undefined || size > SMALL_BYTES
}

function bytesOf(transfers: ReadonlySet<Transfer<unknown>>): number {
  let bytes = 0
  for (const { progress } of transfers) bytes += progress.bytes
  return bytes
}
