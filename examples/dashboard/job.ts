/** One transfer of the dashboard: what is written down of it, and what runs for it now. Decides nothing. */
import type { DownloadResult, QueuedTransfer, TransferProgress } from 'octoftp'
import type { TransferRecord } from './transfer-record.ts'
import type { Segment, TransferState, TransferView } from './model.ts'

export interface Job {
  record: TransferRecord
  /** In the queue; `undefined` while it waits for a login, and when it is over. */
  item: QueuedTransfer<DownloadResult> | undefined
  /** What was last known of how far it is. */
  progress: TransferProgress | undefined
  /** Counts up with every change that the page has to hear of. */
  version: number
  /** Settles, never rejects, when nothing of it runs any more. */
  ended: Promise<unknown>
}

/** Whether its view changes by itself. */
export function isMoving(job: Job): boolean {
  return job.item?.state === 'running'
}

function stateOf({ record: { outcome }, item }: Job): TransferState {
  if (outcome?.state === 'complete') return outcome.checksum === undefined ? 'hashing' : 'complete'
  if (outcome !== undefined) return outcome.state
  switch (item?.state) {
    case undefined:
      return 'locked'
    case 'running':
      return runningState(item.transfer?.state)
    case 'scheduled':
    case 'queued':
    case 'paused':
      return item.state
    case 'complete':
      return 'hashing'
    case 'failed':
    case 'cancelled':
      return 'stopped'
  }
}

function runningState(state: string | undefined): TransferState {
  return state === 'transferring' || state === 'verifying' || state === 'paused' ? state : 'connecting'
}

export function viewOf(job: Job): TransferView {
  const { record, item, progress } = job
  const { id, login, remote, target, priority, startAt, expected, outcome } = record
  const isRunning = item?.state === 'running'
  const done = outcome?.state === 'complete' ? outcome : undefined
  return {
    ...{ id, login, remote, target, priority, startAt, expected },
    state: stateOf(job),
    bytesPerSecondLimit: record.bytesPerSecond === 0 ? undefined : record.bytesPerSecond,
    bytes: progress?.bytes ?? record.bytes,
    total: progress?.total ?? record.total,
    bytesPerSecond: isRunning ? (progress?.bytesPerSecond ?? 0) : 0,
    averageBytesPerSecond: done?.averageBytesPerSecond ?? progress?.averageBytesPerSecond ?? 0,
    etaSeconds: isRunning ? progress?.etaSeconds : undefined,
    elapsedSeconds: done?.elapsedSeconds ?? record.elapsedSeconds + (item?.progress?.elapsedSeconds ?? 0),
    activeConnections: isRunning ? (progress?.activeConnections ?? 0) : 0,
    segments: (progress?.segments ?? []).map(({ start, end, position }): Segment => [start, end, position]),
    checksum: done?.checksum,
    error: outcome?.state === 'failed' ? outcome.error : undefined,
  }
}
