/** What a queue tells: one readonly object per event. */
import type { QueuedTransfer, QueuedTransferState } from './queue-item.ts'
import type { Transfer } from './transfer.ts'

interface OfItem {
  readonly item: QueuedTransfer<unknown>
}

/** How many have ended, and how, since the queue was last idle. */
export interface QueueTotals {
  readonly complete: number
  readonly failed: number
  readonly cancelled: number
}

export interface TransferQueueEvents {
  readonly state: OfItem & { readonly state: QueuedTransferState; readonly previous: QueuedTransferState }
  /** It has got its first place. What listens to the transfer from now on misses nothing. */
  readonly start: OfItem & { readonly transfer: Transfer<unknown> }
  readonly complete: OfItem & { readonly result: unknown }
  /** The queue goes on. */
  readonly failed: OfItem & { readonly error: unknown }
  readonly cancelled: OfItem & { readonly reason: unknown }
  /** The last one is over, and its event has brought no new one. */
  readonly idle: QueueTotals
}

export type QueueOutcome =
  | { readonly state: 'complete'; readonly result: unknown }
  | { readonly state: 'failed'; readonly error: unknown }
  | { readonly state: 'cancelled'; readonly reason: unknown }
