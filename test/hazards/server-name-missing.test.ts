/** SNI (RFC 6066): a server with several names gets the one that was asked for, on both channels; an address is none. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { download } from '../../src/index.ts'
import { certificate } from '../support/certificates.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { BRISK } from './support/attempt.ts'

const FILE = 'hello, octopus'

test.each([
  ['localhost', 'localhost'],
  ['127.0.0.1', false],
])('host %s: server name %s', async (host, name) => {
  await using folder = await temporaryDirectory()
  const { key, cert, ca } = await certificate()
  const named: unknown[] = []
  const data = createServer({ key, cert }, (socket) => {
    named.push(socket.servername)
    socket.on('error', () => {})
    socket.end(FILE)
  }).listen(0, '127.0.0.1')
  const control = createServer({ key, cert }, (socket) => {
    named.push(socket.servername)
    answer(socket, (data.address() as AddressInfo).port)
  }).listen(0, '127.0.0.1')
  await Promise.all([once(data, 'listening'), once(control, 'listening')])
  try {
    const { port } = control.address() as AddressInfo
    await download(`ftps://${host}:${port}/hello.txt`, folder.at('hello.txt'), {
      tls: { ca },
      family: 4,
      retry: BRISK,
    })
    expect(await readFile(folder.at('hello.txt'), 'utf8')).toBe(FILE)
    expect(named).toEqual([name, name])
  } finally {
    control.close()
    data.close()
  }
})

/** As much of a server as one small file needs. */
function answer(socket: TLSSocket, dataPort: number): void {
  const replies: Record<string, string> = {
    USER: '230 Come in',
    SIZE: `213 ${FILE.length}`,
    EPSV: `229 Here (|||${dataPort}|)`,
    RETR: '150 Here\r\n226 Done',
    MDTM: '213 20240229123456',
    FEAT: '502 No',
    QUIT: '221 Bye',
  }
  socket.on('error', () => {})
  socket.write('220 ready\r\n')
  let unread = ''
  socket.on('data', (chunk) => {
    const lines = (unread + String(chunk)).split('\r\n')
    unread = lines.pop() ?? ''
    for (const line of lines) socket.write(`${replies[line.split(' ')[0] ?? ''] ?? '200 Fine'}\r\n`)
  })
}
