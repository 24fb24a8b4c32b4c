import { expect, test } from 'vitest'
import { allOf } from '../../src/local/all-of.ts'
import { deferred } from '../../src/util/deferred.ts'

test('keeps the order, and no more at once than said', async () => {
  let now = 0
  let most = 0
  const results = await allOf([5, 4, 3, 2, 1, 0], 2, async (turns) => {
    most = Math.max(most, ++now)
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    now--
    return turns * 10
  })
  expect(results).toEqual([50, 40, 30, 20, 10, 0])
  expect(most).toBe(2)
})

test('a failure begins nothing more, and is told when nothing is under way', async () => {
  const begun: number[] = []
  const slow = deferred<undefined>()
  const all = allOf([0, 1, 2, 3], 2, async (item) => {
    begun.push(item)
    if (item === 1) throw new Error('no')
    await slow.promise
  })
  let isTold = false
  const told = expect(all.finally(() => (isTold = true))).rejects.toThrow('no')
  await new Promise(setImmediate)
  expect(isTold).toBe(false)
  slow.resolve(undefined)
  await told
  expect(begun).toEqual([0, 1])
})
