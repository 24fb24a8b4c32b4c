/** Transfers on a terminal: their rows, drawn again ten times a second at the foot of what has been written. */
import { createLogUpdate } from 'log-update'
import type { Transfer } from '../../index.ts'
import type { Footer } from '../output.ts'
import { painted, shown } from '../text/paint.ts'
import { bandwidthRow, transferRows } from './row.ts'

const DRAW_MS = 100
const SAMPLE_MS = 500
const SAMPLES = 120
/** Of the terminal's height: a row for the bandwidth, and one for the cursor. */
const ROWS_KEPT_FREE = 2

interface Followed {
  readonly name: string
  readonly transfer: Transfer<unknown>
}

export class Bars implements Footer {
  readonly #stream: NodeJS.WriteStream
  readonly #update: ReturnType<typeof createLogUpdate>
  readonly #followed = new Set<Followed>()
  readonly #samples: number[] = []
  readonly #timers: readonly NodeJS.Timeout[]

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    this.#update = createLogUpdate(stream)
    this.#timers = [
      setInterval(() => this.draw(), DRAW_MS).unref(),
      setInterval(() => this.#sample(), SAMPLE_MS).unref(),
    ]
  }

  /** @returns a function that takes its rows away */
  follow(name: string, transfer: Transfer<unknown>): () => void {
    const followed = { name: shown(name), transfer }
    this.#followed.add(followed)
    return () => {
      this.#followed.delete(followed)
      this.draw()
    }
  }

  draw(): void {
    const rows = this.#rows()
    if (rows.length === 0) this.#update.clear()
    else this.#update(rows.join('\n'))
  }

  /** Until they are drawn again. */
  clear(): void {
    this.#update.clear()
  }

  /** For good. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#update.clear()
    this.#update.done()
  }

  #rows(): string[] {
    const columns = Math.max(1, this.#stream.columns - 1)
    const most = Math.max(1, this.#stream.rows - ROWS_KEPT_FREE)
    const each = [...this.#followed].map(({ name, transfer }) =>
      transferRows(name, transfer.progress, columns),
    )
    if (each.length === 0) return []
    const all = each.flat()
    // Where there is no room for the segments, the files go before them.
    const rows = all.length <= most ? all : each.map(([first = '']) => first).slice(0, most)
    const bandwidth = this.#samples.length === 0 ? [] : [bandwidthRow(this.#samples, columns)]
    return [...rows, ...bandwidth].map((row, index) => {
      const style = index === rows.length ? 'cyan' : row.startsWith(' ') ? 'dim' : undefined
      return painted(this.#stream, row, style)
    })
  }

  #sample(): void {
    const speeds = [...this.#followed].map(({ transfer }) => transfer.progress.bytesPerSecond)
    const speed = speeds.reduce((sum, one) => sum + one, 0)
    // Connecting is no standstill.
    if (speed > 0 || this.#samples.length > 0) this.#samples.push(speed)
    if (this.#samples.length > SAMPLES) this.#samples.shift()
  }
}
