import { expect, test } from 'vitest'
import { Balance } from '../../src/mirror/balance.ts'

interface World {
  readonly files: number
  readonly bytes: number
  readonly sessions: number
  /** A second, by so many sessions. */
  readonly filesBy: (sessions: number) => number
  readonly bytesBy: (sessions: number) => number
}

/** Seconds until each kind is done while there are both, and the sessions that large files had. */
function run({ files, bytes, sessions, filesBy, bytesBy }: World): { seconds: number; large: number[] } {
  const balance = new Balance()
  let [filesDone, bytesDone, seconds] = [0, 0, 0]
  const large: number[] = []
  while (filesDone < files || bytesDone < bytes) {
    const isMixed = filesDone < files && bytesDone < bytes
    const forLarge = isMixed ? balance.largeOf(sessions) : filesDone < files ? 0 : sessions
    if (isMixed) large.push(forLarge)
    filesDone = Math.min(files, filesDone + filesBy(sessions - forLarge))
    bytesDone = Math.min(bytes, bytesDone + bytesBy(forLarge))
    seconds += 1
    const small = { done: filesDone, left: files - filesDone }
    balance.look(
      { now: seconds * 1_000, small, large: { done: bytesDone, left: bytes - bytesDone } },
      sessions,
    )
  }
  return { seconds, large }
}

test('a line that one connection fills leaves the others to small files', () => {
  const { seconds, large } = run({
    ...{ files: 1_000, bytes: 1_500, sessions: 8 },
    ...{ filesBy: (n) => 2.5 * n, bytesBy: () => 24 },
  })
  expect(large.at(-1)).toBeLessThanOrEqual(2)
  // With half of them for each it would take 62.5 s for the large ones, and 19 for what is left of the small.
  expect(seconds).toBeLessThan(70)
})

test('connections that are slow by themselves go where the most is left', () => {
  const world = { sessions: 8, filesBy: (n: number) => 10 * n, bytesBy: (n: number) => 1 * n }
  const manyBytes = run({ ...world, files: 300, bytes: 400 })
  expect(manyBytes.large.at(-1)).toBe(7)
  expect(manyBytes.seconds).toBeLessThan(59)
  const manyFiles = run({ ...world, files: 4_000, bytes: 30 })
  expect(manyFiles.large.at(-1)).toBe(1)
})

test('even work stays evenly divided', () => {
  const { large } = run({
    ...{ files: 400, bytes: 400, sessions: 8, filesBy: (n) => n, bytesBy: (n) => n },
  })
  expect(new Set(large)).toEqual(new Set([4]))
})

test('one session, and a number that changes', () => {
  const balance = new Balance()
  expect([1, 2, 3, 8, 16].map((sessions) => balance.largeOf(sessions))).toEqual([1, 1, 2, 4, 8])
})

test('nothing done on either side moves nothing; one that stands still is given more', () => {
  const balance = new Balance()
  const at = (now: number, small: number, large: number): void =>
    balance.look({ now, small: { done: small, left: 100 }, large: { done: large, left: 100 } }, 8)
  at(0, 0, 0)
  at(2_000, 0, 0)
  expect(balance.largeOf(8)).toBe(4)
  at(4_000, 50, 0)
  expect(balance.largeOf(8)).toBe(5)
  at(5_900, 50, 80)
  expect(balance.largeOf(8)).toBe(5)
  balance.interrupted()
  at(9_000, 50, 80)
  expect(balance.largeOf(8)).toBe(5)
})
