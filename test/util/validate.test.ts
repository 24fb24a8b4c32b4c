import { describe, expect, test } from 'vitest'
import { milliseconds, number, oneOf, optionsObject, text, wholeNumber } from '../../src/util/validate.ts'

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

describe('the names of options', () => {
  const names = { start: true, end: undefined, signal: 0 }
  const read = (options: object, name = 'options'): unknown => optionsObject(options, name, names as never)

  test('those that are known, and nothing at all', () => {
    for (const options of [{}, { start: 1, end: 2 }, { signal: null }]) expect(read(options)).toBe(options)
    expect(optionsObject(undefined, 'options', names as never)).toEqual({})
  })

  test('another one is refused, with the name that is near or all there are', () => {
    expect(() => read({ start: 1, edn: 2 })).toThrow(
      new TypeError('There is no option "edn"; did you mean "end"?'),
    )
    expect(() => read({ sart: 1 }, 'range')).toThrow(
      new TypeError('There is no option "range.sart"; did you mean "range.start"?'),
    )
    const all = 'There is no option "other"; it must be one of start, end, signal'
    expect(() => read({ other: null })).toThrow(new TypeError(all))
  })

  test('undefined is not given', () => {
    expect(read({ edn: undefined })).toEqual({ edn: undefined })
  })

  test('what is inherited is no name of the caller, and what objects have is no name of ours', () => {
    class Range {
      readonly #length = 2
      get start(): number {
        return this.#length
      }
      get length(): number {
        return this.#length
      }
    }
    expect(read(new Range())).toBeInstanceOf(Range)
    expect(read({ [Symbol('edn')]: 1 })).toBeTypeOf('object')
    for (const name of ['toString', 'constructor', '__proto__']) {
      const options = Object.defineProperty({}, name, { value: 1, enumerable: true })
      expect(() => read(options)).toThrow(`There is no option "${name}"`)
    }
  })

  test('a name that is long or holds a line end is shown short, and in one line', () => {
    expect(() => read({ ['a\nb'.repeat(10_000)]: 1 })).toThrow(
      /^There is no option "a\\nb.{1,200}\.\.\."; it must be .*signal$/,
    )
  })
})
