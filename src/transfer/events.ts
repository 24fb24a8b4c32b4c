/** What a transfer tells while it runs: one readonly object per event. */
import { expectFunction, optionsObject, type OptionNames } from '../util/validate.ts'

/**
 *   queued → connecting → transferring ⇄ paused, then verifying → complete
 *      └──────────┴────────────┴────────────┴──────► failed, cancelled
 */
export type TransferState =
  'queued' | 'connecting' | 'transferring' | 'paused' | 'verifying' | 'complete' | 'failed' | 'cancelled'

/** How far a segment is. */
export interface SegmentProgress {
  /** Byte offsets, half open: `[start, end)`. */
  readonly start: number
  /** The byte behind its last one. */
  readonly end: number
  /** The offset up to which its bytes have arrived. */
  readonly position: number
  /** Over the last seconds. */
  readonly bytesPerSecond: number
}

/** How many files of a mirror are done. */
export interface FilesProgress {
  /** Files brought over, or found equal. */
  readonly done: number
  /** Files that could not be. */
  readonly failed: number
  /** All that were found so far. */
  readonly found: number
}

/** A snapshot. */
export interface TransferProgress {
  /** Bytes that will be kept. Falls only with a `restart` event. */
  readonly bytes: number
  /** The size of the whole in bytes; `undefined` where the server does not tell. */
  readonly total: number | undefined
  /** `bytes / total`, from 0 to 1; `undefined` where the total is. */
  readonly fraction: number | undefined
  /** Over the last seconds. */
  readonly bytesPerSecond: number
  /** What this run has brought, over {@link elapsedSeconds} without the time spent paused. */
  readonly averageBytesPerSecond: number
  /** At the present speed; `undefined` where it cannot be said. */
  readonly etaSeconds: number | undefined
  /** Since the transfer began, connecting and logging in included. */
  readonly elapsedSeconds: number
  /** Of a mirror, as far as the trees are known. `undefined` for a single file. */
  readonly files: FilesProgress | undefined
  /** Data connections at work now. */
  readonly activeConnections: number
  /** Of all of the file: what is done, and each segment that is not. */
  readonly segments: readonly SegmentProgress[]
}

/** The events of a transfer, by name. */
export interface TransferEvents {
  /** It enters another state. */
  readonly state: {
    /** The new one. */
    readonly state: TransferState
    /** The one before. */
    readonly previous: TransferState
  }
  /** At most ten a second, and always a last one. */
  readonly progress: TransferProgress
  /** A connection begins or ends a segment, or takes one over. */
  readonly segment: {
    /** `'split'`: the connection had nothing left to do and takes over what another had, or nobody yet. */
    readonly type: 'start' | 'split' | 'finish'
    /** Which of the transfer's connections works on it, from 0. */
    readonly connection: number
    /** Its first byte. */
    readonly start: number
    /** The byte behind its last one. */
    readonly end: number
    /** Bytes that this connection brought. */
    readonly bytes: number
    /** Its TLS facts, once known. */
    readonly tls:
      | {
          /** `'TLSv1.3'` or `'TLSv1.2'`. */
          readonly protocol: string
          /** Whether the session of the control connection was resumed. */
          readonly resumed: boolean
        }
      | undefined
  }
  /** A connection joins, is replaced, is lost, or is refused. */
  readonly connection: {
    /**
     * `'open'`: one more has a session and begins. `'rotate'`: it goes on with a new session (`rotateAfter`). `'lost'`: it failed, and what it was fetching is tried again.
     * `'refused'`: the server lets no more connections in, and the work goes on with those there are.
     */
    readonly type: 'open' | 'rotate' | 'lost' | 'refused'
    /** Which of the transfer's connections, from 0; `undefined` for one that never came about. */
    readonly connection: number | undefined
    /** Why it was lost or refused. */
    readonly error: unknown
  }
  /** One of several mirrors is not used any more. */
  readonly source: {
    /** Always the same. */
    readonly type: 'dropped'
    /** `ftp://host:port/path`, without user and password. */
    readonly url: string
    /**
     * `'size'`, `'modified'`, `'checksum'`: it says that its file is another one than that of the others.
     * `'content'`: it sent other bytes than the others. `'changed'`: its file changed meanwhile. What those two and
     * a wrong checksum of the whole cast doubt on is fetched again. `'failed'`: it could not be reached, refused,
     * or broke off again and again. `'slow'`: its connections are of more use elsewhere.
     */
    readonly reason: 'size' | 'modified' | 'checksum' | 'content' | 'changed' | 'failed' | 'slow'
    /** What went wrong with it, where something did. */
    readonly error: unknown
  }
  /** Bytes that had counted are given up and fetched again. */
  readonly restart: {
    /** The first byte that is given up. */
    readonly start: number
    /** The byte behind the last one. */
    readonly end: number
    /** For people. */
    readonly reason: string
  }
  /** A part failed and is tried again after `delayMs`. */
  readonly retry: {
    /** Counted from 1. */
    readonly attempt: number
    /** In milliseconds. */
    readonly delayMs: number
    /** What went wrong. */
    readonly error: unknown
  }
  /** Of a mirror. */
  readonly entry: MirrorEntryEvent
  /** A check was made, or could not be. */
  readonly verify: {
    /** Which one. */
    readonly check: 'size' | 'modified' | 'checksum'
    /** One that does not match is an error, and no event. */
    readonly outcome: 'matched' | 'unavailable' | 'not asked'
  }
}

/** What became of one name in a mirror. */
export interface MirrorEntryEvent {
  /** `'equal'`: it was the same on both sides. `'list'`: a directory that could not be listed. */
  readonly action: 'transfer' | 'make-directory' | 'link' | 'delete' | 'equal' | 'skip' | 'refuse' | 'list'
  /** Relative to the roots, names separated by `/`; `''` for the roots themselves. */
  readonly path: string
  /** What became of it. */
  readonly outcome: 'done' | 'skipped' | 'failed'
  /** Of a failure. */
  readonly error: unknown
}

/** Tells an event to whoever listens. Lower layers are given this, never the emitter. */
export type EmitTransferEvent = <Name extends keyof TransferEvents>(
  name: Name,
  event: TransferEvents[Name],
) => void

/** Listeners given as an option: attached before anything happens. */
export type TransferListeners = {
  readonly [Name in keyof TransferEvents]?: ((event: TransferEvents[Name]) => void) | undefined
}

const EVENTS: OptionNames<TransferListeners> = {
  state: true,
  progress: true,
  segment: true,
  connection: true,
  source: true,
  restart: true,
  retry: true,
  verify: true,
  entry: true,
}

/** Checks the option `on`. Throws a `TypeError` that names what is wrong in it. */
export function checkedListeners(on: TransferListeners | undefined): TransferListeners {
  const given = optionsObject(on, 'on', EVENTS)
  for (const name of Object.keys(given)) expectFunction(given, `on.${name}`)
  return given
}
