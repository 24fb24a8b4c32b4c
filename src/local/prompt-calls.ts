/**
 * Calls to the system that are made at once, and not by one of Node's threads, which has to be woken and waited for:
 * of a small file that takes ten times as much of the processor's time as the work itself.
 *
 * At once, they hold the event loop. So they are made on file systems of this machine alone, which Linux tells by
 * their kind; and where they take long all the same, none is made for a while.
 */
import { stat, statfs } from 'node:fs/promises'
import { systemPath } from './system-path.ts'

/** As `statfs` tells them (Linux: linux/magic.h): ext2 to ext4, XFS, Btrfs, tmpfs, ramfs, overlay, F2FS, ZFS, bcachefs. */
const OF_THIS_MACHINE: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x858458f6, 0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e,
])
/** What they take at most on the average of the last, the later the more it counts. */
const LONG_MS = 5
const WEIGHT = 1 / 16
/** So that they hold the event loop for a small part of the time at worst. */
const REST_MS = 10_000

/** The names of so many take some 2 MB; then they are asked for anew. */
const MOST_KNOWN = 10_000

export class PromptCalls {
  /** By path. */
  readonly #directories = new Map<string, Promise<boolean>>()
  /** By device. */
  readonly #fileSystems = new Map<number, Promise<boolean>>()
  #averageMs = 0
  #restsUntil = -Infinity
  readonly #kinds: ReadonlySet<number>

  /** @param kinds - of file systems where calls are made at once */
  constructor(kinds: ReadonlySet<number> = OF_THIS_MACHINE) {
    this.#kinds = kinds
  }

  /** Whether calls about what is in `directory` may be made at once. Never rejects: what is not known may not. */
  async mayBeAt(directory: string): Promise<boolean> {
    if (this.isResting || process.platform !== 'linux') return false
    let answer = this.#directories.get(directory)
    if (answer === undefined) {
      if (this.#directories.size >= MOST_KNOWN) this.#directories.clear()
      answer = this.#isOfThisMachine(systemPath(directory)).catch(() => false)
      this.#directories.set(directory, answer)
    }
    return answer
  }

  async #isOfThisMachine(directory: string | Buffer): Promise<boolean> {
    const { dev } = await stat(directory)
    let answer = this.#fileSystems.get(dev)
    if (answer === undefined) {
      answer = statfs(directory).then(({ type }) => this.#kinds.has(type))
      this.#fileSystems.set(dev, answer)
    }
    return answer
  }

  /** Whether they have taken long lately: what could be made at once is not now. */
  get isResting(): boolean {
    return performance.now() < this.#restsUntil
  }

  /** Makes them. */
  make<Result>(calls: () => Result): Result {
    const begun = performance.now()
    try {
      return calls()
    } finally {
      const now = performance.now()
      this.#averageMs += (now - begun - this.#averageMs) * WEIGHT
      if (this.#averageMs > LONG_MS) this.#rest(now)
    }
  }

  #rest(now: number): void {
    this.#averageMs = 0
    this.#restsUntil = now + REST_MS
  }
}
