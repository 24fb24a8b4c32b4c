/** Counts what a piece of code connects to, by the channel on which Node tells of each new client socket. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

const CHANNEL = 'net.client.socket'

/** Runs `work`, and gives the remote ports of the TCP connections that it made. */
export async function connectionsMade<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly made: readonly (number | undefined)[] }> {
  const made: (number | undefined)[] = []
  const onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket }
    socket.once('connect', () => made.push(socket.remotePort))
  }
  subscribe(CHANNEL, onSocket)
  try {
    return { result: await work(), made }
  } finally {
    unsubscribe(CHANNEL, onSocket)
  }
}
