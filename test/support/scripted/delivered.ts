import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const LONGEST_WAIT_MS = 5_000
const WHERE_THE_KERNEL_TELLS_NOTHING_MS = 50

/**
 * Waits until the peer's kernel has every byte that was written. A reset throws away what still stands in the
 * send queue, so "n bytes, then RST" is only true after this. Linux tells the queue in /proc/net/tcp; elsewhere
 * a short pause has to do.
 */
export async function delivered(socket: Socket): Promise<void> {
  const deadline = performance.now() + LONGEST_WAIT_MS
  while (!socket.destroyed && performance.now() < deadline) {
    const unsent = socket.writableLength === 0 ? await unacknowledged(socket) : 1
    if (unsent === 0) return
    if (unsent === undefined) return sleep(WHERE_THE_KERNEL_TELLS_NOTHING_MS)
    await sleep(1)
  }
}

/** Bytes in the kernel's send queue; `undefined` where that cannot be known. */
async function unacknowledged(socket: Socket): Promise<number | undefined> {
  const ends = `${portHex(socket.localPort)} ${portHex(socket.remotePort)}`
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readTable))
  for (const line of tables.join('\n').split('\n')) {
    const [, local, remote, , queues] = line.trim().split(/\s+/)
    if (local === undefined || remote === undefined || queues === undefined) continue
    if (`${local.split(':')[1]} ${remote.split(':')[1]}` === ends) {
      return Number.parseInt(queues.split(':')[0] ?? '', 16)
    }
  }
  return undefined
}

function readTable(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(() => '')
}

function portHex(port: number | undefined): string {
  return (port ?? 0).toString(16).toUpperCase().padStart(4, '0')
}
