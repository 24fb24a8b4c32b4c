/** A proxy in this process that says what a test says. */
import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { OpenSockets } from './scripted/open-sockets.ts'

export interface ScriptedProxy {
  readonly port: number
  /** What each connection has sent, a byte a character, in their order. */
  readonly received: readonly string[]
}

/** Answers each chunk of a connection by `answer`; for this test. */
export async function scriptedProxy(
  answer: (socket: Socket, chunk: Buffer, sofar: string) => void,
): Promise<ScriptedProxy> {
  const sockets = new OpenSockets()
  onTestFinished(() => sockets.closeAll())
  const received: string[] = []
  const server = createServer((socket) => {
    sockets.hold(socket)
    const at = received.push('') - 1
    socket.on('data', (chunk) => {
      const sofar = (received[at] ?? '') + chunk.toString('latin1')
      received[at] = sofar
      answer(socket, chunk, sofar)
    })
  })
  return { received, port: await sockets.listen(server, '127.0.0.1') }
}
