/** What proves the tests of hazards able to fail still fits the source. `npm run test:breaks` plays it. */
import { describe, expect, test } from 'vitest'
import { broken, breaksOf, hazards, sourceOf, type Break } from './hazards/support/breaks.ts'

const ONE: Break = { file: 'src/x.ts', line: 'b()', instead: 'c()', why: 'b is not called' }

describe.each(hazards())('%s', (hazard) => {
  test('has a break of one line, which fits the source', () => {
    const breaks = breaksOf(hazard)
    expect(breaks.length).toBeGreaterThan(0)
    for (const one of breaks) {
      expect(one.file).toMatch(/^src\/.*\.ts$/)
      expect(one.why).not.toBe('')
      expect(broken(sourceOf(one), one)).not.toBe(sourceOf(one))
    }
  })
})

test('one line is changed, and keeps its indent', () => {
  expect(broken('a()\n  b()\nd()', ONE)).toBe('a()\n  c()\nd()')
  expect(broken('b()\nd()\nb()\nb()', { ...ONE, below: 'd()' })).toBe('b()\nd()\nc()\nb()')
})

test('a line that is not there, or there twice, is an error', () => {
  expect(() => broken('a()', ONE)).toThrow('src/x.ts has no line "b()"')
  expect(() => broken('b()\nb()', ONE)).toThrow('src/x.ts has 2 lines "b()"')
  expect(() => broken('b()', { ...ONE, below: 'd()' })).toThrow('the line above has no line "d()"')
})
