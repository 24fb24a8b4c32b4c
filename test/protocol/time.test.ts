import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatModificationTime, parseModificationTime } from '../../src/protocol/time.ts'

it.each([
  ['20240229123456', '2024-02-29T12:34:56.000Z', 'second'],
  [' 20240229123456 ', '2024-02-29T12:34:56.000Z', 'second'],
  ['20240229123456.789', '2024-02-29T12:34:56.789Z', 'millisecond'],
  ['20240229123456.7', '2024-02-29T12:34:56.700Z', 'millisecond'],
  ['20240229123456.789999', '2024-02-29T12:34:56.789Z', 'millisecond'],
  ['191000229123456', '2000-02-29T12:34:56.000Z', 'second'],
  ['191240229123456', '2024-02-29T12:34:56.000Z', 'second'],
  ['19991231235960', '2000-01-01T00:00:00.000Z', 'second'],
  ['19100101000000', '1910-01-01T00:00:00.000Z', 'second'],
  ['00500101000000', '0050-01-01T00:00:00.000Z', 'second'],
])('%s is %s', (text, time, precision) => {
  expect(parseModificationTime(text)).toEqual({ time: new Date(time), precision })
})

it.each([
  '',
  '2024022912345',
  '202402291234567',
  '20240229123456.',
  '20240229123456Z',
  '213 20240229123456',
  '20230229123456',
  '19000229000000',
  '20240230000000',
  '20240431000000',
  '20240001000000',
  '20241301000000',
  '20240100000000',
  '20240101240000',
  '20240101006000',
  '20240101000061',
  '20240101120060',
  '-2240229123456',
])('%j is no time', (text) => {
  expect(parseModificationTime(text)).toBeUndefined()
})

const date = fc.date({
  min: new Date('0000-01-01'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})

it('a time written is read back to the second', () => {
  fc.assert(
    fc.property(date, (time) => {
      const second = Math.floor(time.getTime() / 1000) * 1000
      expect(parseModificationTime(formatModificationTime(time))?.time.getTime()).toBe(second)
    }),
  )
})

it('is a time where the calendar has it, and only there', () => {
  const field = (max: number): fc.Arbitrary<string> =>
    fc.integer({ min: 0, max }).map((value) => String(value).padStart(2, '0'))
  const fields = fc.tuple(
    fc.integer({ min: 1000, max: 9999 }),
    field(13),
    field(32),
    field(24),
    field(60),
    field(59),
  )
  fc.assert(
    fc.property(fields, ([year, month, day, hour, minute, second]) => {
      const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
      // Date itself takes 24:00:00, and 31 days for every month.
      const same = time.getUTCDate() === Number(day) && time.getUTCHours() === Number(hour)
      const text = [year, month, day, hour, minute, second].join('')
      expect(parseModificationTime(text)?.time).toEqual(same ? time : undefined)
    }),
    { numRuns: 1000 },
  )
})

it('writes no time that has none', () => {
  for (const time of [new Date(NaN), new Date('+010000-01-01'), new Date('-000001-01-01')]) {
    expect(() => formatModificationTime(time)).toThrow(RangeError)
  }
})
