/** All segments of one download, by as many workers as there are connections. */
import { onAbort } from '../util/abort.ts'
import { Crew, type CrewOptions } from './crew.ts'

/** How often it is looked whether there is something to take over. Milliseconds. */
const LOOK_EVERY_MS = 100
/** How often it is looked whether more connections are of use. Milliseconds. */
const ADJUST_EVERY_MS = 50

/** Resolves when every byte is on disk and every seam agrees. */
export async function fetchAll(options: CrewOptions): Promise<void> {
  const { context, roster } = options
  const crew = new Crew(options)
  const stopFollowing = [
    onAbort(context.signal, (reason) => crew.stop(reason)),
    context.gate.onChange(() => crew.gateChanged()),
    roster.onChange(() => crew.rosterChanged()),
    ...options.sources.map(({ place }) =>
      place.pool.onLimited((error) => {
        context.emit('connection', { type: 'refused', connection: undefined, error })
      }),
    ),
  ]
  const look = setInterval(() => crew.look(), LOOK_EVERY_MS).unref()
  const adjust = options.controller && setInterval(() => crew.adjust(), ADJUST_EVERY_MS).unref()
  try {
    const workers = Array.from({ length: options.connections }, (_, index) => crew.work(index))
    // Those of sources that no worker has begun with.
    for (const { kept } of options.sources) kept.release()
    crew.gateChanged()
    // Not before all have ended may the file be closed or fetched anew.
    await Promise.allSettled(workers)
    crew.throwIfFailed()
  } finally {
    clearInterval(look)
    clearInterval(adjust)
    for (const unfollow of stopFollowing) unfollow()
  }
  await crew.trust.compareLast()
}
