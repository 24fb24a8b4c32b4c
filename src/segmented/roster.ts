/**
 * Which sources are in use, and which connection of the download goes to which of them. Knows no session.
 *
 * Connections are dealt out in the order of the sources; when one joins later or is dropped, as few as possible
 * change over.
 */
import type { DropReason, Source } from './source.ts'

export interface DroppedSource {
  readonly source: Source
  readonly reason: DropReason
  readonly error: unknown
}

export class Roster {
  readonly #onDropped: (dropped: DroppedSource) => void
  readonly #listeners = new Set<() => void>()
  /** By the number of the connection. */
  readonly #assigned = new Map<number, Source>()
  #live: Source[]

  /** The sources in the order of their rank: where two contradict each other, the first is believed. */
  constructor(live: readonly Source[], onDropped: (dropped: DroppedSource) => void) {
    this.#live = [...live]
    this.#onDropped = onDropped
  }

  get live(): readonly Source[] {
    return this.#live
  }

  /** Whether there is another source than this one to go on with. */
  hasOther(source: Source): boolean {
    return this.#live.some((other) => other !== source)
  }

  /** One more source, at the rank that `order` gives it. */
  join(source: Source, order: readonly Source[]): void {
    if (this.#live.includes(source)) return
    this.#live.push(source)
    this.#live.sort((a, b) => order.indexOf(a) - order.indexOf(b))
    this.#balance(source)
    this.#tell()
  }

  /** The source is not used any more; the last one stays, whatever it did. Gives whether it was dropped. */
  drop(source: Source, reason: DropReason, error: unknown): boolean {
    if (!this.#live.includes(source) || !this.hasOther(source)) return false
    this.#live = this.#live.filter((other) => other !== source)
    for (const [connection, assigned] of this.#assigned) {
      if (assigned === source) this.#assigned.delete(connection)
    }
    source.dropped = reason
    this.#onDropped({ source, reason, error })
    this.#tell()
    return true
  }

  /** The source that a connection works for; it stays with it while that is in use. */
  sourceOf(connection: number): Source {
    const assigned = this.#assigned.get(connection) ?? this.#leastUsed()
    this.#assigned.set(connection, assigned)
    return assigned
  }

  /** A connection is not at work any more, and counts for none. */
  leave(connection: number): void {
    this.#assigned.delete(connection)
  }

  /** How many connections work for a source. */
  connectionsOf(source: Source): number {
    return [...this.#assigned.values()].filter((assigned) => assigned === source).length
  }

  /** Calls `listener` when a source has joined or was dropped; the returned function takes it back. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #leastUsed(): Source {
    const [first, ...others] = this.#live
    if (first === undefined) throw new Error('There is no source')
    return others.reduce((least, source) => {
      return this.connectionsOf(source) < this.connectionsOf(least) ? source : least
    }, first)
  }

  /** Gives a new source its share, from those that have most. */
  #balance(newcomer: Source): void {
    for (;;) {
      const most = this.#live.reduce((a, b) => (this.connectionsOf(b) > this.connectionsOf(a) ? b : a))
      if (this.connectionsOf(most) - this.connectionsOf(newcomer) < 2) return
      const moved = [...this.#assigned].findLast(([, source]) => source === most)
      if (moved === undefined) return
      this.#assigned.set(moved[0], newcomer)
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
