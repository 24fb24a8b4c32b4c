/**
 * Random servers against the real client. What has failed once stands in `cases/` and is played again, whatever the seed.
 *
 *   OCTOFTP_TEST_SEED=…  plays the runs of that seed again
 *   OCTOFTP_TEST_RUNS=…  as many runs as that; by hand, thousands
 */
import fc from 'fast-check'
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'vitest'
import { scenario } from './generate.ts'
import { play, type Scenario } from './scenario.ts'

const CASES = new URL('cases/', import.meta.url)
const seed = Number(process.env['OCTOFTP_TEST_SEED'] ?? randomInt(2 ** 31))
const numRuns = Number(process.env['OCTOFTP_TEST_RUNS'] ?? 40)
/** Of all runs, with the search for a smaller failure. */
const limitMs = Math.max(40_000, numRuns * 1_000)

describe('dialogues that went wrong once', () => {
  test.each(readdirSync(CASES))(
    '%s',
    (name) => play(JSON.parse(readFileSync(new URL(name, CASES), 'utf8')) as Scenario),
    120_000,
  )
})

test(
  `whatever a server does: the right bytes or a typed error, and nothing is left (seed ${seed})`,
  () =>
    fc.assert(fc.asyncProperty(scenario, play), {
      seed,
      numRuns,
      interruptAfterTimeLimit: limitMs,
      markInterruptAsFailure: false,
    }),
  limitMs + 120_000,
)
