import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** A port where nobody listens: connecting is refused at once. */
export async function closedPort(host: string): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('the listener has no port')
  return address.port
}

export interface FilteredPort {
  port: number
  release: () => Promise<void>
}

/**
 * A port that never answers a SYN, as behind a filtering firewall. A thread listens with the smallest backlog
 * and then sleeps, so nothing is ever accepted; two connections fill the queue, and Linux drops every further
 * SYN. (Windows would refuse instead.)
 */
export async function filteredPort(host: string): Promise<FilteredPort> {
  const awake = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(SLEEPING_LISTENER, { eval: true, workerData: { host, awake } })
  const [port] = (await once(worker, 'message')) as [number]
  const fillers = await filledQueue(host, port)
  const release = async (): Promise<void> => {
    for (const socket of fillers) socket.destroy()
    Atomics.store(awake, 0, 1)
    Atomics.notify(awake, 0)
    await worker.terminate()
  }
  return { port, release }
}

// Linux holds backlog + 1 connections in the queue. A backlog of 0 means 511 to Node.
async function filledQueue(host: string, port: number): Promise<Socket[]> {
  const fillers = [connect(port, host), connect(port, host)]
  await Promise.all(fillers.map((socket) => once(socket, 'connect')))
  for (const socket of fillers) socket.on('error', () => undefined)
  return fillers
}

const SLEEPING_LISTENER = `
  const { parentPort, workerData } = require('node:worker_threads')
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: workerData.host, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(workerData.awake, 0, 0)
  })
`
