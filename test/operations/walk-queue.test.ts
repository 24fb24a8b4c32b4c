/** What a walk does next, and who waits for whom. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WalkQueue } from '../../src/operations/walk-queue.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Whether a promise is settled, by now. */
async function isSettled(promise: Promise<unknown> | undefined): Promise<boolean> {
  let settled = false
  void promise?.then(() => (settled = true))
  await turn()
  return settled
}

async function taken<Place, Item>(
  queue: WalkQueue<Place, Item>,
): Promise<NonNullable<Awaited<ReturnType<typeof queue.take>>>> {
  const work = await queue.take()
  if (work === undefined) throw new Error('There is nothing to take')
  return work
}

describe('the queue of a walk', () => {
  it('goes deep before it goes on, in the order that was told', async () => {
    const queue = new WalkQueue<string, never>(10)
    queue.add(['a', 'b'])
    const { place, sheet } = await taken(queue)
    queue.add([`${place}/1`, `${place}/2`])
    queue.end(sheet)
    const order: string[] = []
    for (let at = 0; at < 3; at++) {
      const next = await taken(queue)
      order.push(next.place)
      queue.end(next.sheet)
    }
    expect([place, ...order]).toEqual(['a', 'a/1', 'a/2', 'b'])
    expect([await queue.take(), await queue.batch()]).toEqual([undefined, undefined])
  })

  it('waits for places that one at work may still add', async () => {
    const queue = new WalkQueue<string, never>(10)
    queue.add(['a'])
    const { sheet } = await taken(queue)
    const [next, batch] = [queue.take(), queue.batch()]
    expect([await isSettled(next), await isSettled(batch)]).toEqual([false, false])
    queue.end(sheet)
    expect([await next, await batch]).toEqual([undefined, undefined])
  })

  it('lets nobody but the first go on where the reader is slow', async () => {
    const queue = new WalkQueue<string, number>(2)
    queue.add(['a', 'b', 'c'])
    const [a, b] = [await taken(queue), await taken(queue)]
    expect([queue.put(b.sheet, 1), queue.put(a.sheet, 2)]).toEqual([undefined, undefined])
    const waits = [queue.put(a.sheet, 3), queue.take()] as const
    expect(queue.put(b.sheet, 4)).toBe(undefined) // The first: the reader may be waiting for it.
    const first = queue.put(b.sheet, 5)
    expect(await Promise.all([...waits, first].map(isSettled))).toEqual([false, false, false])
    expect(await queue.batch()).toEqual([1, 4])
    expect(await isSettled(first)).toBe(true)
    queue.end(b.sheet)
    expect(await queue.batch()).toEqual([5])
    expect(await Promise.all(waits.map(isSettled))).toEqual([false, false])
    const last = queue.batch()
    expect(await last).toEqual([2])
    expect(await isSettled(waits[0])).toBe(true)
    queue.end(a.sheet)
    expect(await queue.batch()).toEqual([3])
    void queue.batch()
    expect((await waits[1])?.place).toBe('c')
  })

  it('leaves nobody waiting when it is stopped', async () => {
    const queue = new WalkQueue<string, number>(1)
    queue.add(['a', 'b', 'c'])
    const [a, b] = [await taken(queue), await taken(queue)]
    void queue.put(a.sheet, 1)
    const waiting: (Promise<unknown> | undefined)[] = [queue.put(a.sheet, 2), queue.put(b.sheet, 3)]
    waiting.push(queue.take())
    queue.stop()
    expect(await Promise.all(waiting.map(isSettled))).toEqual([true, true, true])
    expect(await queue.batch()).toBe(undefined)
  })

  it('hands out everything once, and all of a place together', async () => {
    const world = fc.record({
      mostAhead: fc.integer({ min: 1, max: 5 }),
      workers: fc.integer({ min: 1, max: 6 }),
      counts: fc.array(fc.nat(9), { minLength: 1, maxLength: 20 }),
      turns: fc.infiniteStream(fc.boolean()),
    })
    await fc.assert(
      fc.asyncProperty(world, async ({ mostAhead, workers, counts, turns }) => {
        const queue = new WalkQueue<number, number>(mostAhead)
        const rest = counts.map((_, place) => place)
        queue.add(rest.splice(0, 1))
        const sometimes = async (): Promise<void> => {
          if (turns.next().value) await turn()
        }
        const work = async (): Promise<void> => {
          for (let next = await queue.take(); next !== undefined; next = await queue.take()) {
            for (let at = 0; at < (counts[next.place] ?? 0); at++) {
              await sometimes()
              await queue.put(next.sheet, next.place)
            }
            queue.add(rest.splice(0, 3))
            queue.end(next.sheet)
          }
        }
        const running = Array.from({ length: workers }, work)
        const read: number[] = []
        for (let batch = await queue.batch(); batch !== undefined; batch = await queue.batch()) {
          read.push(...batch)
          await sometimes()
        }
        await Promise.all(running)
        const runs = read.filter((place, at) => place !== read[at - 1])
        expect(runs).toHaveLength(new Set(runs).size)
        expect(read.toSorted((a, b) => a - b)).toEqual(
          counts.flatMap((count, place) => Array.from({ length: count }, () => place)),
        )
      }),
      { numRuns: 200 },
    )
  })
})
