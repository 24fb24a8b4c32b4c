import { expect, test } from 'vitest'
import type { TransferProgress } from '../../src/index.ts'
import { together } from '../../src/transfer/together.ts'

function progress(facts: Partial<TransferProgress>): TransferProgress {
  return {
    bytes: 0,
    total: 0,
    fraction: 1,
    bytesPerSecond: 0,
    averageBytesPerSecond: 0,
    etaSeconds: undefined,
    elapsedSeconds: 0,
    files: undefined,
    activeConnections: 0,
    segments: [],
    ...facts,
  }
}

test('adds up what can be added, and takes the longest time', () => {
  const first = { bytes: 100, total: 400, bytesPerSecond: 10, averageBytesPerSecond: 20, elapsedSeconds: 5 }
  const second = { bytes: 50, total: 100, bytesPerSecond: 40, averageBytesPerSecond: 5, elapsedSeconds: 10 }
  expect(
    together([progress({ ...first, activeConnections: 2 }), progress({ ...second, activeConnections: 1 })]),
  ).toEqual({
    transfers: 2,
    bytes: 150,
    total: 500,
    bytesPerSecond: 50,
    averageBytesPerSecond: 25,
    etaSeconds: 7,
    elapsedSeconds: 10,
    activeConnections: 3,
  })
})

test('says nothing of what is not known', () => {
  const unknown = together([
    progress({ bytes: 5, total: undefined, bytesPerSecond: 1 }),
    progress({ total: 10 }),
  ])
  expect(unknown).toMatchObject({ bytes: 5, total: undefined, etaSeconds: undefined })
  expect(together([progress({ bytes: 5, total: 10 })]).etaSeconds).toBeUndefined()
  expect(together([progress({ bytes: 10, total: 10 })]).etaSeconds).toBe(0)
})

test('nothing is nothing', () => {
  expect(together([])).toMatchObject({
    transfers: 0,
    bytes: 0,
    total: 0,
    elapsedSeconds: 0,
    activeConnections: 0,
  })
})
