import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { firstDifference } from './first-difference.ts'
import { hashOf, hashOfVirtual } from './hash-of.ts'
import { patternFile } from './pattern-file.ts'
import { randomBytes } from './random-bytes.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const FIVE_GIB = 5 * 2 ** 30

describe('patternFile', () => {
  test('any cut of it gives the same bytes', () => {
    const file = patternFile(3_000_000, 'cuts')
    const whole = file.content(0, file.size)
    const into = Buffer.alloc(10_000)
    for (const offset of [0, 1, 4_089, 4_093, 4_095, 4_096, 1_048_572, 1_048_573, 2_990_001]) {
      for (const length of [1, 3, 8, 9_999]) {
        expect(file.content(offset, length, into).equals(whole.subarray(offset, offset + length))).toBe(true)
      }
    }
  })

  test.each([512, 4_096, 65_536, 2 ** 20, 1_048_573, 2 ** 31, 2 ** 32])(
    'no shift by %i goes unseen',
    (shift) => {
      const file = patternFile(FIVE_GIB)
      for (const offset of [0, 1_000, 123_456_789]) {
        const here = file.content(offset, 8_192)
        expect(here.equals(file.content(offset + shift, 8_192))).toBe(false)
      }
    },
  )

  test('differs by its seed and ends at its size', () => {
    expect(patternFile(100, 1).content(0, 100).equals(patternFile(100, 2).content(0, 100))).toBe(false)
    expect(patternFile(100).content(90, 50)).toHaveLength(10)
  })
})

test('randomBytes are the same for the same seed', () => {
  expect(randomBytes(1_000, 'a').equals(randomBytes(1_000, 'a'))).toBe(true)
  expect(randomBytes(1_000, 'a').equals(randomBytes(1_000, 'b'))).toBe(false)
  expect(new Set(randomBytes(10_000)).size).toBe(256)
})

test('hashes and the first difference of files on disk', async () => {
  await using directory = await temporaryDirectory()
  const file = patternFile(2_500_000, 'disk')
  const bytes = file.content(0, file.size)
  const path = directory.at('a.bin')
  await writeFile(path, bytes)
  const digest = createHash('sha256').update(bytes).digest('hex')
  expect([await hashOf(path), hashOfVirtual(file)]).toEqual([digest, digest])
  expect(await firstDifference(path, file)).toBeUndefined()
  await writeFile(path, bytes.subarray(0, -1))
  expect(await firstDifference(path, file)).toBe(2_499_999)
  await writeFile(path, Buffer.concat([bytes, Buffer.from('x')]))
  expect(await firstDifference(path, file)).toBe(2_500_000)
  bytes[1_700_001] = (bytes[1_700_001] ?? 0) ^ 1
  await writeFile(path, bytes)
  expect(await firstDifference(path, file)).toBe(1_700_001)
})
