/** Tells the page what changes, by server-sent events: all of it first, then what is new, four times a second. */
import type { ServerResponse } from 'node:http'
import type { Changes } from './model.ts'

const EVERY_MS = 250
/** A page that does not read gets no more; it asks again when its connection is cut. */
const MOST_UNREAD_BYTES = 16 * 2 ** 20

/** Gives what has changed since it was last asked, `undefined` if nothing has. */
export type Watch = () => Changes | undefined

export function streamEvents(response: ServerResponse, watch: Watch): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  const tell = (): void => {
    const changes = watch()
    if (changes !== undefined) response.write(`data: ${JSON.stringify(changes)}\n\n`)
    if (response.writableLength > MOST_UNREAD_BYTES) response.destroy()
  }
  tell()
  const timer = setInterval(tell, EVERY_MS)
  response.on('close', () => clearInterval(timer))
}
