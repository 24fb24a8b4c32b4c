/** `octoftp ls`: a directory, or what is known of a file. */
import { FtpReplyError, type Entry, type FtpClient } from '../../index.ts'
import type { CommandContext, RunCommand } from '../command.ts'
import { withClient, type ConnectionOptions } from '../connection-options.ts'
import { EXIT } from '../exit.ts'
import { readPlace, warning, withoutLastSlash, type Place } from '../place.ts'
import { entryFacts, entryLines, sorted } from '../text/entry-text.ts'

interface LsOptions extends ConnectionOptions {
  readonly long?: boolean
  readonly recursive?: boolean
}

export const run: RunCommand<LsOptions> = async (context, [at = ''], options) => {
  const place = await readPlace(at, warning(context.output))
  await withClient(place, options, (client) =>
    context.output.options.json
      ? printEach(context, entriesOf(context, client, place, options))
      : printAll(context, entriesOf(context, client, place, options), options),
  )
  return EXIT.fine
}

/** As they come. */
async function printEach({ output }: CommandContext, entries: AsyncIterable<Entry>): Promise<void> {
  for await (const entry of entries) output.event('entry', entryFacts(entry))
}

async function printAll(
  { output }: CommandContext,
  entries: AsyncIterable<Entry>,
  { long }: LsOptions,
): Promise<void> {
  const all: Entry[] = []
  for await (const entry of entries) all.push(entry)
  for (const { text, style } of entryLines(sorted(all), { isLong: long === true })) output.print(text, style)
}

async function* entriesOf(
  { signal }: CommandContext,
  client: FtpClient,
  { url }: Place,
  { recursive }: LsOptions,
): AsyncGenerator<Entry> {
  const path = withoutLastSlash(url.path)
  if (recursive === true) {
    yield* client.walk(path, { signal })
    return
  }
  try {
    yield* client.list(path, { signal })
  } catch (error) {
    // A file has no listing, and many servers call it missing then.
    const isRefused = error instanceof FtpReplyError && error.code !== 'ERR_FTP_LOGIN' && !url.directory
    if (!isRefused) throw error
    yield await client.stat(path, { signal }).catch(() => Promise.reject(error as Error))
  }
}
