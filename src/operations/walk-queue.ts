/**
 * What a walk has still to do, and what has come of it. Several work at once; each takes a place, puts what it finds
 * there on a sheet of its own, and ends it. The sheets are handed out one after the other, each from its beginning to
 * its end, in the order in which they had something first.
 *
 *   waiting ──take──> worker ──put──> sheets: [first][ ][ ]… ──batch──> reader
 *      ^────── add ─────┘
 *
 * Owns: the order, depth first so that few places wait, and the bounds: where the reader is slow nobody begins another
 * place, and who is at work on one waits. Only the first sheet may always grow, as the reader waits for it. Knows
 * nothing of directories or servers.
 */
import { deferred } from '../util/deferred.ts'

/** What is found at one place. */
export interface Sheet<Item> {
  items: Item[]
  isOver: boolean
  /** Whether it stands among those to be handed out: it has had something. */
  isQueued: boolean
}

export class WalkQueue<Place, Item> {
  readonly #mostAhead: number
  /** The next one last. */
  readonly #waiting: Place[] = []
  readonly #sheets: Sheet<Item>[] = []
  #running = 0
  /** Items on sheets, and those that the reader has had last. */
  #ahead = 0
  #inHand = 0
  #isStopped = false
  #change = deferred<undefined>()

  /** @param mostAhead how many items may wait for the reader; the first sheet may hold as many again */
  constructor(mostAhead: number) {
    this.#mostAhead = mostAhead
  }

  /** How many places wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Adds places, to be taken before all that wait, the first one first. */
  add(places: readonly Place[]): void {
    for (const place of places.toReversed()) this.#waiting.push(place)
    this.#tell()
  }

  /** The next place, as soon as there is room for what is there; `undefined` when there will be none any more. */
  async take(): Promise<{ readonly place: Place; readonly sheet: Sheet<Item> } | undefined> {
    while (!this.#isStopped && !this.#isDone) {
      const [place] = this.#ahead < this.#mostAhead ? this.#waiting.splice(-1) : []
      if (place !== undefined) {
        this.#running += 1
        return { place, sheet: { items: [], isOver: false, isQueued: false } }
      }
      await this.#change.promise
    }
    return undefined
  }

  /** Puts an item on a sheet. A promise where that has to wait, which is fulfilled when the queue is stopped, too. */
  put(sheet: Sheet<Item>, item: Item): Promise<void> | undefined {
    if (this.#hasRoom(sheet)) this.#put(sheet, item)
    else return this.#putLater(sheet, item)
    return undefined
  }

  /** Of a sheet, and of the place that it was taken with. What was found there to go on with has been added before. */
  end(sheet: Sheet<Item>): void {
    sheet.isOver = true
    this.#running -= 1
    this.#tell()
  }

  /** What can be handed out, when there is something; `undefined` at the end. The batch before has been read. */
  async batch(): Promise<readonly Item[] | undefined> {
    this.#ahead -= this.#inHand
    this.#inHand = 0
    this.#tell()
    while (!this.#isStopped) {
      const items = this.#sheets[0]?.items.splice(0) ?? []
      if (items.length > 0) {
        this.#inHand = items.length
        return items
      }
      if (this.#sheets[0]?.isOver === true) {
        this.#sheets.shift()
        this.#tell()
        continue
      }
      if (this.#isDone && this.#sheets.length === 0) return undefined
      await this.#change.promise
    }
    return undefined
  }

  /** Nothing more is taken or handed out. */
  stop(): void {
    this.#isStopped = true
    this.#tell()
  }

  get #isDone(): boolean {
    return this.#waiting.length === 0 && this.#running === 0
  }

  #hasRoom(sheet: Sheet<Item>): boolean {
    const isFirst = (this.#sheets[0] ?? sheet) === sheet
    return (isFirst ? sheet.items.length : this.#ahead) < this.#mostAhead
  }

  async #putLater(sheet: Sheet<Item>, item: Item): Promise<void> {
    while (!this.#isStopped && !this.#hasRoom(sheet)) await this.#change.promise
    this.#put(sheet, item)
  }

  #put(sheet: Sheet<Item>, item: Item): void {
    this.#ahead += 1
    // Who waits for items has seen that there were none; all else can wait for the next turn.
    if (sheet.items.push(item) === 1) this.#tell()
    if (sheet.isQueued) return
    sheet.isQueued = true
    this.#sheets.push(sheet)
  }

  #tell(): void {
    const change = this.#change
    this.#change = deferred()
    change.resolve(undefined)
  }
}
