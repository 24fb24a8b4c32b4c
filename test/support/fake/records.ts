/** One RETR, as it went. */
export interface Retrieval {
  /** Number of the control connection. */
  readonly connection: number
  /** Number of the RETR on this server, from 0. */
  readonly number: number
  readonly path: string
  /** What REST asked for, and where the transfer began. */
  readonly offset: number
  readonly start: number
  bytesSent: number
  outcome: 'running' | 'complete' | 'cut by the client' | 'cut by the server' | 'refused'
}

/** One data connection that was accepted. */
export interface DataRecord {
  readonly connection: number
  /** `undefined` in clear. */
  readonly reused: boolean | undefined
  /** Equal for two connections that offered the same TLS ticket. */
  readonly ticket: string | undefined
}

export interface Login {
  readonly connection: number
  readonly user: string
  readonly accepted: boolean
}
