/** What a mirror has found and done so far, and the events that tell of it. */
import type { FilesProgress, MirrorEntryEvent } from '../transfer/events.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import type { MirrorFailure, MirrorResult } from './mirror-result.ts'

type Counts = Pick<
  MirrorResult,
  'transferred' | 'equal' | 'skipped' | 'directoriesMade' | 'linksMade' | 'deleted'
>

export class Tally {
  readonly #emit: TransferContext['emit']
  readonly #counts = { transferred: 0, equal: 0, skipped: 0, directoriesMade: 0, linksMade: 0, deleted: 0 }
  readonly #failures: MirrorFailure[] = []
  #filesFound = 0
  #filesFailed = 0
  #bytesFound = 0
  #bytesDone = 0

  constructor(emit: TransferContext['emit']) {
    this.#emit = emit
  }

  get counts(): Counts {
    return this.#counts
  }

  get failures(): readonly MirrorFailure[] {
    return this.#failures
  }

  /** Files that need nothing more. */
  get filesDone(): number {
    return this.#counts.transferred + this.#counts.equal
  }

  get files(): FilesProgress {
    return { done: this.filesDone, failed: this.#filesFailed, found: this.#filesFound }
  }

  /** Of all files that are brought over, as far as they are known. */
  get bytesFound(): number {
    return this.#bytesFound
  }

  /** Of the files that have been. */
  get bytesDone(): number {
    return this.#bytesDone
  }

  /** To be brought over. */
  found(bytes: number): void {
    this.#filesFound += 1
    this.#bytesFound += bytes
  }

  /** Something else becomes of it than {@link found} has told. */
  takeBack(bytes: number): void {
    this.#filesFound -= 1
    this.#bytesFound -= bytes
  }

  transferred(path: string, bytes: number): void {
    this.#counts.transferred += 1
    this.#bytesDone += bytes
    this.#tell('transfer', path, 'done')
  }

  /** Of what {@link found} has told; {@link failed} tells why. */
  fileFailed(): void {
    this.#filesFailed += 1
  }

  /** A file, or a link. */
  equal(path: string): void {
    this.#filesFound += 1
    this.#counts.equal += 1
    this.#tell('equal', path, 'done')
  }

  skipped(path: string): void {
    this.#counts.skipped += 1
    this.#tell('skip', path, 'skipped')
  }

  directoryMade(path: string): void {
    this.#counts.directoriesMade += 1
    this.#tell('make-directory', path, 'done')
  }

  linkMade(path: string): void {
    this.#counts.linksMade += 1
    this.#tell('link', path, 'done')
  }

  deleted(path: string): void {
    this.#counts.deleted += 1
    this.#tell('delete', path, 'done')
  }

  failed(failure: MirrorFailure): void {
    const { action, path, error } = failure
    this.#failures.push(failure)
    this.#tell(action, path, 'failed', error)
  }

  #tell(
    action: MirrorEntryEvent['action'],
    path: string,
    outcome: MirrorEntryEvent['outcome'],
    error?: unknown,
  ): void {
    this.#emit('entry', { action, path, outcome, error })
  }
}
