/** What a queue tells: one readonly object per event. */
import type { QueuedTransfer, QueuedTransferState } from './queue-item.ts'
import type { Transfer } from './transfer.ts'

interface OfItem {
  readonly item: QueuedTransfer<unknown>
}

/** How many have ended, and how, since the queue was last idle. */
export interface QueueTotals {
  /** Transfers that gave their result. */
  readonly complete: number
  /** Transfers that failed, or could not be started. */
  readonly failed: number
  /** Items that were cancelled. */
  readonly cancelled: number
}

/** The events of a queue, by name. */
export interface TransferQueueEvents {
  /** An item enters another state. */
  readonly state: OfItem & {
    /** The new one. */
    readonly state: QueuedTransferState
    /** The one before. */
    readonly previous: QueuedTransferState
  }
  /** It has got its first place. What listens to the transfer from now on misses nothing. */
  readonly start: OfItem & {
    /** What the function has made. */
    readonly transfer: Transfer<unknown>
  }
  /** An item has come to its end. */
  readonly complete: OfItem & {
    /** That of its transfer. */
    readonly result: unknown
  }
  /** The queue goes on. */
  readonly failed: OfItem & {
    /** That of its transfer, or of the function. */
    readonly error: unknown
  }
  /** An item was cancelled. */
  readonly cancelled: OfItem & {
    /** By which it rejects. */
    readonly reason: unknown
  }
  /** The last one is over, and its event has brought no new one. */
  readonly idle: QueueTotals
}

export type QueueOutcome =
  | { readonly state: 'complete'; readonly result: unknown }
  | { readonly state: 'failed'; readonly error: unknown }
  | { readonly state: 'cancelled'; readonly reason: unknown }
