import { describe, expect, test } from 'vitest'
import { SlowSources, type Working } from '../../src/segmented/slow-sources.ts'
import type { Source } from '../../src/segmented/source.ts'

/** Sources are only told apart here. */
const [A, B] = [{}, {}] as unknown as [Source, Source]

function watch(speeds: (second: number) => readonly Working[], seconds: number): (Source | undefined)[] {
  let now = 0
  const slow = new SlowSources(() => now)
  return Array.from({ length: seconds * 4 }, (_, index) => {
    now = index * 250
    return slow.look(speeds(now / 1_000))
  })
}

const at = (source: Source, bytesPerSecond: number | undefined): Working => ({ source, bytesPerSecond })

describe('SlowSources', () => {
  test('finds the one whose connections bring a twentieth or less for ten seconds, once', () => {
    const found = watch(() => [at(A, 1_000_000), at(A, 900_000), at(B, 40_000)], 15)
    expect(found.indexOf(B)).toBe(40)
    expect(found.filter((one) => one !== undefined)).toEqual([B])
  })

  test('leaves one alone that is slower and of use', () => {
    expect(watch(() => [at(A, 1_000_000), at(B, 60_000)], 60).every((one) => one === undefined)).toBe(true)
  })

  test('a moment of speed begins the time anew', () => {
    const speeds = (second: number): Working[] => [at(A, 1_000_000), at(B, second === 8 ? 900_000 : 0)]
    expect(watch(speeds, 18).every((one) => one === undefined)).toBe(true)
    expect(watch(speeds, 20)).toContain(B)
  })

  test('one that is not measured, or does not work, is not judged', () => {
    expect(watch(() => [at(A, 1_000_000), at(B, undefined)], 20)).not.toContain(B)
    const speeds = (second: number): Working[] => [at(A, 1_000_000), ...(second < 9 ? [at(B, 0)] : [])]
    expect(watch(speeds, 20)).not.toContain(B)
  })

  test('where all stand still, nobody is slow', () => {
    expect(watch(() => [at(A, 0), at(B, 0)], 20).every((one) => one === undefined)).toBe(true)
  })
})
