import { basename, dirname } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { journalPath, lockPath, partPath } from '../../src/local/names.ts'

const LONGEST = 255
/** What is left for the name of a target: the longest suffix decides for all. */
const ROOM = LONGEST - '.octoftp-journal'.length
const KINDS = [
  { kind: partPath, suffix: '.octoftp-part' },
  { kind: journalPath, suffix: '.octoftp-journal' },
  { kind: lockPath, suffix: '.octoftp-lock' },
]
const bytes = (path: string): number => Buffer.byteLength(basename(path))

describe.each(KINDS)('$suffix', ({ kind, suffix }) => {
  const hashed = new RegExp(`^/d/[0-9a-f]{64}\\${suffix}$`)

  test('stands beside its target', () => {
    expect(kind('/data/disk.iso')).toBe(`/data/disk.iso${suffix}`)
  })

  test('keeps the longest name that fits, and hashes the next', () => {
    const fits = 'a'.repeat(ROOM)
    expect(kind(`/d/${fits}`)).toBe(`/d/${fits}${suffix}`)
    expect(kind(`/d/${fits}a`)).toMatch(hashed)
  })

  test('counts bytes, not characters', () => {
    expect(kind(`/d/${'é'.repeat(119)}`)).toBe(`/d/${'é'.repeat(119)}${suffix}`)
    expect(kind(`/d/${'é'.repeat(120)}`)).toMatch(hashed)
  })
})

test('never too long, always in the same folder, of one stem, and others for another target', () => {
  const names = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 300 })
    .filter((name) => /^[^/\0]+$/.test(name))
  const distinct = fc.uniqueArray(
    names.filter((name) => name !== '.' && name !== '..'),
    { minLength: 2, maxLength: 2 },
  )
  fc.assert(
    fc.property(distinct, ([one = '', other = '']) => {
      const stems = KINDS.map(({ kind, suffix }) => {
        expect(bytes(kind(`/some/folder/${one}`))).toBeLessThanOrEqual(LONGEST)
        expect(dirname(kind(`/some/folder/${one}`))).toBe('/some/folder')
        expect(kind(`/some/folder/${one}`)).not.toBe(kind(`/some/folder/${other}`))
        return basename(kind(`/some/folder/${one}`), suffix)
      })
      expect(new Set(stems).size).toBe(1)
    }),
  )
})
