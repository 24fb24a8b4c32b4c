/**
 * The sessions for large files, divided among those that are under way: one for each, and what is over for whichever
 * has the most left. So they are cut into few segments, each of which has to find its speed first; and the last ones,
 * which are left alone, have all.
 */
import type { ConnectionCount } from '../segmented/controller.ts'

export class Shares {
  readonly #shares = new Set<Share>()
  #sessions: number

  constructor(sessions: number) {
    this.#sessions = sessions
  }

  get sessions(): number {
    return this.#sessions
  }

  set sessions(sessions: number) {
    if (sessions === this.#sessions) return
    this.#sessions = sessions
    this.#divide()
  }

  /** How many files are under way. */
  get taken(): number {
    return this.#shares.size
  }

  /** For a file of so many bytes; to be left when that is done. */
  join(bytes: number): Share {
    const share = new Share(bytes, () => {
      this.#shares.delete(share)
      this.#divide()
    })
    this.#shares.add(share)
    this.#divide()
    return share
  }

  /** Not more often than something changes: a connection that is moved has to find its speed again. */
  #divide(): void {
    for (const share of this.#shares) share.wanted = 1
    for (let over = this.#sessions - this.#shares.size; over > 0; over--) {
      const most = [...this.#shares].reduce<Share | undefined>(
        (one, other) => (one === undefined || other.leftForEach > one.leftForEach ? other : one),
        undefined,
      )
      if (most === undefined) return
      most.wanted += 1
    }
  }
}

/** How many connections one of them has. */
export class Share implements ConnectionCount {
  wanted = 1
  readonly leave: () => void
  #left: number

  constructor(bytes: number, leave: () => void) {
    this.#left = bytes
    this.leave = leave
  }

  /** Bytes, for each of its connections. */
  get leftForEach(): number {
    return this.#left / this.wanted
  }

  look({ left }: { readonly left: number }): number {
    this.#left = left
    return this.wanted
  }

  limit(): void {
    // Sessions that the server does not let in are wanting everywhere.
  }

  interrupted(): void {
    // It does not measure.
  }
}
