/** What a SOCKS proxy may answer, or not. */
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { socksProxy } from '../../../src/proxy.ts'
import type { Connect } from '../../../src/index.ts'
import { scriptedProxy, type ScriptedProxy } from '../../support/scripted-proxy.ts'
import { asked, firstOf, refusal, SECRET } from './refusals.ts'

const through = ({ port }: { port: number }, scheme = 'socks5h'): Connect =>
  socksProxy(`${scheme}://carl:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`)

const GRANTED = '\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x00'

/** A proxy whose answers to the greeting, the login and the request are these. */
function answering(...answers: readonly (string | ((socket: Socket) => void))[]): Promise<ScriptedProxy> {
  const counts = new Map<Socket, number>()
  return scriptedProxy((socket) => {
    const count = counts.get(socket) ?? 0
    counts.set(socket, count + 1)
    const answer = answers[count]
    if (typeof answer === 'string') socket.write(answer, 'latin1')
    else answer?.(socket)
  })
}

test('what it is asked: the login, and the name as it is', async () => {
  const proxy = await answering('\x05\x02', '\x01\x00', GRANTED)
  const carrier = await asked(through(proxy))
  carrier.destroy()
  const login = `\x01\x04carl\x0e${SECRET}`
  expect(proxy.received).toEqual([`\x05\x02\x00\x02${login}\x05\x01\x00\x03\x0bserver.test\x08\x49`])
})

test('SOCKS 4a: the name; SOCKS 4: an address', async () => {
  const proxy = await scriptedProxy((socket) => socket.write('\x00\x5a\x00\x00\x00\x00\x00\x00', 'latin1'))
  for (const [scheme, host] of [
    ['socks4a', 'server.test'],
    ['socks4', 'localhost'],
  ] as const) {
    const carrier = await asked(socksProxy(`${scheme}://carl@127.0.0.1:${proxy.port}`), { host })
    carrier.destroy()
  }
  expect(proxy.received).toEqual([
    '\x04\x01\x08\x49\x00\x00\x00\x01carl\x00server.test\x00',
    '\x04\x01\x08\x49\x7f\x00\x00\x01carl\x00',
  ])
})

test.each([
  ['in the same packet', (socket: Socket) => socket.write(`${GRANTED}220 ready\r\n`, 'latin1')],
  ['with the end of the connection', (socket: Socket) => socket.end(`${GRANTED}220 ready\r\n`, 'latin1')],
])('what the server says %s is not lost', async (_how, answer) => {
  const carrier = await asked(through(await answering('\x05\x00', answer)))
  // As long as whoever it is for takes to listen.
  await new Promise((resolve) => setImmediate(resolve))
  expect(await firstOf(carrier)).toBe('220 ready\r\n')
  carrier.destroy()
})

describe('one that refuses, or is none', () => {
  test.each<[string, readonly (string | ((socket: Socket) => void))[], boolean, RegExp]>([
    ['no login that we have', ['\x05\xff'], false, /Check user and password/],
    ['the login', ['\x05\x02', '\x01\x01'], false, /Authentication failed\. Check user and password/],
    ['the connection', ['\x05\x00', '\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00'], true, /rejected connection/],
    ['it is not SOCKS', ['HTTP/1.1 400 Bad\r\n'], true, /no connection to server\.test:2121/],
    ['it closes', [(socket) => socket.end()], true, /Socket closed/],
    [
      'it closes half-way',
      ['\x05\x00', (socket) => socket.end(GRANTED.slice(0, 5), 'latin1')],
      true,
      /Socket closed/,
    ],
    ['it resets', [(socket) => socket.resetAndDestroy()], true, /ECONNRESET|closed/],
  ])('%s', async (_what, answers, retryable, message) => {
    const error = await refusal(through(await answering(...answers)))
    expect(error).toMatchObject({ code: 'ERR_FTP_CONNECT', retryable })
    expect(error.message).toMatch(message)
  })

  test('is silent: the deadline of the phase', async () => {
    expect(await refusal(through(await answering()), { timeoutMs: 200 })).toMatchObject({ phase: 'connect' })
  })

  test.each([0, 1])('is silent behind %i answers: an abort', async (count) => {
    const reason = new Error('enough')
    const stop = new AbortController()
    const answers = ['\x05\x00', GRANTED].slice(0, count)
    const proxy = await answering(...answers, () => stop.abort(reason))
    expect(await refusal(through(proxy), { signal: stop.signal })).toBe(reason)
  })

  test('a name that is too long, and IPv6 by SOCKS 4', async () => {
    const proxy = await answering()
    expect(await refusal(through(proxy), { host: 'x'.repeat(256) })).toMatchObject({
      code: 'ERR_FTP_CONNECT',
    })
    const error = await refusal(socksProxy(`socks4://127.0.0.1:${proxy.port}`), { host: '::1' })
    expect(error.message).toContain('SOCKS 4 has no IPv6')
  })
})
