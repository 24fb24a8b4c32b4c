import { describe, expect, it } from 'vitest'
import * as values from '../../src/cli/option-values.ts'
import { UsageError } from '../../src/cli/failures.ts'

describe('values of options', () => {
  it('are read', () => {
    expect(values.connectionCount('64')).toBe(64)
    expect(values.connectionCount('auto')).toBe('auto')
    expect(values.rate('500k')).toBe(512_000)
    expect(values.seconds('0.5')).toBe(0.5)
    expect(values.count('0')).toBe(0)
    expect(values.countOrAll('all')).toBe(Infinity)
    expect(values.date('2026-01-31').toISOString()).toBe('2026-01-31T00:00:00.000Z')
    expect(values.each('b', values.each('a', undefined))).toEqual(['a', 'b'])
  })

  it('of checksums add up', () => {
    const one = values.checksum('SHA-256=aB', undefined)
    expect(one).toEqual({ auto: false, expected: { sha256: 'aB' } })
    expect(values.checksum('auto', one)).toEqual({ auto: true, expected: { sha256: 'aB' } })
    expect(values.checksum('md5=00', one)).toEqual({ auto: false, expected: { sha256: 'aB', md5: '00' } })
  })

  it.each([
    ['connectionCount', '0'],
    ['connectionCount', '65'],
    ['connectionCount', '4x'],
    ['rate', '0'],
    ['rate', 'fast'],
    ['seconds', '0'],
    ['seconds', 'NaN'],
    ['count', '-1'],
    ['countOrAll', 'none'],
    ['date', 'tomorrow'],
  ] as const)('%s refuses %s and says what is allowed', (read, text) => {
    expect(() => values[read](text)).toThrow(UsageError)
    expect(() => values[read](text)).toThrow(/^it has to be/)
  })

  it.each(['sha256', 'sha256=xyz', 'sha3=00', '='])('checksum refuses %s', (text) => {
    expect(() => values.checksum(text, undefined)).toThrow(UsageError)
  })
})
