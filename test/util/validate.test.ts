import { describe, expect, test } from 'vitest'
import { milliseconds, number, oneOf, text, wholeNumber } from '../../src/util/validate.ts'

describe('each check', () => {
  const absent = {}

  test('gives the default for what is absent, and for undefined', () => {
    for (const options of [absent, { it: undefined }]) {
      expect(wholeNumber(options, 'it', 7, 0, 9)).toBe(7)
      expect(number(options, 'it', 0.5, 0, 1)).toBe(0.5)
      expect(milliseconds(options, 'it', Infinity)).toBe(Infinity)
      expect(oneOf(options, 'it', 'a', ['a', 'b'])).toBe('a')
      expect(text(options, 'it', undefined)).toBeUndefined()
    }
  })

  test('takes zero and Infinity for what they are', () => {
    expect(wholeNumber({ it: 0 }, 'it', 7, 0, 9)).toBe(0)
    expect(number({ it: 0 }, 'it', 7, 0, Infinity)).toBe(0)
    expect(number({ it: Infinity }, 'it', 7, 0, Infinity)).toBe(Infinity)
    expect(milliseconds({ it: Infinity }, 'it', 7)).toBe(Infinity)
  })

  test('does not take null for absent', () => {
    expect(() => wholeNumber({ it: null }, 'it', 7, 0, 9)).toThrow(TypeError)
    expect(() => text({ it: null }, 'it', 'a')).toThrow(TypeError)
  })

  test('shows a long value in a short message', () => {
    const wrong = (): unknown => wholeNumber({ it: 'x'.repeat(10_000) }, 'it', 7, 0, 9)
    expect(wrong).toThrow(/^Option "it" is 'xxx.*\.\.\.; it must be a whole number from 0 to 9$/)
    expect(wrong).toThrow(/^.{1,160}$/)
  })
})
