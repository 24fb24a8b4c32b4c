import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { unknownServer } from '../../src/session/server-profile.ts'
import { FtpClient } from '../../src/index.ts'
import type { FtpClientOptions } from '../../src/options.ts'
import { certificate } from '../support/certificates.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { scriptedServer, type Dialogue, type ScriptedServerOptions } from '../support/scripted-server.ts'
import { open } from './logged-in.ts'

const SECRET = 'hunter2-secret'
const BOB: FtpClientOptions = { user: 'bob', password: SECRET }

/** Logs in against the dialogue; gives what was sent. */
async function login(
  dialogue: Dialogue,
  options: FtpClientOptions = BOB,
  how: ScriptedServerOptions = {},
): Promise<string[]> {
  await using server = await scriptedServer(dialogue, how)
  const session = await open(server, options)
  session.destroy(new Error('over'))
  return server.commands[0] ?? []
}

/** The same where it is to fail: gives the error, and sees that nothing stays open. */
async function refusal(
  dialogue: Dialogue,
  options: FtpClientOptions = BOB,
  how: ScriptedServerOptions = {},
): Promise<{ error: Error; commands: string[] }> {
  await using server = await scriptedServer(dialogue, how)
  const error = await expectNoLeaks(async () => {
    const thrown = await open(server, options).then(
      () => Promise.reject(new Error('it logged in')),
      (reason: unknown) => reason as Error,
    )
    await server.connections[0]?.closed
    return thrown
  })
  expect(inspect(error, { depth: 10 })).not.toContain(SECRET)
  return { error, commands: server.commands[0] ?? [] }
}

const tls = async (): Promise<FtpClientOptions> => ({
  tls: { ca: (await certificate()).ca },
  host: 'localhost',
  family: 4,
})

describe('USER, PASS, ACCT', () => {
  test('PASS after 331', async () => {
    const sent = await login(async (control) => {
      control.reply('220 ready')
      await control.expect('USER bob').reply('331 go on')
      await control.expect(`PASS ${SECRET}`).reply('230 welcome')
      await control.expect('FEAT').reply('211 none')
    })
    expect(sent).toEqual(['USER bob', `PASS ${SECRET}`, 'FEAT'])
  })

  test('no PASS where USER is enough', async () => {
    const sent = await login(async (control) => {
      control.reply('120 wait', '220-Hello', '220 ready')
      await control.expect('USER bob').reply('230 welcome')
      await control.expect('FEAT').reply('211 none')
    })
    expect(sent).toEqual(['USER bob', 'FEAT'])
  })

  test.each([
    ['PASS', '331 password', '332 account'],
    ['USER', '332 account', undefined],
  ])('ACCT after a 332 to %s', async (_verb, user, pass) => {
    const sent = await login(
      async (control) => {
        control.reply('220 ready')
        await control.expect('USER bob').reply(user)
        if (pass !== undefined) await control.expect(/^PASS /).reply(pass)
        await control.expect('ACCT sales').reply('230 welcome')
        await control.expect('FEAT').reply('211 none')
      },
      { ...BOB, account: 'sales' },
    )
    expect(sent.at(-2)).toBe('ACCT sales')
  })

  test('an anonymous user gives the usual password; a named one without a password an empty one', async () => {
    const dialogue: Dialogue = async (control) => {
      control.reply('220 ready')
      await control.expect(/^USER/).reply('331 go on')
      await control.expect(/^PASS/).reply('230 welcome')
      await control.expect('FEAT').reply('211 none')
    }
    expect(await login(dialogue, {})).toEqual(['USER anonymous', 'PASS anonymous@', 'FEAT'])
    expect(await login(dialogue, { user: 'bob' })).toEqual(['USER bob', 'PASS ', 'FEAT'])
  })

  test('a refused password: ERR_FTP_LOGIN, without it, though the server echoes it', async () => {
    const { error } = await refusal(async (control) => {
      control.reply('220 ready')
      await control.expect('USER bob').reply('331 go on')
      await control.expect(/^PASS/).reply(`530 Login incorrect: ${SECRET}`)
    })
    expect(error).toMatchObject({
      code: 'ERR_FTP_LOGIN',
      retryable: false,
      command: 'PASS ****',
      reply: { code: 530 },
    })
    expect(error.message).toContain('Login incorrect: ****. Check user "bob" and the password')
  })

  test('an account is asked for and none was given: the error names the option', async () => {
    const { error, commands } = await refusal(async (control) => {
      control.reply('220 ready')
      await control.expect('USER bob').reply('332 account')
    })
    expect(error).toMatchObject({
      code: 'ERR_FTP_LOGIN',
      message: expect.stringContaining('"account"') as unknown,
    })
    expect(commands).toEqual(['USER bob'])
  })

  test.each([
    ['the greeting', 0],
    ['USER', 1],
    ['PASS', 2],
  ])('421 to %s: the server is full, and may not be later', async (_what, step) => {
    const full = (usual: string, at: number): string => (at === step ? '421 Too many connections' : usual)
    const { error } = await refusal(async (control) => {
      control.reply(full('220 ready', 0))
      if (step > 0) await control.expect('USER bob').reply(full('331 go on', 1))
      if (step > 1) await control.expect(/^PASS/).reply(full('230 never', 2))
      await control.end()
    })
    expect(error).toMatchObject({ code: 'ERR_FTP_TOO_MANY_CONNECTIONS', retryable: true })
  })

  test('an end before any greeting: says what it may mean', async () => {
    const { error } = await refusal((control) => control.end())
    expect(error).toMatchObject({ code: 'ERR_FTP_CONNECT', retryable: true })
    expect(error.message).toMatch(/without a greeting.*full.*implicit TLS/)
  })

  test('a server that says "120 wait" for ever: one deadline for all of it', async () => {
    const { error } = await refusal(
      async (control) => {
        for (let said = 0; said < 60; said++) {
          control.reply('120 wait')
          await control.delay(20)
        }
        control.reply('220 ready')
        await control.silence()
      },
      { ...BOB, timeouts: { greeting: 300, reply: 300 } },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'greeting', afterMs: 300 })
  })

  test('a silent server: the deadline holds', async () => {
    const { error } = await refusal((control) => control.silence(), { ...BOB, timeouts: { greeting: 50 } })
    expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'greeting', afterMs: 50 })
  })
})

describe('TLS', () => {
  test('explicit: nothing but AUTH goes in clear, and data is protected before anything else', async () => {
    const clear: string[] = []
    const sent = await login(
      async (control) => {
        control.reply('220 ready')
        await control.authTls()
        clear.push(...control.commands)
        await control.expect('USER bob').reply('331 go on')
        await control.expect(/^PASS/).reply('230 welcome')
        await control.expect('PBSZ 0').reply('503 what for')
        await control.expect('PROT P').reply('200 private')
        await control.expect('FEAT').reply('211 none')
      },
      { ...BOB, ...(await tls()), security: 'explicit' },
    )
    expect(clear).toEqual(['AUTH TLS'])
    expect(sent).toEqual(['AUTH TLS', 'USER bob', `PASS ${SECRET}`, 'PBSZ 0', 'PROT P', 'FEAT'])
  })

  test('implicit: TLS comes before the greeting', async () => {
    const sent = await login(
      async (control) => {
        expect(control.encrypted).toBe(true)
        control.reply('220 ready')
        await control.expect('USER bob').reply('230 welcome')
        await control.expect('PBSZ 0').reply('200 fine')
        await control.expect('PROT P').reply('200 private')
        await control.expect('FEAT').reply('211 none')
      },
      { ...BOB, ...(await tls()), security: 'implicit' },
      { implicit: true },
    )
    expect(sent[0]).toBe('USER bob')
  })

  test.each([
    '500 unknown',
    '502 not implemented',
    '504 not that',
    '530 first log in',
    '534 refused',
    '431 not now',
  ])('AUTH TLS is answered %j: nothing more is sent', async (answer) => {
    const { error, commands } = await refusal(
      async (control) => {
        control.reply('220 ready')
        await control.expect('AUTH TLS').reply(answer)
      },
      { ...BOB, ...(await tls()), security: 'explicit' },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_TLS_REFUSED', command: 'AUTH TLS' })
    expect(commands).toEqual(['AUTH TLS'])
  })

  test('PROT P is refused: no session', async () => {
    const { error } = await refusal(
      async (control) => {
        control.reply('220 ready')
        await control.authTls()
        await control.expect('USER bob').reply('230 welcome')
        await control.expect('PBSZ 0').reply('200 fine')
        await control.expect('PROT P').reply('536 no')
      },
      { ...BOB, ...(await tls()), security: 'explicit' },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_TLS_REFUSED', command: 'PROT P' })
    expect(error.message).toContain('in clear')
  })
})

describe('FEAT', () => {
  test('is asked once per server, and UTF-8 switched on in each session', async () => {
    await using server = await scriptedServer(async (control, index) => {
      control.reply('220 ready')
      await control.expect('USER anonymous').reply('230 welcome')
      if (index === 0) await control.expect('FEAT').reply('211-Features', ' UTF8', ' MLST type*;', '211 End')
      await control.expect('OPTS UTF8 ON').reply('501 it is always on')
    })
    const profile = unknownServer()
    for (let round = 0; round < 2; round++) (await open(server, {}, { profile })).destroy(new Error('over'))
    expect(profile.features?.has('MLST')).toBe(true)
  })

  describe('with all that is left to be said in one packet, of a server that is known to stand it', () => {
    const FEATURES = ['211-Features', ' UTF8', '211 End']

    test('under TLS', async () => {
      const protection = ['PBSZ 0', 'PROT P']
      const settled = [
        [...protection, 'FEAT', 'OPTS UTF8 ON'],
        [...protection, 'OPTS UTF8 ON'],
      ]
      await using server = await scriptedServer(async (control, index) => {
        control.reply('220 ProFTPD Server ready.')
        await control.authTls()
        await control.expect('USER bob').reply('230 welcome')
        for (const line of settled[index] ?? []) await control.expect(line)
        for (const line of settled[index] ?? []) control.reply(...(line === 'FEAT' ? FEATURES : ['200 fine']))
      })
      const profile = unknownServer()
      const options = { ...BOB, ...(await tls()), security: 'explicit' } as const
      for (let round = 0; round < 2; round++)
        (await open(server, options, { profile })).destroy(new Error('over'))
      expect(profile.features?.has('UTF8')).toBe(true)
      expect(profile.bursts).toBe('work')
    })

    test.each([
      [
        ['503 what for', '536 no', '211 none', '200 fine'],
        { code: 'ERR_FTP_TLS_REFUSED', command: 'PROT P' },
      ],
      [
        ['200 fine', '200 fine', '421 bye', '421 bye'],
        { code: 'ERR_FTP_TOO_MANY_CONNECTIONS', command: 'FEAT' },
      ],
    ])('%j: no session', async (replies, expected) => {
      const { error } = await refusal(
        async (control) => {
          control.reply('220 (vsFTPd 3.0.3)')
          await control.authTls()
          await control.expect('USER bob').reply('230 welcome')
          for (const line of ['PBSZ 0', 'PROT P', 'FEAT', 'OPTS UTF8 ON']) await control.expect(line)
          for (const reply of replies) control.reply(reply)
        },
        { ...BOB, ...(await tls()), security: 'explicit' },
      )
      expect(error).toMatchObject(expected)
    })

    test('one that only looks like it costs a login, and is asked one by one from then on', async () => {
      await using server = await scriptedServer(async (control, index) => {
        control.reply('220 Welcome to Pure-FTPd')
        await control.expect('USER anonymous').reply('230 welcome')
        if (index > 0) return
        for (const line of ['FEAT', 'OPTS UTF8 ON']) await control.expect(line)
        control.reply(...FEATURES.with(1, ' MDTM'))
      })
      const profile = unknownServer()
      const options = { timeouts: { reply: 100 } }
      const opening = open(server, options, { profile })
      await expect(opening).rejects.toMatchObject({ code: 'ERR_FTP_TIMEOUT', retryable: true })
      expect(profile.bursts).toBe('fail')
      ;(await open(server, options, { profile })).destroy(new Error('over'))
    })
  })

  test('refused: not asked again', async () => {
    await using server = await scriptedServer(async (control, index) => {
      control.reply('220 ready')
      await control.expect('USER anonymous').reply('230 welcome')
      if (index === 0) await control.expect('FEAT').reply('500 what')
    })
    const profile = unknownServer()
    for (let round = 0; round < 2; round++) (await open(server, {}, { profile })).destroy(new Error('over'))
    expect(server.commands).toEqual([['USER anonymous', 'FEAT'], ['USER anonymous']])
  })
})

describe('an abort', () => {
  test.each([0, 1, 2, 3, 4])('at step %i: the reason, untouched, and nothing left', async (step) => {
    const reason = { not: 'an error' }
    const controller = new AbortController()
    const stage = async (at: number, answer: () => unknown): Promise<void> => {
      if (at === step) controller.abort(reason)
      else await answer()
    }
    await using server = await scriptedServer(async (control) => {
      await stage(0, () => control.reply('220 ready'))
      if (step > 0) await control.expect('AUTH TLS')
      await stage(1, () => control.reply('234 go on'))
      if (step > 1) await stage(2, () => control.startTls())
      if (step > 2) await control.expect('USER bob')
      await stage(3, () => control.reply('331 go on'))
      if (step > 3) await control.expect(/^PASS/)
      await stage(4, () => undefined)
      await control.silence()
    })
    const options = { ...BOB, ...(await tls()), security: 'explicit' } as const
    await expectNoLeaks(
      async () => {
        await expect(open(server, options, { signal: controller.signal })).rejects.toBe(reason)
        await server.connections[0]?.closed
      },
      { watch: [controller.signal] },
    )
  })

  test('while the password is awaited, which may never come', async () => {
    const controller = new AbortController()
    await using server = await scriptedServer(() => expect.unreachable())
    const password = (): Promise<string> => {
      setImmediate(() => controller.abort(new Error('enough')))
      return new Promise(() => undefined)
    }
    await expect(open(server, { user: 'bob', password }, { signal: controller.signal })).rejects.toThrow(
      'enough',
    )
  })
})

test('what a password says is hidden in errors, and not in what is read', async () => {
  await using server = await scriptedServer(async (control) => {
    control.reply('220 ready')
    await control.expect(/^USER /).reply('331 go on')
    await control.expect('PASS file').reply('230 welcome, file')
    await control.expect('FEAT').reply('211-These', ' MLST type*;', '211 End')
    await control.expect('PWD').reply('257 "/users/file" is it')
    await control.expect('MLST a').reply('250-Listing', ' type=file;size=1; a', '250 End')
    await control.expect('DELE a').reply('550 file: no')
  })
  const { host, port } = server
  await using ftp = new FtpClient({ host, port, security: 'none', user: 'octo', password: 'file' })
  {
    await using session = await ftp.session()
    expect(await session.workingDirectory()).toBe('/users/file')
    expect((await session.command('MLST', 'a')).lines[1]).toBe(' type=file;size=1; a')
    await expect(session.command('DELE', 'a')).resolves.toMatchObject({ lines: ['****: no'] })
  }
})
