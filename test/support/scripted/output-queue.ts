/** Keeps the order of what is sent, when some of it takes its time. */
export class OutputQueue {
  #last: Promise<void> | undefined

  /** Writes in the same turn when nothing slow is before it: several calls are then several segments. */
  add(write: () => void): void {
    if (this.#last === undefined) write()
    else this.addSlow(() => Promise.resolve(write()))
  }

  addSlow(write: () => Promise<void>): void {
    const last = (this.#last ?? Promise.resolve()).then(write).finally(() => {
      if (this.#last === last) this.#last = undefined
    })
    this.#last = last
  }

  /** Resolves when everything added so far is out. */
  async flushed(): Promise<void> {
    await this.#last
  }
}
