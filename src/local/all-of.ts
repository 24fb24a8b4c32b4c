/** Work on many things, a few at a time. */

/** The results of `work` in the order of `items`. After a failure no further item is begun, and none is under way. */
export async function allOf<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const waiting = items.entries()
  let hasFailed = false
  // Shared by all: each takes the next one.
  const worker = async (): Promise<void> => {
    for (const [at, item] of waiting) {
      if (hasFailed) return
      results[at] = await work(item)
    }
  }
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    try {
      await worker()
    } catch (error) {
      hasFailed = true
      throw error
    }
  })
  await Promise.allSettled(workers)
  await Promise.all(workers)
  return results
}
