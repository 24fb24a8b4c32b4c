/**
 * Which parts of the code have run, by V8's own counters: what reaches code that never ran is worth keeping. Only functions
 * that are compiled while it counts have counters inside, so that it has to begin before what it counts is imported.
 */
import { Session, type Profiler } from 'node:inspector'

/** The parsers, and the planted bugs. */
const COUNTED = /[\\/]src[\\/]|[\\/]fuzz[\\/]targets[\\/]/

type Span = readonly [start: number, end: number]

export class Coverage {
  readonly #session = new Session()
  /** What has never run, of each function. */
  readonly #never = new Map<string, readonly Span[]>()

  constructor() {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** From here on nothing has ever run. */
  begin(): void {
    this.#never.clear()
    this.skip()
  }

  /** Forgets what has run since the last look. */
  skip(): void {
    this.#take()
  }

  /** Whether code has run since the last look that never ran before. `keep`: from here on it has. */
  hasNews(keep: boolean): boolean {
    let hasNews = false
    for (const script of this.#take()) {
      if (!COUNTED.test(script.url)) continue
      for (const one of script.functions) hasNews = this.#look(script.scriptId, one, keep) || hasNews
    }
    return hasNews
  }

  end(): void {
    this.#session.post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
  }

  #look(script: string, { ranges }: Profiler.FunctionCoverage, keep: boolean): boolean {
    const [whole] = ranges
    if (whole === undefined || whole.count === 0) return false
    const key = `${script}:${whole.startOffset}:${whole.endOffset}`
    const before = this.#never.get(key) ?? [[whole.startOffset, whole.endOffset + 1]]
    const notNow = ranges.filter(({ count }) => count === 0)
    const after = before.flatMap(([start, end]) =>
      notNow.flatMap(({ startOffset, endOffset }): Span[] => {
        const common: Span = [Math.max(start, startOffset), Math.min(end, endOffset)]
        return common[0] < common[1] ? [common] : []
      }),
    )
    if (length(after) === length(before)) return false
    if (keep) this.#never.set(key, after)
    return true
  }

  #take(): Profiler.ScriptCoverage[] {
    let taken: Profiler.ScriptCoverage[] = []
    // Of the own thread the answer comes before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (_error, { result }) => (taken = result))
    return taken
  }
}

function length(spans: readonly Span[]): number {
  return spans.reduce((sum, [start, end]) => sum + end - start, 0)
}
