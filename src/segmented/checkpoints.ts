/**
 * Keeps the journal of one download: which bytes are on disk, said only after they are.
 *
 *   look at what is written ─► sync the data ─► write the journal        twice a second, or every 32 MiB
 *
 * One at a time; a slow disk makes them rarer, never wrong.
 */
import { JournalFile } from '../local/journal-file.ts'
import type { PartFile } from '../local/part-file.ts'
import { encodeJournal, type JournalRecord } from './journal.ts'
import { coveredBytes, type ByteRange } from './ranges.ts'

export type JournalFacts = Omit<JournalRecord, 'ranges'>

export interface CheckpointOptions {
  /** The path of the journal. */
  readonly path: string
  readonly facts: JournalFacts
  readonly file: PartFile
  /** Looks whether the target is still ours: who has stood still may have been replaced without knowing it yet. */
  readonly isOurs: () => Promise<boolean>
  /** The journal of the run before, if this one goes on with it. */
  readonly journal: JournalFile | undefined
}

/** Milliseconds between two looks; what a kill costs is this much, and what is in the buffers. */
const LOOK_EVERY_MS = 100
const CHECKPOINT_EVERY_MS = 500
const CHECKPOINT_EVERY_BYTES = 33_554_432

export class Checkpoints {
  readonly #options: CheckpointOptions
  #journal: JournalFile | undefined
  #written: () => readonly ByteRange[] = () => []
  #ticker: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #lastAt = performance.now()
  #lastBytes = 0
  #isForgotten = false
  #onFailure: (error: unknown) => void = () => {}

  constructor(options: CheckpointOptions) {
    this.#options = options
    this.#journal = options.journal
  }

  /** Bytes that are written and would be claimed. */
  get bytes(): number {
    return coveredBytes(this.#written())
  }

  /** Writes checkpoints of `written` from now on, until {@link stop}; the first failure is told and ends it. */
  start(written: () => readonly ByteRange[], onFailure: (error: unknown) => void): void {
    this.#isForgotten = false
    this.#written = written
    this.#onFailure = onFailure
    this.#lastBytes = coveredBytes(written())
    this.#lastAt = performance.now()
    this.#ticker = setInterval(() => this.#look(), LOOK_EVERY_MS).unref()
  }

  /** Resolves when none is being written any more. */
  async stop(): Promise<void> {
    clearInterval(this.#ticker)
    this.#ticker = undefined
    await this.#running?.catch(() => {})
  }

  /** Writes one now. */
  async checkpoint(): Promise<void> {
    const before = this.#running ?? Promise.resolve()
    const run = before.catch(() => {}).then(() => this.#write())
    this.#running = run
    try {
      await run
    } finally {
      if (this.#running === run) this.#running = undefined
    }
  }

  /** Nothing is claimed any more; to be called before bytes are given up. */
  async forget(): Promise<void> {
    this.#isForgotten = true
    this.#written = () => []
    await this.stop()
    const journal = this.#journal
    this.#journal = undefined
    await journal?.remove()
  }

  /** Leaves the journal for a later run. */
  async keep(): Promise<void> {
    await this.stop()
    await this.#journal?.close()
    this.#journal = undefined
  }

  #look(): void {
    if (this.#running !== undefined) return
    const bytes = coveredBytes(this.#written()) - this.#lastBytes
    if (bytes === 0) return
    const isDue = performance.now() - this.#lastAt >= CHECKPOINT_EVERY_MS || bytes >= CHECKPOINT_EVERY_BYTES
    if (isDue) this.checkpoint().catch(this.#onFailure)
  }

  /** Asked again behind every wait. */
  #wasForgotten(): boolean {
    return this.#isForgotten
  }

  async #write(): Promise<void> {
    if (this.#isForgotten) return
    const { path, facts, file, isOurs } = this.#options
    // Looked at before the sync: what is written meanwhile is not synced.
    const ranges = this.#written()
    await file.sync()
    // Another's journal would be replaced by claims on a file that is not the part file any more.
    if (this.#wasForgotten() || !(await isOurs()) || this.#wasForgotten()) return
    this.#journal ??= await JournalFile.create(path)
    await this.#journal.write(encodeJournal({ ...facts, ranges }))
    this.#lastBytes = coveredBytes(ranges)
    this.#lastAt = performance.now()
  }
}
