/**
 * A range of a file: brought to its place in the file that comes together, and whoever brings the last one publishes it.
 *
 * A range tells what the bytes at its start are, and what came behind its end: where the next one begins with others,
 * one of both is from elsewhere (a server that answers 350 and starts where it likes), and nothing is published.
 */
import { createHash } from 'node:crypto'
import { FtpTransferError } from '../errors.ts'
import { RangeParts, type RangeNote, type WrittenRange } from '../local/range-parts.ts'
import { RemoteReadStream } from '../operations/read-stream.ts'
import { withSession } from '../operations/with-session.ts'
import { expectUnchanged } from '../segmented/source-facts.ts'
import { sizeAndModificationTime, type FileFacts } from '../session/facts.ts'
import type { SourcePlace } from '../segmented/source.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import { delay } from '../util/timer.ts'
import { compareFiles } from './compare-files.ts'
import { rangeKey, type RangeJob, type RangeJobResult } from './job.ts'
import type { MirrorRequest, MirrorWorks } from './mirror.ts'

/** So many bytes at each end are told by what they are. */
const SEAM_BYTES = 4_096
/** So many bytes are one write. */
const WRITE_BYTES = 2 ** 20

/** For another to publish the file, which is on the disk already. */
const LOOK_MS = 250
const MOST_LOOKS = 100

export async function runRangeJob(
  job: RangeJob,
  works: MirrorWorks,
  request: MirrorRequest,
  context: TransferContext,
): Promise<RangeJobResult> {
  const target = await works.local.place(job.file.path)
  const parts = new RangeParts(target.path, rangeKey(job), job.count)
  const work = new RangeWork(job, works, request, context)
  if (await work.isFileThere()) {
    await parts.discard()
    return { type: 'range', bytes: 0, isFileWhole: true }
  }
  const isThere = (await parts.note(job.index)) !== undefined
  const bytes = isThere ? 0 : await work.bring(parts)
  const notes = await parts.notes()
  if (notes === undefined) return { type: 'range', bytes, isFileWhole: false }
  await work.publish(parts, notes, target.settle)
  return { type: 'range', bytes, isFileWhole: true }
}

class RangeWork {
  readonly #job: RangeJob
  readonly #works: MirrorWorks
  readonly #request: MirrorRequest
  readonly #context: TransferContext
  constructor(job: RangeJob, works: MirrorWorks, request: MirrorRequest, context: TransferContext) {
    this.#job = job
    this.#works = works
    this.#request = request
    this.#context = context
  }

  /** Where the file is: absolute once a session has told of its home. */
  get #place(): SourcePlace {
    const { remote, sessions } = this.#works
    return { ...this.#request.place(remote.path(this.#job.file.path)), pool: sessions }
  }

  /** Whether the target is the file already. */
  async isFileThere(): Promise<boolean> {
    const { path, size, modifiedMs, precision } = this.#job.file
    const there = await this.#works.local.look(path)
    if (there?.type !== 'file') return false
    const { keepsTimes } = this.#works.direction
    const how = { compare: 'size+modified', keepsTimes } as const
    return compareFiles({ size, modifiedMs, precision }, there, how).type === 'equal'
  }

  /** Gives how many bytes that were. */
  async bring(parts: RangeParts): Promise<number> {
    const { index, start, end } = this.#job
    const { signal, meter } = this.#context
    const progress = { start, end, arrived: start }
    meter.total = end - start
    meter.segments = () => [progress]
    this.#context.enter('connecting')
    const before = await this.#expectPlanned(parts)
    this.#context.enter('transferring')
    await parts.write(index, signal, async (range) => {
      meter.connectionStarted()
      const seams = await this.#fetch(range, progress).finally(() => meter.connectionEnded())
      expectUnchanged(before, await this.#facts(), this.#place.shownPath)
      await range.done({ ...seams, modifiedMs: before.modified?.getTime() ?? null })
    })
    return end - start
  }

  /** @param settle what whoever has given the file a name does behind that */
  async publish(parts: RangeParts, notes: readonly RangeNote[], settle: () => Promise<void>): Promise<void> {
    this.#context.enter('verifying')
    const wrong = whyNotOne(notes)
    if (wrong !== undefined) {
      await parts.discard()
      const message = `The ranges of ${this.#place.shownPath} are not of one file: ${wrong}`
      const path = this.#place.shownPath
      throw new FtpTransferError('ERR_FTP_SOURCE_CHANGED', message, { path, retryable: true })
    }
    const { preserveModified } = this.#request.settings
    const told = notes[0]?.['modifiedMs'] ?? this.#job.file.modifiedMs
    const modified = preserveModified && typeof told === 'number' ? new Date(told) : undefined
    if (await this.#publishes(parts, modified)) await settle()
    await parts.discard()
  }

  /** Of several who find all ranges there at once the others wait for the first: it may come to nothing. */
  async #publishes(parts: RangeParts, modified: Date | undefined): Promise<boolean> {
    const { signal } = this.#context
    const { size } = this.#job.file
    for (let looks = 0; (await parts.publish(size, modified, signal)) !== 'done'; looks += 1) {
      if (await this.isFileThere()) return false
      if (looks === MOST_LOOKS) {
        const message = `Cannot write ${parts.target}: what had come together is not there, or in another's hands`
        throw new FtpTransferError('ERR_FTP_LOCAL_FILE', message, { path: parts.target, retryable: true })
      }
      await delay(LOOK_MS, signal)
    }
    return true
  }

  /** Of a source that is no longer as it was planned nothing is of use. */
  async #expectPlanned(parts: RangeParts): Promise<FileFacts> {
    const { size, modifiedMs, precision } = this.#job.file
    const facts = await this.#facts()
    const isExact = precision === 'second' || precision === 'millisecond'
    const modified = isExact && modifiedMs !== undefined ? new Date(modifiedMs) : undefined
    try {
      expectUnchanged({ size, modified }, facts, this.#place.shownPath)
    } catch (error) {
      await parts.discard()
      throw error
    }
    return facts
  }

  async #facts(): Promise<FileFacts> {
    const { retry } = this.#request
    const { signal } = this.#context
    const { sessions, remote } = this.#works
    const { lease, value } = await withSession(sessions, { signal, retry }, async (session) => {
      await remote.settle(session)
      return sizeAndModificationTime(session, this.#place.remote)
    })
    lease.release()
    return value
  }

  async #fetch(range: WrittenRange, progress: { arrived: number }): Promise<Seams> {
    const { start, end, file } = this.#job
    const last = Math.min(file.size, end + SEAM_BYTES)
    const stream = new RemoteReadStream(this.#place, { start, end: last }, this.#context.signal, WRITE_BYTES)
    const seams = new SeamReader(start, end)
    let waiting: Buffer[] = []
    let waitingBytes = 0
    const write = async (): Promise<void> => {
      if (waiting.length > 0) await range.write(waiting, progress.arrived)
      progress.arrived += waitingBytes
      waiting = []
      waitingBytes = 0
    }
    let at = start
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      seams.take(chunk, at)
      const own = chunk.subarray(0, Math.max(0, end - at))
      at += chunk.length
      if (own.length > 0) waiting.push(own)
      waitingBytes += own.length
      if (waitingBytes >= WRITE_BYTES) await write()
    }
    await write()
    if (at !== last) throw truncated(this.#place.shownPath, last - start, at - start)
    return seams.told
  }
}

/** By SHA-256. */
interface Seams {
  /** The first bytes of the range. */
  readonly head: string
  /** What came behind its end: the first bytes of the next one. */
  readonly behind: string
}

/** Reads the bytes at both ends as they go by. */
class SeamReader {
  readonly #start: number
  readonly #end: number
  readonly #head = createHash('sha256')
  readonly #behind = createHash('sha256')

  constructor(start: number, end: number) {
    this.#start = start
    this.#end = end
  }

  /** Bytes that are at `position` in the file. */
  take(chunk: Buffer, position: number): void {
    const cut = (from: number, to: number): Buffer =>
      chunk.subarray(Math.max(0, from - position), Math.max(0, to - position))
    this.#head.update(cut(this.#start, Math.min(this.#end, this.#start + SEAM_BYTES)))
    this.#behind.update(cut(this.#end, this.#end + SEAM_BYTES))
  }

  get told(): Seams {
    return { head: this.#head.digest('hex'), behind: this.#behind.digest('hex') }
  }
}

/** `undefined` if all ranges are of one file. */
function whyNotOne(notes: readonly RangeNote[]): string | undefined {
  for (const [index, { modifiedMs, behind }] of notes.entries()) {
    const next = notes[index + 1]
    if (next === undefined) break
    if (modifiedMs !== next['modifiedMs']) return 'its modification time was another one between them'
    if (behind !== next['head'])
      return `the bytes where range ${index + 1} begins are others in range ${index}`
  }
  return undefined
}

function truncated(path: string, expected: number, actual: number): FtpTransferError {
  const message = `${path} ended after ${actual} of the ${expected} bytes of a range`
  return new FtpTransferError('ERR_FTP_TRUNCATED', message, { path, expected, actual, retryable: true })
}
