/**
 * What the sources of a download say of the file, and which of them are taken at their word.
 *
 * All are asked at once. What most of them say of the size is believed, and of equals the first in the list; it
 * is that one with which the others have to agree:
 *
 *   another size                          dropped
 *   the same modification time            used
 *   another, or none                      used if its checksum is the same, dropped if that is another;
 *                                         where there is no checksum: another dropped, none used (its bytes are
 *                                         compared at the seams)
 *
 * Who answers late is not waited for, and joins when it has answered.
 */
import { FtpTransferError } from '../errors.ts'
import { CHECKSUM_ALGORITHMS, checksumCommands, type ChecksumAlgorithm } from '../protocol/checksum.ts'
import { NO_FEATURES } from '../protocol/features.ts'
import { checksumOf } from '../session/checksum.ts'
import { sizeAndModificationTime, type FileFacts } from '../session/facts.ts'
import type { Session } from '../session/session.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import { onAbort } from '../util/abort.ts'
import { delay } from '../util/timer.ts'
import { Roster, type DroppedSource } from './roster.ts'
import type { DropReason, Source } from './source.ts'

/** How long the others are waited for behind the first answer, and how many times as long as that one took. */
const GRACE_MS = 500
const GRACE_TIMES = 2
/** With others to go on with, one that fails is not tried as often as the only one would be. */
export const MIRROR_ATTEMPTS = 3

export interface GatherOptions {
  readonly sources: readonly Source[]
  /** Whether the sizes count; without them one connection fetches from one source. */
  readonly isSized: boolean
  /** Whether the modification times count. */
  readonly isDated: boolean
  /** Told of every source that is not used any more, now and later. */
  readonly onDropped: (dropped: DroppedSource) => void
}

export interface Gathered {
  /** The one with which the others have to agree. */
  readonly reference: Source
  readonly roster: Roster
  /** Ends the questions that are still open; resolves when they are. */
  stop(): Promise<void>
}

/** Rejects if no source can be asked: with the failure of the first. Sessions are left in `source.kept`. */
export async function gather(
  options: GatherOptions,
  context: Pick<TransferContext, 'signal' | 'emit'>,
): Promise<Gathered> {
  const { sources } = options
  const [only] = sources
  if (only !== undefined && sources.length === 1) {
    await learn(only, options, context, only.place.retry.attempts)
    return { reference: only, roster: new Roster([only], options.onDropped), stop: () => Promise.resolve() }
  }
  const gathering = new Gathering(options, context)
  try {
    return await gathering.begin()
  } catch (error) {
    await gathering.stop()
    throw error
  }
}

async function learn(
  source: Source,
  { isSized }: GatherOptions,
  context: Pick<TransferContext, 'signal' | 'emit'>,
  attempts: number,
): Promise<void> {
  const { remote, retry } = source.place
  const ask = (session: Session): Promise<FileFacts> => sizeAndModificationTime(session, remote)
  const { lease, value } = await source.ask(context, ask, { ...retry, attempts })
  source.facts = isSized ? value : { ...value, size: undefined }
  source.profile = lease.value.profile
  source.kept.keep(lease)
}

class Gathering {
  readonly #options: GatherOptions
  readonly #context: Pick<TransferContext, 'signal' | 'emit'>
  readonly #ending = new AbortController()
  readonly #stopListening: () => void
  readonly #answered = new Set<Source>()
  readonly #failures = new Map<Source, unknown>()
  readonly #tasks = new Set<Promise<void>>()
  /** By algorithm, the checksum that the reference tells. */
  readonly #referenceSums = new Map<ChecksumAlgorithm, Promise<string | undefined>>()
  #reference: Source | undefined
  #roster: Roster | undefined

  constructor(options: GatherOptions, context: Pick<TransferContext, 'signal' | 'emit'>) {
    this.#options = options
    this.#stopListening = onAbort(context.signal, (reason) => this.#ending.abort(reason))
    this.#context = { signal: this.#ending.signal, emit: context.emit }
  }

  async begin(): Promise<Gathered> {
    const { sources, onDropped } = this.#options
    const answers = sources.map((source) => this.#ask(source))
    for (const answer of answers) this.#track(answer)
    await this.#enoughOf(answers)
    const reference = elected(sources.filter((source) => this.#answered.has(source)))
    if (reference === undefined) throw sources.map((one) => this.#failures.get(one)).find((error) => error)
    this.#reference = reference
    this.#roster = new Roster([reference], onDropped)
    for (const [source, error] of this.#failures) onDropped({ source, reason: 'failed', error })
    for (const source of sources) if (this.#answered.has(source)) this.#track(this.#judge(source))
    return { reference, roster: this.#roster, stop: () => this.stop() }
  }

  async stop(): Promise<void> {
    this.#stopListening()
    this.#ending.abort(new Error('The questions are not needed any more'))
    await Promise.allSettled(this.#tasks)
  }

  #track(task: Promise<void>): void {
    const tracked = task.catch(() => {}).finally(() => this.#tasks.delete(tracked))
    this.#tasks.add(tracked)
  }

  /** All have answered, or one has and the others have had their time. */
  async #enoughOf(answers: readonly Promise<void>[]): Promise<void> {
    const beganAt = performance.now()
    const all = Promise.all(answers)
    const first = Promise.any(answers.map((answer, index) => answer.then(() => this.#expectAnswered(index))))
    await Promise.race([all, first.catch(() => {})])
    const graceMs = Math.max(GRACE_MS, (performance.now() - beganAt) * GRACE_TIMES)
    const grace = new AbortController()
    await Promise.race([all, delay(graceMs, grace.signal).catch(() => {})])
    grace.abort()
    this.#context.signal.throwIfAborted()
  }

  #expectAnswered(index: number): void {
    const source = this.#options.sources[index]
    if (source === undefined || !this.#answered.has(source)) throw new Error('It failed')
  }

  async #ask(source: Source): Promise<void> {
    try {
      await learn(source, this.#options, this.#context, MIRROR_ATTEMPTS)
      this.#answered.add(source)
      if (this.#roster !== undefined) await this.#judge(source)
    } catch (error) {
      if (this.#ending.signal.aborted) return
      this.#failures.set(source, error)
      if (this.#roster !== undefined) this.#drop(source, 'failed', error)
    }
  }

  /** Lets a source join that agrees with the reference. */
  async #judge(source: Source): Promise<void> {
    const reference = this.#reference
    if (reference === undefined || reference === source) return
    if (source.facts.size !== reference.facts.size) {
      return this.#drop(source, 'size', differs(source, 'size', reference.facts.size, source.facts.size))
    }
    if (isDatedAlike(reference, source) || !this.#options.isDated) return this.#join(source)
    const sums = await this.#checksums(reference, source)
    if (sums !== undefined && sums[0] === sums[1]) this.#join(source)
    else if (sums !== undefined) {
      this.#drop(source, 'checksum', differs(source, 'checksum', sums[0], sums[1]))
    } else if (areBothDated(reference, source)) {
      const [expected, actual] = [reference, source].map((one) => one.facts.modified?.toISOString())
      this.#drop(source, 'modified', differs(source, 'modification time', expected, actual))
    } else this.#join(source)
  }

  /** The checksums of both by one algorithm, where both can tell one. */
  async #checksums(reference: Source, source: Source): Promise<readonly [string, string] | undefined> {
    const algorithm = CHECKSUM_ALGORITHMS.find((one) =>
      [reference, source].every(
        ({ profile }) => checksumCommands(profile?.features ?? NO_FEATURES, one).length > 0,
      ),
    )
    if (algorithm === undefined) return undefined
    const known = this.#referenceSums.get(algorithm) ?? this.#checksum(reference, algorithm)
    this.#referenceSums.set(algorithm, known)
    const [expected, actual] = await Promise.all([known, this.#checksum(source, algorithm)])
    return expected === undefined || actual === undefined ? undefined : [expected, actual]
  }

  async #checksum(source: Source, algorithm: ChecksumAlgorithm): Promise<string | undefined> {
    const { signal } = this.#context
    const { remote } = source.place
    const { size } = source.facts
    const { lease, value } = await source.ask(this.#context, (session) => {
      const { checksum: timeoutMs } = session.options.timeouts
      return checksumOf(session, remote, algorithm, { size, timeoutMs, signal })
    })
    lease.release()
    return value
  }

  #join(source: Source): void {
    if (!this.#ending.signal.aborted) this.#roster?.join(source, this.#options.sources)
  }

  #drop(source: Source, reason: DropReason, error: unknown): void {
    source.kept.release()
    source.dropped = reason
    this.#options.onDropped({ source, reason, error })
  }
}

/** The first of those that say what most say of the size; one that says nothing counts for nothing. */
function elected(sources: readonly Source[]): Source | undefined {
  const voters = (size: number | undefined): number =>
    size === undefined ? 0 : sources.filter(({ facts }) => facts.size === size).length
  const most = Math.max(0, ...sources.map(({ facts }) => voters(facts.size)))
  return sources.find(({ facts }) => voters(facts.size) === most)
}

/** MDTM tells seconds, and some servers parts of them. */
function isDatedAlike({ facts: a }: Source, { facts: b }: Source): boolean {
  if (a.modified === undefined || b.modified === undefined) return false
  return Math.floor(a.modified.getTime() / 1_000) === Math.floor(b.modified.getTime() / 1_000)
}

function areBothDated({ facts: a }: Source, { facts: b }: Source): boolean {
  return a.modified !== undefined && b.modified !== undefined
}

const CODES = {
  size: 'ERR_FTP_SIZE_MISMATCH',
  checksum: 'ERR_FTP_CHECKSUM_MISMATCH',
  'modification time': 'ERR_FTP_SOURCE_CHANGED',
} as const

function differs(
  { url, place }: Source,
  what: keyof typeof CODES,
  expected: string | number | undefined,
  actual: string | number | undefined,
): FtpTransferError {
  const said = (value: string | number | undefined): string => (value === undefined ? 'none' : String(value))
  const message = `The ${what} of ${url} is ${said(actual)} where the others say ${said(expected)}`
  const { shownPath: path } = place
  return new FtpTransferError(CODES[what], message, { path, expected, actual })
}
