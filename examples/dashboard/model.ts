/** What the server and the page say to each other: plain data, and never a password towards the page. */

export type Security = 'none' | 'explicit' | 'implicit'

/** Who logs in where. */
export interface Login {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly security: Security
}

export interface SavedConnection extends Login {
  readonly name: string
  readonly hasPassword: boolean
}

/** The server that is looked at. */
export interface Visit {
  readonly login: Login
  readonly welcome: string
  /** `undefined` in clear. */
  readonly tls: string | undefined
  /** Where the login leads. */
  readonly path: string
}

export type TransferState =
  | 'locked'
  | 'scheduled'
  | 'queued'
  | 'connecting'
  | 'transferring'
  | 'paused'
  | 'verifying'
  | 'hashing'
  | 'complete'
  | 'failed'
  | 'stopped'

export interface Checksum {
  readonly algorithm: string
  readonly value: string
  readonly outcome: 'computed' | 'matched' | 'differs'
  /** Whose value it was compared with. */
  readonly origin: 'expected' | 'server' | undefined
}

/** `[start, end, position]`, in bytes. */
export type Segment = readonly [number, number, number]

export interface TransferView {
  readonly id: string
  readonly state: TransferState
  readonly login: Login
  readonly remote: string
  /** Below the folder of the dashboard, with slashes. */
  readonly target: string
  readonly priority: number
  /** ISO 8601. */
  readonly startAt: string | undefined
  readonly bytesPerSecondLimit: number | undefined
  readonly expected: string | undefined
  readonly bytes: number
  readonly total: number | undefined
  readonly bytesPerSecond: number
  readonly averageBytesPerSecond: number
  readonly etaSeconds: number | undefined
  readonly elapsedSeconds: number
  readonly activeConnections: number
  readonly segments: readonly Segment[]
  readonly checksum: Checksum | undefined
  readonly error: string | undefined
}

export interface Settings {
  /** Connections for each file, 1 to 16. */
  readonly connections: number
  /** Seconds after which a connection is given up for a new one, 10 to 300; 0: never. */
  readonly rotateSeconds: number
  /** For each server; 0: no limit. */
  readonly bytesPerSecond: number
  /** Files at once. */
  readonly concurrency: number
}

/** An event of the stream: what is not in it has not changed. */
export interface Changes {
  readonly folder?: string
  readonly visit?: Visit | null
  readonly saved?: readonly SavedConnection[]
  readonly settings?: Settings
  readonly isPaused?: boolean
  /** Everything that is known is in `transfers`; others are gone. */
  readonly isWhole?: boolean
  readonly transfers?: readonly TransferView[]
  readonly removed?: readonly string[]
  /** Bytes per second, each half a second long, oldest first. */
  readonly samples?: readonly number[]
}

export const SAMPLE_MS = 500
/** Three minutes. */
export const SAMPLES = 360

/** `[type, name, size, modified (milliseconds since 1970), precision]`. */
export type Row = readonly [
  'file' | 'directory' | 'symlink' | 'other',
  string,
  number | null,
  number | null,
  'millisecond' | 'second' | 'minute' | 'day' | null,
]

/** A line of a listing as it is streamed. */
export type ListingLine = readonly Row[] | { readonly error: Failure } | { readonly end: true }

/** An answer that is no success. */
export interface Failure {
  readonly code: string
  readonly message: string
}

/** What is to be fetched. */
export interface Wanted {
  readonly path: string
  readonly name: string
  readonly type: Row[0]
}
