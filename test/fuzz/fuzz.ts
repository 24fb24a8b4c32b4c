/**
 * `npm run fuzz -- [target …] [--seconds N] [--seed N]`: fuzzes the parsers, all or those that are named, one behind the
 * other, each for so many seconds (60). Ends with 1 where an input fails; it is printed as it goes into `cases/`. An input
 * that takes more than ten seconds is printed, too, and ends the process.
 *
 * `npm run fuzz -- --linear`: doubles inputs up to 64 MB, and shows how the work grows.
 */
import { parseArgs } from 'node:util'
import { Coverage } from './coverage.ts'
import { fuzzProven, shownInput } from './proven.ts'
import type { Target } from './target.ts'
import { watchForHangs, type HangWatch } from './watch.ts'

const MOST_FOR_PLANTED = 2_000_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    linear: { type: 'boolean', default: false },
  },
})

if (values.linear) {
  const { showGrowth } = await import('./linear.ts')
  if (!showGrowth()) process.exitCode = 1
} else {
  await fuzzAll(positionals)
}

async function fuzzAll(names: readonly string[]): Promise<void> {
  const coverage = new Coverage()
  const watch = watchForHangs()
  try {
    const { targets } = await import('./targets/index.ts')
    const unknown = names.filter((name) => !targets.some((target) => target.name === name))
    if (unknown.length > 0) throw new Error(`There is no target ${unknown.join(', ')}`)
    const wanted = targets.filter(({ name }) => names.length === 0 || names.includes(name))
    for (const target of wanted) await fuzzOne(target, coverage, watch)
  } finally {
    await watch.end()
    coverage.end()
  }
}

async function fuzzOne(target: Target, coverage: Coverage, watch: HangWatch): Promise<void> {
  const seed = Number(values.seed)
  let until = Infinity
  const { tried, corpus, failure } = await fuzzProven({
    ...{ target, coverage, seed, mostForPlanted: MOST_FOR_PLANTED },
    isOver: () => performance.now() > until,
    onInput: (input) => watch.note(input),
    onFound: (planted) => {
      until = performance.now() + Number(values.seconds) * 1_000
      const by = planted.failure === undefined ? '' : ` by ${shownInput(planted.failure.input)}`
      console.log(
        `${target.name}: the planted bug (${target.planted}) was found${by}, input ${planted.tried}`,
      )
    },
  })
  const outcome = failure === undefined ? 'no failure' : 'FAILED'
  console.log(`${target.name}: ${tried} inputs, ${corpus} kept, seed ${seed}: ${outcome}`)
  if (failure === undefined) return
  process.exitCode = 1
  console.log(failure.error)
  console.log(`{ "target": "${target.name}", "input": ${shownInput(failure.input)} }`)
}
