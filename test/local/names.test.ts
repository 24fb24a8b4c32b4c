import { basename, dirname } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { partPath } from '../../src/local/names.ts'

const LONGEST = 255
const SUFFIX = '.octoftp-part'
const bytes = (path: string): number => Buffer.byteLength(basename(path))

describe('partPath', () => {
  test('stands beside its target', () => {
    expect(partPath('/data/disk.iso')).toBe('/data/disk.iso.octoftp-part')
  })

  test('keeps the longest name that fits, and hashes the next', () => {
    const fits = 'a'.repeat(LONGEST - SUFFIX.length)
    expect(partPath(`/d/${fits}`)).toBe(`/d/${fits}${SUFFIX}`)
    expect(partPath(`/d/${fits}a`)).toMatch(/^\/d\/[0-9a-f]{64}\.octoftp-part$/)
  })

  test('counts bytes, not characters', () => {
    expect(partPath(`/d/${'é'.repeat(121)}`)).toBe(`/d/${'é'.repeat(121)}${SUFFIX}`)
    expect(partPath(`/d/${'é'.repeat(122)}`)).toMatch(/^\/d\/[0-9a-f]{64}\.octoftp-part$/)
  })

  test('is never too long, always in the same folder, and another one for another target', () => {
    const names = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 300 })
      .filter((name) => /^[^/\0]+$/.test(name))
    const distinct = fc.uniqueArray(
      names.filter((name) => name !== '.' && name !== '..'),
      { minLength: 2, maxLength: 2 },
    )
    fc.assert(
      fc.property(distinct, ([one = '', other = '']) => {
        expect(bytes(partPath(`/some/folder/${one}`))).toBeLessThanOrEqual(LONGEST)
        expect(dirname(partPath(`/some/folder/${one}`))).toBe('/some/folder')
        expect(partPath(`/some/folder/${one}`)).not.toBe(partPath(`/some/folder/${other}`))
      }),
    )
  })
})
