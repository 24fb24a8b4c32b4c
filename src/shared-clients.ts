/**
 * The clients of one-shots: calls to one server with the same credentials share one, which closes a second after
 * its last use, so that many calls at once are as polite as one client.
 */
import { isDeepStrictEqual } from 'node:util'
import { FtpClient } from './client.ts'
import type { FtpClientOptions } from './options.ts'
import { startIdleTimer } from './util/timer.ts'

/** How long a shared client outlives its last use. */
const LINGER_MS = 1_000

interface SharedClient {
  readonly options: FtpClientOptions
  readonly client: FtpClient
  users: number
  cancelClosing: () => void
}

export interface BorrowedClient {
  readonly client: FtpClient
  readonly giveBack: () => void
}

const sharedClients = new Set<SharedClient>()

/** A client for these options: one that is there, or a new one. `giveBack` is called once. */
export function borrowClient(options: FtpClientOptions): BorrowedClient {
  const shared = [...sharedClients].find((candidate) => isSame(candidate.options, options)) ?? share(options)
  shared.users += 1
  shared.cancelClosing()
  return { client: shared.client, giveBack: () => giveBack(shared) }
}

/**
 * Whether two values say the same. Only plain data is compared by what is in it: two secure contexts or two
 * functions look alike from outside and may trust different people.
 */
function isSame(a: unknown, b: unknown): boolean {
  if (isPlain(a) && isPlain(b)) {
    const names = Object.keys({ ...a, ...b })
    return names.every((name) => isSame(a[name], b[name]))
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSame(item, b[index]))
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) return isDeepStrictEqual(a, b)
  return Object.is(a, b)
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function share(options: FtpClientOptions): SharedClient {
  const shared = { options, client: new FtpClient(options), users: 0, cancelClosing: () => {} }
  sharedClients.add(shared)
  return shared
}

/** The timer and the idle connections let the process end before. */
function giveBack(shared: SharedClient): void {
  shared.users -= 1
  if (shared.users > 0) return
  shared.cancelClosing = startIdleTimer(LINGER_MS, () => {
    sharedClients.delete(shared)
    void shared.client.close()
  })
}
