import fc from 'fast-check'
import { test } from 'vitest'
import { OPS, World } from './ledger-world.ts'

const FINAL = ['close', 'destroy']
const whileRunning = OPS.filter((op) => !FINAL.includes(op))

const steps = (ops: readonly (typeof OPS)[number][]) =>
  fc.array(fc.record({ op: fc.constantFrom(...ops), pick: fc.nat(30) }), { maxLength: 80, size: 'max' })

test(
  'at every step: caps, one first login, first come first served, one answer each, nobody forgotten',
  { timeout: 30_000 },
  () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), steps(whileRunning), (max, sequence) => {
        const world = new World(max)
        for (const step of sequence) world.step(step)
        world.settle()
      }),
      { numRuns: 500 },
    )
  },
)

test('a pool closed or destroyed at any moment ends with nothing left', { timeout: 30_000 }, () => {
  const finale = fc.constantFrom('close', 'destroy')
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      steps(whileRunning),
      finale,
      steps(OPS),
      (max, before, op, after) => {
        const world = new World(max)
        for (const step of before) world.step(step)
        world.step({ op, pick: 0 })
        for (const step of after) world.step(step)
        world.settle()
        world.expectGone()
      },
    ),
    { numRuns: 500 },
  )
})
