/** `octoftp rm`: removes files, and directories with all that is in them. */
import type { RunCommand } from '../command.ts'
import { withClients, type ConnectionOptions } from '../connection-options.ts'
import { UsageError } from '../failures.ts'
import { isWhole } from '../guarded-path.ts'
import { oneByOne } from '../one-by-one.ts'
import { readPlace, warning, withoutLastSlash } from '../place.ts'

interface RmOptions extends ConnectionOptions {
  readonly recursive?: boolean
  readonly force?: boolean
}

export const run: RunCommand<RmOptions> = async (context, urls, options) => {
  const { output, signal } = context
  const { recursive, force } = options
  const places = await Promise.all(urls.map((url) => readPlace(url, warning(output))))
  const root = places.find(({ url }) => isWhole(Buffer.from(url.path).toString('latin1')))
  if (root !== undefined)
    throw new UsageError(`${root.text} is the directory of the login or the root: name something in it`)
  return withClients(options, (clientOf) =>
    oneByOne(
      context,
      places,
      ({ text }) => text,
      async (place) => {
        const client = await clientOf(place)
        await client.remove(withoutLastSlash(place.url.path), { recursive, force, signal })
        output.event('removed', { url: place.text })
      },
    ),
  )
}
