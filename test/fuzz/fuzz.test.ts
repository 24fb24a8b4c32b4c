/**
 * A short run of the fuzzing, without a look at what code it reaches, which takes longer than such a run; and what it has
 * found before. For a long one: `npm run fuzz`.
 *
 *   OCTOFTP_TEST_SEED=…  tries the inputs of that seed again
 */
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fuzzProven, shownInput } from './proven.ts'
import { randomFor } from './random.ts'
import { targets } from './targets/index.ts'

const seed = Number(process.env['OCTOFTP_TEST_SEED'] ?? randomInt(2 ** 31))
const INPUTS = 3_000
const MOST_FOR_PLANTED = 20_000
/** The same inputs in every run: whether they find what was planted is to hang on the fuzzing, and not on luck. */
const PLANTED_SEED = 1

interface Case {
  readonly target: string
  readonly input: string
  readonly why: string
}
const cases = JSON.parse(readFileSync(new URL('cases.json', import.meta.url), 'utf8')) as Case[]

describe('inputs that failed once', () => {
  test.each(cases)('$target: $why', async ({ target: name, input }) => {
    const bytes = Buffer.from(input, 'latin1')
    const target = targets.find((one) => one.name === name)
    expect(target).toBeDefined()
    await target?.check(bytes, randomFor(bytes))
  })
})

test.each(targets)(`$name: the planted bug is found, and no other (seed ${seed})`, async (target) => {
  const isOver = (tried: number): boolean => tried >= INPUTS
  const { failure } = await fuzzProven({
    target,
    coverage: undefined,
    seed,
    plantedSeed: PLANTED_SEED,
    mostForPlanted: MOST_FOR_PLANTED,
    isOver,
  })
  expect(failure && { input: shownInput(failure.input), error: failure.error }).toBeUndefined()
})
