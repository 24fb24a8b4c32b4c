/** What an HTTP proxy may answer, or not. */
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { httpProxy } from '../../../src/proxy.ts'
import type { Connect } from '../../../src/index.ts'
import { closedPort } from '../../support/scripted/dead-port.ts'
import { scriptedProxy, type ScriptedProxy } from '../../support/scripted-proxy.ts'
import { asked, firstOf, refusal, SECRET } from './refusals.ts'

const HEAD_END = '\r\n\r\n'

/** A proxy that gives this answer to whatever is asked of it. */
function answering(answer: string | ((socket: Socket) => void)): Promise<ScriptedProxy> {
  return scriptedProxy((socket, _chunk, sofar) => {
    if (!sofar.endsWith(HEAD_END)) return
    if (typeof answer === 'string') socket.write(answer, 'latin1')
    else answer(socket)
  })
}

const through = ({ port }: { port: number }): Connect =>
  httpProxy(`http://carl:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`)

test('what it is asked: CONNECT, the name as it is, and the login', async () => {
  const proxy = await answering(`HTTP/1.1 200 Connection established${HEAD_END}`)
  for (const host of ['server.test', '2001:db8::1']) (await asked(through(proxy), { host })).destroy()
  const basic = Buffer.from(`carl:${SECRET}`).toString('base64')
  const [named, addressed] = proxy.received.map((text) => text.split('\r\n'))
  expect(named?.[0]).toBe('CONNECT server.test:2121 HTTP/1.1')
  expect(named).toContain('Host: server.test:2121')
  expect(named).toContain(`Proxy-Authorization: Basic ${basic}`)
  expect(addressed?.[0]).toBe('CONNECT [2001:db8::1]:2121 HTTP/1.1')
})

test.each([200, 204, 299])('a %i is a connection, and what comes behind it is the server', async (status) => {
  const proxy = await answering(`HTTP/1.1 ${status} Yes\r\nContent-Length: 5${HEAD_END}220 ready\r\n`)
  const carrier = await asked(through(proxy))
  expect(await firstOf(carrier)).toBe('220 ready\r\n')
  carrier.destroy()
})

test.each([
  [407, false, /407 Words\. Check user and password/],
  [403, false, /403 Words\. It may allow certain ports only/],
  [302, false, /302 Words/],
  [502, true, /502 Words\. It may not reach the server/],
])('a %i is a refusal: ERR_FTP_CONNECT with the status', async (statusCode, retryable, message) => {
  const proxy = await answering(`HTTP/1.1 ${statusCode} Words\r\nContent-Length: 100000${HEAD_END}and more`)
  const error = await refusal(through(proxy))
  expect(error).toMatchObject({ code: 'ERR_FTP_CONNECT', retryable, cause: { statusCode } })
  expect(error.message).toMatch(message)
  expect(error.message).toContain(
    `The HTTP proxy 127.0.0.1:${proxy.port} refuses a connection to server.test:2121`,
  )
})

test('a proxy that echoes the login shows it nowhere', async () => {
  const basic = Buffer.from(`carl:${SECRET}`).toString('base64')
  const proxy = await answering(`HTTP/1.1 403 No ${basic} ${SECRET}\r\nX: ${basic}${HEAD_END}${SECRET}`)
  expect((await refusal(through(proxy))).message).toContain('403 No **** ****')
  const broken = await answering(`HTTP/1.1 200 Yes\r\nbroken ${basic} ${SECRET}${HEAD_END}`)
  expect((await refusal(through(broken))).message).toContain('does not answer as an HTTP proxy')
})

describe('one that is none', () => {
  test.each<[string, string | ((socket: Socket) => void), RegExp]>([
    ['speaks FTP', '220 ready\r\n', /does not answer as an HTTP proxy/],
    ['closes without a word', (socket) => socket.end(), /closed the connection without an answer/],
    ['resets', (socket) => socket.resetAndDestroy(), /closed the connection without an answer/],
    ['closes in the middle', (socket) => socket.end('HTTP/1.1 200 Y'), /HTTP proxy/],
    ['never ends its header', `HTTP/1.1 200 Yes\r\nX: ${'x'.repeat(12_000)}`, /HPE_HEADER_OVERFLOW/],
  ])('%s', async (_what, answer, message) => {
    const error = await refusal(through(await answering(answer)))
    expect(error).toMatchObject({ code: 'ERR_FTP_CONNECT' })
    expect(error.message).toMatch(message)
  })

  test('is silent: the deadline of the phase', async () => {
    const proxy = await scriptedProxy(() => {})
    expect(await refusal(through(proxy), { timeoutMs: 200 })).toMatchObject({ phase: 'connect' })
  })

  test('is silent: an abort', async () => {
    const reason = new Error('enough')
    const stop = new AbortController()
    const proxy = await answering(() => stop.abort(reason))
    expect(await refusal(through(proxy), { signal: stop.signal })).toBe(reason)
  })

  test('is not there', async () => {
    const port = await closedPort('127.0.0.1')
    const error = await refusal(through({ port }))
    expect(error).toMatchObject({ code: 'ERR_FTP_CONNECT', host: `127.0.0.1:${port}` })
  })

  test('is asked for TLS and has none', async () => {
    const { port } = await scriptedProxy((socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n'))
    const connect = httpProxy(`https://carl:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`)
    expect(await refusal(connect)).toMatchObject({ code: 'ERR_FTP_TLS_HANDSHAKE' })
  })
})
