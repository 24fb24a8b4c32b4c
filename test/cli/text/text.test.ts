/** Numbers, times and names as people read them. */
import fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import type { TransferProgress } from '../../../src/index.ts'
import { durationText, elapsedText } from '../../../src/cli/text/duration.ts'
import { cutEnd, cutMiddle, fit } from '../../../src/cli/text/fit.ts'
import { jsonLine } from '../../../src/cli/text/json-line.ts'
import { shown } from '../../../src/cli/text/paint.ts'
import { parseSize, sizeText } from '../../../src/cli/text/sizes.ts'
import { sparkline } from '../../../src/cli/text/sparkline.ts'
import { bandwidthRow, transferRows } from '../../../src/cli/view/row.ts'

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [1_048_575, '1.0 MiB'],
    [300 * 2 ** 20, '300.0 MiB'],
    [5 * 2 ** 60, '5120.0 PiB'],
  ])('%d is %s', (bytes, text) => expect(sizeText(bytes)).toBe(text))

  it.each([
    ['500', 500],
    ['500k', 512_000],
    ['2M', 2_097_152],
    ['1.5MiB/s', 1_572_864],
    ['1 GB', 1_073_741_824],
    ['', undefined],
    ['-1', undefined],
    ['2x', undefined],
    ['1e9', undefined],
  ])('"%s" is read as %s', (text, bytes) => expect(parseSize(text)).toBe(bytes))
})

it.each([
  [undefined, '-:--'],
  [Infinity, '-:--'],
  [0, '0:00'],
  [6.1, '0:07'],
  [3_599.5, '1:00:00'],
  [100_000, '1 d 03:46'],
])('%s seconds left are shown as %s', (seconds, text) => expect(durationText(seconds)).toBe(text))

it.each([
  [0.04, '0.0 s'],
  [9.96, '10 s'],
  [59.6, '1:00'],
])('%s seconds that have passed are shown as %s', (seconds, text) => expect(elapsedText(seconds)).toBe(text))

describe('a sparkline', () => {
  it('is as high as its samples', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], 20)).toBe(' ▂▃▄▅▆▇██')
    expect(sparkline([], 5)).toBe('')
    expect(sparkline([0, 0], 5)).toBe('  ')
  })

  it('shows the last samples', () => expect(sparkline([9, 9, 1, 9], 2)).toBe('▁█'))
})

describe('text in columns', () => {
  const names = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('日本語 '.repeat(9)))

  it('is never wider than they are', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 0, max: 60 }), (name, columns) => {
        const text = shown(name)
        expect(stringWidth(cutMiddle(text, columns))).toBeLessThanOrEqual(columns)
        expect(stringWidth(cutEnd(text, columns))).toBeLessThanOrEqual(columns)
        expect(stringWidth(fit(text, columns))).toBe(Math.max(columns, 0))
      }),
    )
  })

  it('loses its middle', () => {
    expect(cutMiddle('a-long-name.iso', 9)).toBe('a-lo….iso')
    expect(fit('short', 7)).toBe('short  ')
  })
})

describe('rows', () => {
  const progress: TransferProgress = {
    bytes: 3 * 2 ** 20,
    total: 4 * 2 ** 20,
    fraction: 0.75,
    bytesPerSecond: 2 ** 20,
    averageBytesPerSecond: 2 ** 20,
    etaSeconds: 1,
    elapsedSeconds: 3,
    files: undefined,
    activeConnections: 2,
    segments: [
      { start: 0, end: 2 ** 21, position: 2 ** 21, bytesPerSecond: 0 },
      { start: 2 ** 21, end: 2 ** 22, position: 3 * 2 ** 20, bytesPerSecond: 2 ** 20 },
    ],
  }

  it('tell of the file and of each of its segments', () => {
    const [whole, first, second] = transferRows('disk.iso', progress, 79)
    expect(whole).toMatch(/^disk\.iso +█+░+ +75 % +3\.0 MiB +1\.0 MiB\/s +ETA 0:01$/)
    expect(first).toMatch(/^ {2}part 1 +█+ 100 % +2\.0 MiB/)
    expect(second).toMatch(/^ {2}part 2 +█+░+ +50 % +1\.0 MiB +1\.0 MiB\/s/)
  })

  it('tell of the files of a mirror', () => {
    const files = { done: 3, failed: 1, found: 9 }
    expect(transferRows('pub', { ...progress, files }, 79)[1]).toBe('  3 of 9 files, 1 failed')
  })

  it('fit into any width, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 250 }), (name, columns) => {
        const rows = [...transferRows(shown(name), progress, columns), bandwidthRow([1, 2, 3], columns)]
        for (const row of rows) expect(stringWidth(row)).toBeLessThanOrEqual(columns)
      }),
    )
  })

  it('leave out what has no room: the time left, then the speed, then the bytes', () => {
    expect(transferRows('disk.iso', progress, 46)[0]).toMatch(/^disk\.iso █+░+ +75 % +3\.0 MiB +1\.0 MiB\/s$/)
    expect(transferRows('disk.iso', progress, 35)[0]).toMatch(/^disk\.iso █+░+ +75 % +3\.0 MiB$/)
    expect(transferRows('disk.iso', progress, 24)[0]).toContain('75 %')
    expect(transferRows('disk.iso', { ...progress, total: undefined }, 79)[0]).not.toContain('%')
  })
})

it('a line of JSON holds no control character', () => {
  const line = jsonLine({ name: 'a\u001b[2J\u009b\u202eb', error: new TypeError('no') })
  expect(line).toBe('{"name":"a\\u001b[2J\\u009b\\u202eb","error":{"code":"TypeError","message":"no"}}')
  expect(JSON.parse(line)).toMatchObject({ name: 'a\u001b[2J\u009b\u202eb' })
})
