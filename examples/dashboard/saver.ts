/** Writes what changes often to a file: soon, one writing at a time, and always the newest. */
import { writeJson } from './json-file.ts'

const SOON_MS = 300

export class Saver {
  readonly #path: string
  readonly #value: () => unknown
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(path: string, value: () => unknown, onError: (error: unknown) => void) {
    this.#path = path
    this.#value = value
    this.#onError = onError
  }

  /** What is there now, or later, is written within a moment. */
  soon(): void {
    this.#timer ??= setTimeout(() => void this.now(), SOON_MS)
  }

  /** Resolves when it is written. Never rejects. */
  now(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writing.then(() => writeJson(this.#path, this.#value())).catch(this.#onError)
    return this.#writing
  }
}
