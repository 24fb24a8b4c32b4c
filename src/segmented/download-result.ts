/** What a download comes to. */
import type { ChecksumAlgorithm } from '../protocol/checksum.ts'
import type { DropReason } from './source.ts'
import type { TransferTls } from './tls-tally.ts'

/** `unavailable`: the server could not say. What does not match is an error, and never a result. */
export type VerifiedState = 'matched' | 'unavailable' | 'not asked'

/** What a download comes to. */
export interface DownloadResult {
  /** The absolute path of the file. */
  readonly path: string
  /** The size of the file. */
  readonly bytes: number
  /** Bytes that an earlier run had brought. */
  readonly resumedBytes: number
  /** Bytes that were fetched and given up, and so fetched more than once. */
  readonly refetchedBytes: number
  /** Bytes that were read past the ends of segments, to be compared with what stands there. */
  readonly overfetchedBytes: number
  /** Whether nothing was fetched, since a file stands at the target and `overwrite` is `'skip'`. */
  readonly skipped: boolean
  /** Since the call. */
  readonly elapsedSeconds: number
  /** What this run has brought, the time spent paused left out. */
  readonly averageBytesPerSecond: number
  /** The most data connections that worked at once. */
  readonly connections: number
  /** `undefined` for a plain connection. */
  readonly tls: TransferTls | undefined
  /** Which checks the server made possible. */
  readonly verified: {
    /** The bytes received against SIZE, before and after. */
    readonly size: VerifiedState
    /** MDTM before against MDTM after. */
    readonly modified: VerifiedState
    /** The checksums that were expected, and the server's own. */
    readonly checksum: VerifiedState
  }
  /** What matched; of several the caller's own, and of those the strongest. `undefined` where none was compared. */
  readonly checksum: MatchedChecksum | undefined
  /** Where the bytes are from, in the order of the call; one, unless mirrors were given. */
  readonly sources: readonly SourceResult[]
}

/** A checksum that was compared, and was the same. */
export interface MatchedChecksum {
  /** Which one. */
  readonly algorithm: ChecksumAlgorithm
  /** Hexadecimal, lower case. */
  readonly value: string
  /** Whose value it is that the file was compared with. */
  readonly origin: 'expected' | 'server'
}

/** What one source of a download has brought. */
export interface SourceResult {
  /** `ftp://host:port/path`, without user and password. */
  readonly url: string
  /** Bytes of the file that it has brought in this run. */
  readonly bytes: number
  /** Why it was not used to the end; `undefined` if it was. */
  readonly dropped: DropReason | undefined
}

/** Of a download that had nothing to do. */
export function skipped(path: string): DownloadResult {
  return {
    ...{ path, bytes: 0, resumedBytes: 0, refetchedBytes: 0, overfetchedBytes: 0, skipped: true },
    ...{ elapsedSeconds: 0, averageBytesPerSecond: 0, connections: 0, tls: undefined },
    verified: { size: 'not asked', modified: 'not asked', checksum: 'not asked' },
    checksum: undefined,
    sources: [],
  }
}
