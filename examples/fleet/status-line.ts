/** How far a mirror is, in a line. */
import { heldConnections } from './connection-lease.ts'
import type { MirrorQueue, Totals } from './mirror-queue.ts'

export interface Status extends Totals {
  readonly atMs: number
  readonly waiting: number
  readonly active: number
  /** Those that failed, and are tried again later. */
  readonly delayed: number
  readonly dead: number
  readonly workers: number
  readonly connections: number
}

export async function statusOf(mirror: MirrorQueue): Promise<Status> {
  const { host } = await mirror.facts()
  const counts = await mirror.queue.getJobCounts('waiting', 'active', 'delayed', 'failed')
  const { waiting = 0, active = 0, delayed = 0, failed: dead = 0 } = counts
  const held = await heldConnections(mirror.redis, host)
  return {
    ...(await mirror.totals()),
    atMs: Date.now(),
    ...{ waiting, active, delayed, dead },
    workers: held.size,
    connections: [...held.values()].reduce((sum, count) => sum + count, 0),
  }
}

/** @param before for the rate; none is shown without */
export function statusLine(now: Status, before?: Status): string {
  const { directories, files, equal, bytes, waiting, active, delayed, dead, workers, connections } = now
  return [
    `${directories} directories, ${files} files brought, ${equal} equal`,
    `${megabytes(bytes)} MB${before === undefined ? '' : ` (${rate(now, before)})`}`,
    `jobs: ${active} active, ${waiting} waiting, ${delayed} to be retried, ${dead} dead`,
    `${workers} workers, ${connections} connections`,
  ].join('; ')
}

function rate(now: Status, before: Status): string {
  const seconds = Math.max(1, now.atMs - before.atMs) / 1_000
  const files = Math.round((now.files - before.files) / seconds)
  return `${megabytes((now.bytes - before.bytes) / seconds)} MB/s, ${files} files/s`
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
