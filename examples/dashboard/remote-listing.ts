/** A directory of the server, streamed to the page in lines of many entries, at the page's pace. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Entry, FtpClient } from 'octoftp'
import { failureOf } from './failures.ts'
import type { ListingLine, Row } from './model.ts'

const ENTRIES_A_LINE = 1_000

export async function streamListing(
  client: FtpClient,
  path: string,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  response.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' })
  try {
    let rows: Row[] = []
    for await (const entry of client.list(path, { signal: gone.signal })) {
      rows.push(rowOf(entry))
      if (rows.length < ENTRIES_A_LINE) continue
      await write(response, rows, gone.signal)
      rows = []
    }
    await write(response, rows, gone.signal)
    await write(response, { end: true }, gone.signal)
  } catch (error) {
    if (!gone.signal.aborted) await write(response, { error: failureOf(error) }, gone.signal)
  }
  response.end()
}

function rowOf({ type, name, size, modifiedAt, modifiedPrecision }: Entry): Row {
  return [type, name, size ?? null, modifiedAt?.getTime() ?? null, modifiedPrecision ?? null]
}

async function write(response: ServerResponse, line: ListingLine, signal: AbortSignal): Promise<void> {
  if (!response.write(`${JSON.stringify(line)}\n`)) await once(response, 'drain', { signal })
}
