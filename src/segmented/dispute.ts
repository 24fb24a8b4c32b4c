/** Two mirrors have brought the same bytes differently: which of them is not believed. */
import type { DataReceiver } from '../connection/receiver.ts'
import { retrieve, type RetrieveRequest } from '../session/retrieve.ts'
import { SegmentWriter } from './segment-writer.ts'
import type { Source } from './source.ts'
import { endLease } from '../operations/session-pool.ts'

export interface Dispute {
  readonly offset: number
  /** What `first` has brought. */
  readonly bytes: Uint8Array
  readonly first: Source
  readonly second: Source
}

/**
 * Asks the others for the same bytes, and gives the one of the two that fewer of them agree with; of equals, the
 * one that stands later in the list. Whoever cannot be asked has no vote.
 *
 * @param order all sources as the caller has listed them
 * @param witnesses those to be asked
 * @param onSecured told of the data connections by which they were
 */
export async function whoLies(
  { offset, bytes, first, second }: Dispute,
  order: readonly Source[],
  witnesses: readonly Source[],
  onSecured: NonNullable<RetrieveRequest['onSecured']>,
  signal: AbortSignal,
): Promise<Source> {
  const answers = await Promise.all(
    witnesses.map((witness) =>
      readRange(witness, offset, bytes.length, onSecured, signal).catch(() => undefined),
    ),
  )
  signal.throwIfAborted()
  const heard = answers.filter((answer) => answer !== undefined)
  const forFirst = heard.filter((answer) => Buffer.compare(answer, bytes) === 0).length
  const forSecond = heard.length - forFirst
  if (forFirst !== forSecond) return forFirst > forSecond ? second : first
  return order.indexOf(first) > order.indexOf(second) ? first : second
}

/** Some bytes of the file, into memory. */
async function readRange(
  source: Source,
  offset: number,
  length: number,
  onSecured: NonNullable<RetrieveRequest['onSecured']>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  const file = {
    write(chunk: Uint8Array, position: number, done: (error: undefined) => void): void {
      bytes.set(chunk, position - offset)
      done(undefined)
    },
  }
  const end = offset + length
  const more = Math.min(1, (source.facts.size ?? end) - end)
  const until = { end, overlapBytes: more }
  const writer = new SegmentWriter({ file, start: offset, until, known: new Uint8Array(0) })
  const receiver: DataReceiver = writer
  const lease = await source.acquire(signal)
  try {
    await retrieve(lease.value, {
      ...{ path: source.place.remote, type: 'I', offset, receiver, signal },
      isWhole: () => writer.isWhole,
      endsAtEnd: false,
      onSecured,
    })
    await writer.finish()
    lease.release()
  } catch (error) {
    endLease(lease, error)
    throw error
  }
  if (!writer.isWhole) throw new Error('It ended before')
  return bytes
}
