/**
 * What can happen to a pool, and what has to be done about it: the vocabulary between the
 * {@link Ledger}, which decides, and the {@link Pool}, which acts. Data only.
 */

/** Names one call that waits for a resource. Given by the pool, never used twice. */
export type WaiterId = number

/** Names one resource, from the moment its opening begins. Given by the ledger, never used twice. */
export type ResourceId = number

/** How a resource is given up. `quit`: politely. `cut`: at once. A `cut` may follow an unfinished `quit`. */
export type CloseManner = 'quit' | 'cut'

/** Something that happened. Events for a resource or waiter that is gone are late, and mean nothing. */
export type LedgerEvent =
  | { readonly type: 'acquire'; readonly waiter: WaiterId }
  | { readonly type: 'cancel'; readonly waiter: WaiterId; readonly reason: unknown }
  | { readonly type: 'opened'; readonly resource: ResourceId }
  | {
      readonly type: 'openFailed'
      readonly resource: ResourceId
      readonly error: unknown
      /** Whether it may have been refused for being one too many. */
      readonly isRefusal: boolean
    }
  | { readonly type: 'checked'; readonly resource: ResourceId; readonly ok: boolean }
  | { readonly type: 'release'; readonly resource: ResourceId }
  /** Not to be used again: a leased one that its holder gives up, or one that a hook failed on. */
  | { readonly type: 'discard'; readonly resource: ResourceId; readonly reason: unknown }
  /** It died by itself; there is nothing left to close. */
  | { readonly type: 'lost'; readonly resource: ResourceId }
  /** The closing that a `close` effect began has ended. */
  | { readonly type: 'closed'; readonly resource: ResourceId }
  /**
   * A leased one is to be replaced: one more is opened, beyond the ceiling if need be, and given to `waiter` by
   * name, or to whoever is next. The old one is closed when it is released behind that.
   */
  | { readonly type: 'replace'; readonly resource: ResourceId; readonly waiter: WaiterId | undefined }
  /** Time has passed since a limit was met: one connection more may be tried. */
  | { readonly type: 'probe' }
  | { readonly type: 'setMax'; readonly max: number }
  | { readonly type: 'close' }
  | { readonly type: 'destroy'; readonly reason: unknown }

/** Something to do, in the order given. */
export type LedgerEffect =
  | { readonly type: 'open'; readonly resource: ResourceId }
  /** Give up an opening; it still answers `opened` or `openFailed`. */
  | { readonly type: 'abort'; readonly resource: ResourceId }
  | { readonly type: 'check'; readonly resource: ResourceId }
  | { readonly type: 'idle'; readonly resource: ResourceId; readonly isIdle: boolean }
  | {
      readonly type: 'close'
      readonly resource: ResourceId
      readonly how: CloseManner
      readonly reason: unknown
    }
  /** The resource is gone, or was never opened: no event or effect will name it again. */
  | { readonly type: 'forget'; readonly resource: ResourceId }
  | { readonly type: 'grant'; readonly waiter: WaiterId; readonly resource: ResourceId }
  | { readonly type: 'reject'; readonly waiter: WaiterId; readonly error: unknown }
  /** Turn the waiter away because the pool is closed. */
  | { readonly type: 'refuse'; readonly waiter: WaiterId }
  /** An opening was refused beside a live sibling: the ceiling is now this. */
  | { readonly type: 'limited'; readonly ceiling: number; readonly error: unknown }
  /** After `close` or `destroy`: nothing is left. Comes once; only `refuse` can follow. */
  | { readonly type: 'drained' }

/** How many there are of what, at one moment. */
export interface PoolStats {
  /** Logged in: idle, leased, or being checked. */
  readonly open: number
  /** Free for the next call. */
  readonly idle: number
  /** In use by a call, a stream or a session. */
  readonly leased: number
  /** Being opened, those included that were aborted and have not answered yet. */
  readonly opening: number
  /** On their way out. They count against `ceiling` until they are gone, as they do with the server. */
  readonly closing: number
  /** Calls that wait for a resource. */
  readonly waiting: number
  /** The cap that was asked for. */
  readonly max: number
  /** What is tried at present: `max`, or less after a refusal. */
  readonly ceiling: number
}
