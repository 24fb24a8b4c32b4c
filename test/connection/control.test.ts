import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { command } from '../../src/protocol/command.ts'
import { secureIdentity } from '../../src/tls/secure-options.ts'
import { certificate } from '../support/certificates.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { controlTo } from './controlled.ts'

const NOOP = command('NOOP')
const SECRET = 'hunter2-secret'
const LONG_MS = 10_000

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => Promise.reject(new Error(`it gave ${inspect(value)}`)),
    (error: unknown) => error,
  )

describe('replies', () => {
  test('are whole wherever they are cut, preliminary ones included', async () => {
    const replies = '220-Hello\r\n230 not yet\r\n220 there\r\n150 soon\r\n226-\r\n226 done'
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), async (size) => {
        await using server = await scriptedServer((control) => control.replyInPieces(replies, size))
        const control = await controlTo(server)
        const next = () => control.nextReply(LONG_MS, 'reply')
        expect([await next(), await next(), await next()]).toEqual([
          { code: 220, lines: ['Hello', '230 not yet', 'there'] },
          { code: 150, lines: ['soon'] },
          { code: 226, lines: ['', 'done'] },
        ])
        control.destroy(new Error('over'))
      }),
      { numRuns: 10 },
    )
  })

  test('that came before a command was written are not taken for its answer', async () => {
    await using server = await scriptedServer(async (control) => {
      control.reply('220 ready', '226 late', '451 later')
      await control.expect('NOOP').reply('200 this one')
    })
    const control = await controlTo(server)
    await control.nextReply(LONG_MS, 'greeting')
    await new Promise((resolve) => setImmediate(resolve))
    expect(await control.request(NOOP, LONG_MS)).toMatchObject({ code: 200 })
    control.destroy(new Error('over'))
  })

  test('that had begun before a command was written are not, either', async () => {
    await using server = await scriptedServer(async (control) => {
      control.send('220 ready\r\n\r')
      await control.expect('NOOP')
      control.send('\n200 this one\r\n226-late')
      await control.expect('PWD')
      control.send('\r\n226 later\r\n')
      control.reply('257 "/" is it')
    })
    const control = await controlTo(server)
    await control.nextReply(LONG_MS, 'greeting')
    expect(await control.request(NOOP, LONG_MS)).toMatchObject({ code: 200 })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await control.request(command('PWD'), LONG_MS)).toMatchObject({ code: 257 })
    control.destroy(new Error('over'))
  })

  test('without an end, to commands that nobody has sent, end the connection', async () => {
    await using server = await scriptedServer(async (control) => {
      control.reply('220 ready', ...Array.from({ length: 200 }, () => '200 and one more'))
      await control.silence()
    })
    const control = await controlTo(server)
    await control.nextReply(LONG_MS, 'greeting')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await rejection(control.request(NOOP, LONG_MS))).toMatchObject({
      ...{ code: 'ERR_FTP_MALFORMED_REPLY', received: '200 and one more' },
    })
  })

  test('a request waits out the preliminary ones, and learns the round trip', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.expect('SITE SLOW')
      control.reply('150 wait', '120 wait longer')
      control.reply('200 done')
    })
    const control = await controlTo(server)
    expect(control.roundTripMs).toBe(Infinity)
    expect(await control.request(command('SITE', 'SLOW'), LONG_MS)).toMatchObject({ code: 200 })
    expect(control.roundTripMs).toBeLessThan(LONG_MS)
    control.destroy(new Error('over'))
  })

  test('what a dying server said last is still read', async () => {
    await using server = await scriptedServer(async (control) => {
      control.reply('220 ready', '211 known')
      await control.end()
    })
    const control = await controlTo(server)
    await new Promise((resolve) => control.onClose(resolve))
    expect([
      await control.nextReply(LONG_MS, 'reply'),
      await control.nextReply(LONG_MS, 'reply'),
    ]).toMatchObject([{ code: 220 }, { code: 211 }])
    expect(await rejection(control.nextReply(LONG_MS, 'reply'))).toMatchObject({
      code: 'ERR_FTP_CONTROL_CLOSED',
    })
  })
})

describe('the end of the connection', () => {
  test('after a 421 explains itself by it', async () => {
    await using server = await scriptedServer(async (control) => {
      control.reply('421 Timeout (300 seconds): closing control connection.')
      await control.end()
    })
    const control = await controlTo(server)
    await new Promise((resolve) => control.onClose(resolve))
    const error = (await rejection(control.request(NOOP, LONG_MS))) as Error
    expect(error).toMatchObject({
      code: 'ERR_FTP_CONTROL_CLOSED',
      retryable: true,
      host: 'ftp.test:21',
      address: '127.0.0.1',
    })
    expect(error.message).toContain('Timeout (300 seconds)')
    expect(control.isOpen).toBe(false)
  })

  test('by a reset: says that it was lost, with the cause', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.expect('NOOP')
      await control.reset()
    })
    const control = await controlTo(server)
    const error = await rejection(control.request(NOOP, LONG_MS))
    expect(error).toMatchObject({ code: 'ERR_FTP_CONTROL_CLOSED', cause: { code: 'ECONNRESET' } })
  })

  test('is told once to whoever listens, and not to who has left', async () => {
    await using server = await scriptedServer(() => undefined)
    const control = await controlTo(server)
    const told: unknown[] = []
    control.onClose((reason) => told.push(reason))
    control.onClose(() => told.push('left'))()
    const reason = new Error('enough')
    control.destroy(reason)
    control.destroy(new Error('again'))
    expect(told).toEqual([reason])
  })
})

describe('destroy', () => {
  test('rejects the wait under way and every later one with its reason, untouched, and leaves nothing', async () => {
    const reason = { not: 'an error' }
    await using server = await scriptedServer((control) => control.silence())
    await expectNoLeaks(async () => {
      const control = await controlTo(server)
      const waiting = control.request(NOOP, LONG_MS)
      control.destroy(reason)
      control.destroy(new Error('another'))
      await expect(waiting).rejects.toBe(reason)
      await expect(control.request(NOOP, LONG_MS)).rejects.toBe(reason)
      await expect(control.upgrade(secureIdentity({}, 'localhost'), LONG_MS)).rejects.toBe(reason)
      await server.connections[0]?.closed
    })
  })
})

describe('a silent server', () => {
  test('fails the connection for good, since the answer may still come', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.expect('RETR a')
      await control.silence()
    })
    const control = await controlTo(server)
    const error = await rejection(control.request(command('RETR', 'a'), 30))
    expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'reply', afterMs: 30, command: 'RETR a' })
    expect(control.isOpen).toBe(false)
    await expect(control.request(NOOP, LONG_MS)).rejects.toBe(error)
  })

  test('that says "wait" for ever: one deadline for all of it', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.expect('NOOP')
      // Each of them well within the deadline, and an answer in the end for whoever lets himself be put off.
      for (let said = 0; said < 60; said++) {
        control.reply('150 wait')
        await control.delay(20)
      }
      control.reply('200 here I am')
    })
    const control = await controlTo(server)
    const error = await rejection(control.request(NOOP, 300))
    const told = { code: 'ERR_FTP_TIMEOUT', phase: 'reply', afterMs: 300, command: 'NOOP' }
    expect(error).toMatchObject(told)
    expect(control.isOpen).toBe(false)
  })

  test('that does not greet: the error says so', async () => {
    await using server = await scriptedServer((control) => control.silence())
    const control = await controlTo(server)
    const error = (await rejection(control.nextReply(30, 'greeting'))) as Error
    expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'greeting', command: undefined })
    expect(error.message).toBe('ftp.test:21 did not greet within 30 ms')
  })

  test('the deadline of a password does not show it', async () => {
    await using server = await scriptedServer((control) => control.silence())
    const control = await controlTo(server)
    const error = await rejection(control.request(command('PASS', SECRET), 30))
    expect(error).toMatchObject({ command: 'PASS ****' })
    expect(inspect(error, { depth: 10 })).not.toContain(SECRET)
  })
})

describe('secrets', () => {
  test('are taken out of replies', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.expect(`PASS ${SECRET}`).reply(`530-Wrong: ${SECRET}`, `530 (${SECRET})`)
    })
    const control = await controlTo(server, [SECRET])
    expect((await control.request(command('PASS', SECRET), LONG_MS)).lines).toEqual(['Wrong: ****', '(****)'])
    control.destroy(new Error('over'))
  })

  test.each([
    ['a line that is no reply', `what is ${SECRET}?`],
    ['an endless line', `200 ${'x'.repeat(190)}${SECRET}${'x'.repeat(20_000)}`],
  ])('are taken out of %s', async (_what, line) => {
    await using server = await scriptedServer(async (control) => {
      await control.expect('NOOP')
      control.replyInPieces(line, 1_000)
      await control.flushed()
    })
    const control = await controlTo(server, [SECRET])
    const error = await rejection(control.request(NOOP, LONG_MS))
    expect(error).toMatchObject({ code: expect.stringMatching(/MALFORMED_REPLY|REPLY_TOO_LONG/) as unknown })
    expect(inspect(error, { depth: 10 })).not.toContain(SECRET)
    expect(inspect(error, { depth: 10 })).not.toContain(SECRET.slice(0, 8))
  })

  test('are taken out of the words with which a server leaves', async () => {
    await using server = await scriptedServer(async (control) => {
      control.reply(`421 Go away, ${SECRET}`)
      await control.end()
    })
    const control = await controlTo(server, [SECRET])
    await new Promise((resolve) => control.onClose(resolve))
    const error = (await rejection(control.request(NOOP, LONG_MS))) as Error
    expect(error.message).toContain('Go away, ****')
  })
})

describe('a malformed reply', () => {
  test('fails the connection, but not the replies before it', async () => {
    await using server = await scriptedServer((control) =>
      control.reply('220 ready', 'HTTP/1.1 400 Bad Request'),
    )
    const control = await controlTo(server)
    expect(await control.nextReply(LONG_MS, 'greeting')).toMatchObject({ code: 220 })
    expect(await rejection(control.request(NOOP, LONG_MS))).toMatchObject({
      code: 'ERR_FTP_MALFORMED_REPLY',
      received: 'HTTP/1.1 400 Bad Request',
    })
  })
})

describe('upgrade', () => {
  const identity = async (): Promise<ReturnType<typeof secureIdentity>> =>
    secureIdentity({ ca: (await certificate()).ca }, 'localhost')

  test('goes on under TLS, and keeps the tickets of the control connection', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.authTls()
      await control.expect('NOOP').reply('200 in private')
    })
    const control = await controlTo(server)
    expect(control.tlsProtocol).toBeUndefined()
    await control.request(command('AUTH', 'TLS'), LONG_MS)
    await control.upgrade(await identity(), LONG_MS)
    expect(await control.request(NOOP, LONG_MS)).toMatchObject({ code: 200 })
    expect(control.tlsProtocol).toBe('TLSv1.3')
    expect(control.tickets.unused).toBeGreaterThan(0)
    expect(control.remoteAddress).toBe('127.0.0.1')
    control.destroy(new Error('over'))
  })

  test.each(['230 hello\r\n', '230 hel', '\r\n', '2'])(
    'what came in clear behind the 234 (%j) is an injection',
    async (words) => {
      await using server = await scriptedServer(async (control) => {
        await control.expect('AUTH TLS')
        control.send(`234 go on\r\n${words}`)
        await control.silence()
      })
      const control = await controlTo(server)
      await control.request(command('AUTH', 'TLS'), LONG_MS)
      expect(await rejection(control.upgrade(await identity(), LONG_MS))).toMatchObject({
        code: 'ERR_FTP_TLS_INJECTED',
        retryable: false,
      })
      expect(control.isOpen).toBe(false)
    },
  )

  test('a destroy during the handshake: its reason, untouched', async () => {
    const reason = new Error('enough')
    await using server = await scriptedServer(async (control) => {
      await control.expect('AUTH TLS').reply('234 go on')
      await control.silence()
    })
    await expectNoLeaks(async () => {
      const control = await controlTo(server)
      await control.request(command('AUTH', 'TLS'), LONG_MS)
      const upgrading = control.upgrade(await identity(), LONG_MS)
      await new Promise((resolve) => setImmediate(resolve))
      control.destroy(reason)
      await expect(upgrading).rejects.toBe(reason)
      await server.connections[0]?.closed
    })
  })

  test('a handshake that fails is the reason of everything after it', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.authTls()
    })
    const control = await controlTo(server)
    await control.request(command('AUTH', 'TLS'), LONG_MS)
    const error = await rejection(control.upgrade(secureIdentity({}, 'localhost'), LONG_MS))
    expect(error).toMatchObject({ code: 'ERR_FTP_TLS_HANDSHAKE' })
    await expect(control.request(NOOP, LONG_MS)).rejects.toBe(error)
  })
})

describe('quit', () => {
  test('says it, and closes whatever the server answers', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.expect('QUIT').reply('500 What?')
    })
    await expectNoLeaks(async () => {
      const control = await controlTo(server)
      await control.quit(command('QUIT'))
      expect(control.isOpen).toBe(false)
      await control.quit(command('QUIT'))
      await server.connections[0]?.closed
    })
  })

  test('does not wait long for a farewell', async () => {
    await using server = await scriptedServer((control) => control.silence())
    const control = await controlTo(server)
    await control.quit(command('QUIT'))
    expect(control.isOpen).toBe(false)
  })
})

test('an argument with a line end is refused before a byte is sent', async () => {
  await using server = await scriptedServer(async (control) => {
    await control.expect('NOOP').reply('200 fine')
  })
  const control = await controlTo(server)
  await expect(control.request(command('DELE', 'a\r\nDELE b'), LONG_MS)).rejects.toThrow(TypeError)
  expect(await control.request(NOOP, LONG_MS)).toMatchObject({ code: 200 })
  expect(server.commands).toEqual([['NOOP']])
  control.destroy(new Error('over'))
})
