/** What basic-ftp's suite expects of a client between transfers (command, connectivity, FTPContext, client). */
import { describe, expect, it, test } from 'vitest'
import { FtpClient } from '../../../src/index.ts'
import { command } from '../../../src/protocol/command.ts'
import { open } from '../../session/logged-in.ts'
import type { ScriptedControl, ScriptedServer } from '../../support/scripted-server.ts'
import { closedPort } from '../../support/scripted/dead-port.ts'
import { turnOfTheLoop } from '../../support/scripted/script-data.ts'
import { deferred } from '../../../src/util/deferred.ts'
import type { Session } from '../../../src/session/session.ts'
import { atEveryCut, withClient } from './every-cut.ts'

/** Greets, lets in, and answers FEAT. */
async function letIn(control: ScriptedControl, ...features: string[]): Promise<void> {
  control.reply('200 Hello')
  await control.expect('USER octo').reply('331 And the word?')
  await control.expect('PASS ink').reply('200 Come in')
  await control.expect('FEAT').reply(...(features.length > 0 ? features : ['500 FEAT?']))
}

/** On one session, which a client does not hand out. */
async function withSession(server: ScriptedServer, use: (session: Session) => Promise<void>): Promise<void> {
  const session = await open(server, { user: 'octo', password: 'ink' })
  try {
    await use(session)
  } finally {
    session.destroy(new Error('over'))
  }
}

describe('questions', () => {
  // basic-ftp rejects where the server does not tell.
  test('the size of a file', async () => {
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect('TYPE I').reply('200 Fine')
        await control.expect('SIZE notes.txt').reply('213 6666')
        await control.expect('SIZE missing.txt').reply('400 No such thing')
      },
      async (ftp) => {
        expect(await ftp.size('notes.txt')).toBe(6_666)
        expect(await ftp.size('missing.txt')).toBeUndefined()
      },
    )
  })

  test('when a file was modified', async () => {
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect('MDTM notes.txt').reply('213 19951217032400')
        await control.expect('MDTM missing.txt').reply('400 No such thing')
        await control.expect('MDTM odd.txt').reply('213 (none)')
      },
      async (ftp) => {
        expect(await ftp.modified('notes.txt')).toEqual(new Date('1995-12-17T03:24:00Z'))
        expect(await ftp.modified('missing.txt')).toBeUndefined()
        expect(await ftp.modified('odd.txt')).toBeUndefined()
      },
    )
  })

  test.each([
    ['some', ['', '211-What there is:', ' MLST size*;modify*;', ' SIZE', '211 End'], ['MLST', 'SIZE'], true],
    ['none', ['', '211 Nothing more'], [], true],
    ['nothing told', ['500 FEAT?'], [], false],
  ])('features: %s', async (_what, lines, names, listed) => {
    await atEveryCut(
      async (control) => letIn(control, ...lines),
      (server) =>
        withSession(server, async ({ profile }) => {
          expect(profile.features).toMatchObject({ names, listed })
          if (names.length > 0) expect(profile.features?.value('mlst')).toBe('size*;modify*;')
        }),
    )
  })

  test('the working directory, to come back to it behind the listing of another one', async () => {
    await withClient(
      async (control) => {
        await letIn(control, '211 Nothing more')
        await control.expect('PWD').reply('257 "/this/way" is where you are')
        await control.expect('CWD sub').reply('250 Okay')
        await control.expect('SYST').reply('215 UNIX')
        await control.expect('TYPE I').reply('200 Fine')
        const data = await control.passive()
        await control.expect('LIST').reply('150 Here')
        await data.end()
        control.reply('226 Done')
        await control.expect('CWD /this/way').reply('250 Okay')
      },
      async (ftp) => expect(await ftp.listAll('sub')).toEqual([]),
    )
  })
})

describe('commands', () => {
  test('of any kind, carried out or refused', async () => {
    await atEveryCut(
      async (control) => {
        await letIn(control)
        await control.expect('TEST').reply('200 Fine')
        await control.expect('TEST').reply('500 Never heard of it')
        await control.expect('TEST again').reply('500 Never heard of it')
      },
      (server) =>
        withSession(server, async (session) => {
          expect(await session.require(command('TEST'))).toEqual({ code: 200, lines: ['Fine'] })
          // With the refusal as an answer, and as an error.
          expect(await session.request(command('TEST'))).toMatchObject({ code: 500 })
          await expect(session.require(command('TEST', 'again'))).rejects.toMatchObject({
            name: 'FtpReplyError',
            code: 'ERR_FTP_UNSUPPORTED',
            command: 'TEST again',
            reply: { code: 500, lines: ['Never heard of it'] },
          })
        }),
    )
  })

  test('in UTF-8', async () => {
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect('MDTM Grüße/海豚').reply('213 19951217032400')
      },
      async (ftp) => expect(await ftp.modified('Grüße/海豚')).toBeInstanceOf(Date),
    )
  })

  test('a connection that is lost under one fails it, whatever is made of refusals', async () => {
    await atEveryCut(
      async (control) => {
        await letIn(control)
        await control.expect('TEST')
        await control.end()
      },
      (server) =>
        withSession(server, async (session) => {
          const code = 'ERR_FTP_CONTROL_CLOSED'
          await expect(session.request(command('TEST'))).rejects.toMatchObject({ code })
          // And those that come later.
          await expect(session.request(command('TEST'))).rejects.toMatchObject({ code })
        }),
    )
  })

  test('a file is renamed', async () => {
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect('RNFR before.txt').reply('350 And then?')
        await control.expect('RNTO after.txt').reply('200 Renamed')
        await control.expect('RNFR missing.txt').reply('550 No such file')
        await control.expect('RNFR before.txt').reply('350 And then?')
        await control.expect('RNTO taken.txt').reply('550 File exists')
      },
      async (ftp) => {
        await ftp.rename('before.txt', 'after.txt')
        await expect(ftp.rename('missing.txt', 'after.txt')).rejects.toMatchObject({
          code: 'ERR_FTP_NOT_FOUND',
          reply: { code: 550 },
        })
        await expect(ftp.rename('before.txt', 'taken.txt')).rejects.toMatchObject({ code: 'ERR_FTP_EXISTS' })
      },
    )
  })

  test('a file is removed', async () => {
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect('DELE notes.txt').reply('250 Okay')
      },
      (ftp) => ftp.remove('notes.txt'),
    )
  })

  // basic-ftp asks for the working directory and makes the path absolute. Here a path goes out as it is given: every
  // blank in it means itself to the servers in real-servers.test.ts.
  test.each(['  notes.txt', ' a/b'])('blanks before a path are part of it: "%s"', async (path) => {
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect(`MDTM ${path}`).reply('213 19951217032400')
        await control.expect(`MKD ${path}`).reply('257 Made')
      },
      async (ftp) => {
        expect(await ftp.modified(path)).toBeInstanceOf(Date)
        await ftp.mkdir(path)
      },
    )
  })

  test.each(['a\r\nDELE b', 'a\nb', 'a\0b'])('%j is no path: nothing is sent', async (path) => {
    await withClient(
      (control) => letIn(control),
      async (ftp, server) => {
        expect(() => ftp.size(path)).toThrow(TypeError)
        expect(server.connections).toEqual([])
      },
    )
  })

  // basic-ftp closes the client.
  test('two at once are carried out one after the other', async () => {
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect('MDTM one').reply('213 20010101000000')
        await control.expect('MDTM two').reply('213 20020202000000')
      },
      async (ftp) => {
        const both = await Promise.all([ftp.modified('one'), ftp.modified('two')])
        expect(both).toEqual([new Date('2001-01-01'), new Date('2002-02-02')])
      },
    )
  })

  test('a reply that nothing was asked for answers nothing', async () => {
    let arrived = deferred<undefined>()
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect('MDTM one').reply('213 20010101000000', '220 And by the way')
        await control.flushed()
        await turnOfTheLoop()
        arrived.resolve(undefined)
        await control.expect('MDTM two').reply('213 20020202000000')
      },
      async (ftp) => {
        expect(await ftp.modified('one')).toEqual(new Date('2001-01-01'))
        await arrived.promise
        expect(await ftp.modified('two')).toEqual(new Date('2002-02-02'))
        arrived = deferred()
      },
    )
  })
})

describe('connecting', () => {
  // basic-ftp sends OPTS UTF8 ON, STRU F and OPTS MLST to everybody; here nothing that is not needed.
  test('what is sent, to a server that knows hardly anything', async () => {
    await withClient(
      async (control) => {
        control.reply('200 Hello')
        await control.expect('USER octo').reply('200 Come in')
        await control.expect('FEAT').reply('500 What?')
        await control.expect('TYPE I').reply('200 Fine')
        await control.expect('SIZE a').reply('213 1')
      },
      async (ftp, server) => {
        expect(await ftp.size('a')).toBe(1)
        await ftp.close()
        expect(server.commands).toEqual([['USER octo', 'FEAT', 'TYPE I', 'SIZE a', 'QUIT']])
      },
    )
  })

  // basic-ftp takes it for a refusal.
  test('a greeting that asks for patience is waited out', async () => {
    await withClient(
      async (control) => {
        control.reply('120 Ready in five hours')
        await letIn(control)
        await control.expect('MDTM a').reply('213 20010101000000')
      },
      async (ftp) => expect(await ftp.modified('a')).toBeInstanceOf(Date),
    )
  })

  test.each([
    ['user', ['530 Unknown user']],
    ['password', ['331 And the word?', '530 Wrong password']],
    ['account that was not given', ['332 Account wanted']],
  ])('refused for the %s', async (_what, [first = '', second]) => {
    await withClient(
      async (control) => {
        control.reply('220 Hello')
        await control.expect('USER octo').reply(first)
        if (second !== undefined) await control.expect('PASS ink').reply(second)
        await control.closed
      },
      async (ftp, server) => {
        const text = (second ?? first).slice(4)
        await expect(ftp.size('a')).rejects.toMatchObject({
          name: 'FtpReplyError',
          code: 'ERR_FTP_LOGIN',
          reply: { lines: [text] },
        })
        expect(server.connections).toHaveLength(1)
      },
    )
  })

  test('to nobody', async () => {
    const port = await closedPort('127.0.0.1')
    await using ftp = new FtpClient({ host: '127.0.0.1', port, security: 'none' })
    await expect(ftp.size('a')).rejects.toMatchObject({
      code: 'ERR_FTP_CONNECT',
      attempts: [{ error: { code: 'ECONNREFUSED' } }],
    })
  })

  test('to somebody who says nothing, or half of it', async () => {
    await withClient(
      async (control) => {
        control.send('220 Hel')
        await control.silence()
      },
      async (ftp) => {
        await expect(ftp.size('a')).rejects.toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'greeting' })
      },
      { timeouts: { greeting: 50 } },
    )
  })
})

describe('a connection', () => {
  test('that gets no answer is over', async () => {
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect('MDTM a')
        await control.closed
      },
      async (ftp) => {
        await expect(ftp.modified('a')).rejects.toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'reply' })
        expect(ftp.stats()).toMatchObject({ open: 0 })
      },
      { timeouts: { reply: 300 } },
      'bytes',
    )
  })

  test('that nobody uses has no deadline', async () => {
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect('MDTM a').reply('213 20010101000000')
        await control.expect('MDTM b').reply('213 20010101000000')
      },
      async (ftp) => {
        await ftp.modified('a')
        await new Promise((resolve) => setTimeout(resolve, 1_300))
        expect(await ftp.modified('b')).toBeInstanceOf(Date)
      },
      { timeouts: { reply: 1_000 } },
      'bytes',
    )
  })

  // basic-ftp keeps the error for the next call.
  test('that is lost while nobody uses it fails nothing: the next call has another', async () => {
    await withClient(
      async (control, index) => {
        if (index === 0) await letIn(control)
        else {
          control.reply('220 Hello again')
          await control.expect('USER octo').reply('230 Come in')
        }
        await control.expect('MDTM a').reply('213 20010101000000')
        if (index === 0) await control.reset()
      },
      async (ftp, server) => {
        await ftp.modified('a')
        await expect.poll(() => ftp.stats().open).toBe(0)
        expect(await ftp.modified('a')).toBeInstanceOf(Date)
        expect(server.connections).toHaveLength(2)
      },
    )
  })
})

describe('closing', () => {
  const code = 'ERR_FTP_CLOSED'

  it('needs no connection', async () => {
    const ftp = new FtpClient({ host: '127.0.0.1', port: 1, security: 'none' })
    expect(ftp.stats().open).toBe(0)
    await ftp.close()
    await ftp.close()
    await expect(ftp.size('a')).rejects.toMatchObject({ code })
  })

  // basic-ftp fails the call that runs: `destroy` does.
  test('lets the call that runs come to its end, and takes no other', async () => {
    let asked = deferred<undefined>()
    let closing = deferred<undefined>()
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect('MDTM a')
        asked.resolve(undefined)
        await closing.promise
        control.reply('213 20010101000000')
      },
      async (ftp) => {
        const running = ftp.modified('a')
        await asked.promise
        const closed = ftp.close()
        closing.resolve(undefined)
        await expect(ftp.modified('b')).rejects.toMatchObject({ code })
        expect(await running).toEqual(new Date('2001-01-01'))
        await closed
        expect(ftp.stats().open).toBe(0)
        asked = deferred()
        closing = deferred()
      },
    )
  })

  test.each([
    ['without a reason', undefined, { code }],
    ['with a reason', new Error('enough'), { message: 'enough' }],
  ])('at once fails the call that runs, %s', async (_what, reason, expected) => {
    let asked = deferred<undefined>()
    await withClient(
      async (control) => {
        await letIn(control)
        await control.expect('MDTM a')
        asked.resolve(undefined)
        await control.closed
      },
      async (ftp) => {
        const running = ftp.modified('a')
        await asked.promise
        ftp.destroy(reason)
        await expect(running).rejects.toMatchObject(expected)
        await expect(ftp.modified('b')).rejects.toMatchObject({ code })
        expect(ftp.stats().open).toBe(0)
        asked = deferred()
      },
    )
  })
})
