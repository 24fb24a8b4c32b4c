/**
 * A name with several addresses, of which the first are dead: refused, filtered, or out of reach. The next one is
 * tried beside it; data connections go where the control connection went, and not where the name leads the next time.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../src/index.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { closedPort, filteredPort } from '../support/scripted/dead-port.ts'
import { answers, SEVERAL } from '../support/scripted/resolver.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { BRISK, clientOptions, CONTENT, PASSWORD, REMOTE, serving, SIZE, USER } from './support/attempt.ts'
import { failureOf } from './support/with-client.ts'

vi.mock('node:dns/promises', async (original) =>
  (await import('../support/scripted/resolver.ts')).resolving(original),
)

afterEach(() => void answers.splice(0))

/** A download of all of it by four connections, from a server at 127.0.0.1. */
async function download(options: FtpClientOptions = {}): Promise<void> {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT))
  await using client = new FtpClient(await clientOptions(server, { host: SEVERAL, ...options }))
  const result = await client.download(REMOTE, folder.at('file'), { connections: 4, minSegmentSize: 1_024 })
  expect(result).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
  expect(server.retrievals).toHaveLength(4)
}

test('the first refuses: the second serves', async () => {
  answers.push(['127.0.0.2', '127.0.0.1'])
  await expectNoLeaks(() => download())
})

test('the first is of a family that leads nowhere: the second serves', async () => {
  answers.push(['100::1', '127.0.0.1'])
  await expectNoLeaks(() => download())
})

test('each time in another order: the data go to the server of their control connection', async () => {
  answers.push(
    ['127.0.0.1', '127.0.0.2'],
    ['127.0.0.2', '127.0.0.1'],
    ['127.0.0.3', '127.0.0.2', '127.0.0.1'],
  )
  await expectNoLeaks(() => download())
})

test.runIf(process.platform === 'linux')(
  'the first is filtered: the second is tried beside it, long before the deadline',
  async () => {
    const { port, release } = await filteredPort('127.0.0.2')
    answers.push(['127.0.0.2', '127.0.0.1'])
    const greeter = await greetingAt(port)
    try {
      await expectNoLeaks(async () => {
        // What is said there ends the attempt: it was reached while the other one was still waited for.
        await using client = new FtpClient(optionsFor(port, { timeouts: { connect: 20_000 } }))
        expect(await failureOf(client.size(REMOTE))).toMatchObject({
          code: 'ERR_FTP_TOO_MANY_CONNECTIONS',
          reply: { code: 421 },
        })
      })
    } finally {
      greeter.close()
      await release()
    }
  },
)

test('all refuse: the error lists each, with its reason', async () => {
  const port = await closedPort('127.0.0.1')
  answers.push(['127.0.0.2', '127.0.0.3', '127.0.0.1'])
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using client = new FtpClient(optionsFor(port))
    const error = (await failureOf(client.download(REMOTE, folder.at('file')))) as Error
    expect(error).toMatchObject({
      name: 'FtpConnectionError',
      code: 'ERR_FTP_CONNECT',
      host: `${SEVERAL}:${port}`,
      attempts: ['127.0.0.2', '127.0.0.3', '127.0.0.1'].map((address) => ({
        address,
        port,
        error: { code: 'ECONNREFUSED' },
      })),
    })
    for (const address of ['127.0.0.2', '127.0.0.3', '127.0.0.1'])
      expect(error.message).toContain(`${address}: connection refused`)
  })
})

function optionsFor(port: number, more: FtpClientOptions = {}): FtpClientOptions {
  return { host: SEVERAL, port, security: 'none', user: USER, password: PASSWORD, retry: BRISK, ...more }
}

/** At 127.0.0.1: the same port elsewhere is another's. */
async function greetingAt(port: number): Promise<Server> {
  const server = createServer((socket) => void socket.on('error', () => {}).end('421 Come back later\r\n'))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
