import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearestName } from '../../src/util/near-name.ts'

const NAMES = [
  'dryRun',
  'delete',
  'deleteExcluded',
  'maxConnections',
  'connections',
  'verify',
  'tls',
  'user',
  'on',
]

test.each([
  ['dryrun', 'dryRun'],
  ['dry-run', 'dryRun'],
  ['DRY_RUN', 'dryRun'],
  ['maxconnections', 'maxConnections'],
  ['conections', 'connections'],
  ['connnections', 'connections'],
  ['conenctions', 'connections'],
  ['verfy', 'verify'],
  ['veryfi', 'verify'],
  ['delte', 'delete'],
  ['tsl', 'tls'],
  ['usr', 'user'],
  ['usar', 'user'],
  ['On', 'on'],
])('%s is %s', (name, meant) => {
  expect(nearestName(name, NAMES)).toBe(meant)
})

test.each(['', '-', 'o', 'no', 'url', 'host', 'concurrency', 'del', 'v', '__proto__', '🦑'])(
  'nothing is near "%s"',
  (name) => {
    expect(nearestName(name, NAMES)).toBeUndefined()
  },
)

test('the nearest of several, and of equals the first', () => {
  expect(nearestName('reads', ['ready', 'reads!', 'read'])).toBe('ready')
  expect(nearestName('ready', ['reedy', 'read-y'])).toBe('read-y')
})

test('a name that is very long is near none, and is not looked at for long', () => {
  expect(nearestName('verify'.repeat(50_000), NAMES)).toBeUndefined()
})

test('one letter more, less or other in a name of three or more is that name', () => {
  const name = fc.constantFrom('verify', 'timeouts', 'serverTimeZone', 'tls')
  fc.assert(
    fc.property(
      name,
      fc.nat(14),
      fc.constantFrom(0, 1),
      fc.constantFrom('', 'q'),
      (right, at, less, more) => {
        const wrong = right.slice(0, at) + more + right.slice(at + less)
        if (wrong.length > 2) expect(nearestName(wrong, [right])).toBe(right)
      },
    ),
  )
})
