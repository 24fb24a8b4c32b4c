import { describe, expect, test } from 'vitest'
import { expectUnchanged } from '../../src/segmented/source-facts.ts'
import type { FileFacts } from '../../src/session/facts.ts'

const noon = new Date('2024-05-06T12:00:00Z')
const later = new Date('2024-05-06T12:00:01Z')

function facts(size?: number, modified?: Date): FileFacts {
  return { size, modified }
}

describe('expectUnchanged', () => {
  test.each([
    [facts(5, noon), facts(5, new Date(noon))],
    [facts(), facts(5, noon)],
    [facts(5, noon), facts()],
    [facts(0), facts(0)],
  ])('says nothing where what is known on both sides agrees', (before, after) => {
    expect(() => expectUnchanged(before, after, '/a')).not.toThrow()
  })

  test.each([
    [facts(5, noon), facts(6, noon), 5, 6],
    [facts(0), facts(1), 0, 1],
    [facts(5, noon), facts(5, later), '2024-05-06T12:00:00.000Z', '2024-05-06T12:00:01.000Z'],
    [facts(undefined, new Date(0)), facts(undefined, later), '1970-01-01T00:00:00.000Z', later.toISOString()],
  ])('a difference is ERR_FTP_SOURCE_CHANGED, with both values', (before, after, expected, actual) => {
    expect(() => expectUnchanged(before, after, '/a')).toThrow(
      expect.objectContaining({ code: 'ERR_FTP_SOURCE_CHANGED', path: '/a', expected, actual }),
    )
  })
})
