/** Several transfers seen as one. Pure. */
import type { TransferProgress } from './events.ts'

/** All running transfers of a client together: a snapshot. */
export interface ClientProgress {
  /** How many transfers are running. */
  readonly transfers: number
  /** Bytes that will be kept. */
  readonly bytes: number
  /** Bytes in all; `undefined` where one of the totals is not known. */
  readonly total: number | undefined
  /** The speeds of the single transfers, added up. */
  readonly bytesPerSecond: number
  /** The averages of the single transfers, added up. */
  readonly averageBytesPerSecond: number
  /** At the present speed; `undefined` where it cannot be said. */
  readonly etaSeconds: number | undefined
  /** Since the first of them began. */
  readonly elapsedSeconds: number
  /** Data connections at work now. */
  readonly activeConnections: number
}

export function together(all: readonly TransferProgress[]): ClientProgress {
  const sum = (read: (progress: TransferProgress) => number): number =>
    all.reduce((total, progress) => total + read(progress), 0)
  const bytes = sum((progress) => progress.bytes)
  const bytesPerSecond = sum((progress) => progress.bytesPerSecond)
  const isTotalKnown = all.every(({ total }) => total !== undefined)
  const total = isTotalKnown ? sum((progress) => progress.total ?? 0) : undefined
  return {
    transfers: all.length,
    bytes,
    total,
    bytesPerSecond,
    averageBytesPerSecond: sum((progress) => progress.averageBytesPerSecond),
    etaSeconds: total === undefined ? undefined : secondsLeft(total - bytes, bytesPerSecond),
    elapsedSeconds: Math.max(0, ...all.map(({ elapsedSeconds }) => elapsedSeconds)),
    activeConnections: sum((progress) => progress.activeConnections),
  }
}

/** How long `bytesLeft` take at a speed; `undefined` where nothing moves. */
export function secondsLeft(bytesLeft: number, bytesPerSecond: number): number | undefined {
  if (bytesLeft <= 0) return 0
  return bytesPerSecond > 0 ? bytesLeft / bytesPerSecond : undefined
}
