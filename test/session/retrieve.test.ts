import { describe, expect, test } from 'vitest'
import type { DataReceiver } from '../../src/connection/receiver.ts'
import { retrieve, type RetrieveRequest } from '../../src/session/retrieve.ts'
import { unknownServer, type ServerProfile } from '../../src/session/server-profile.ts'
import type { Session } from '../../src/session/session.ts'
import { deferred } from '../../src/util/deferred.ts'
import { certificate } from '../support/certificates.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { scriptedServer, type ScriptedControl, type ScriptedData } from '../support/scripted-server.ts'
import type { FtpClientOptions } from '../../src/options.ts'
import { letIn, open, server } from './logged-in.ts'

const TEXT = 'all of the file'

/** Takes everything, or as much as it wants. */
class Taker implements DataReceiver {
  text = ''
  readonly #room = Buffer.alloc(65_536)
  readonly #enough: number

  constructor(enough: number = Infinity) {
    this.#enough = enough
  }

  space(): Uint8Array {
    return this.#room
  }

  received(bytes: number): 'more' | 'stop' {
    this.text += this.#room.toString('latin1', 0, bytes)
    return this.text.length >= this.#enough ? 'stop' : 'more'
  }

  onResume(): void {
    // It never pauses.
  }
}

function request(receiver: Taker, more: Partial<RetrieveRequest> = {}): RetrieveRequest {
  const isWhole = (): boolean => receiver.text === TEXT
  return {
    path: 'a.bin',
    type: 'I',
    offset: 0,
    receiver,
    isWhole,
    endsAtEnd: false,
    signal: undefined,
    ...more,
  }
}

/** TYPE and EPSV, up to where RETR comes. */
async function prepared(control: ScriptedControl): Promise<ScriptedData> {
  await control.expect('TYPE I').reply('200 fine')
  const data = await control.passive()
  await control.expect('RETR a.bin')
  return data
}

interface Outcome {
  readonly text: string
  readonly result: unknown
  readonly error: unknown
  /** Whether the session can be used again; the server answers one NOOP-like question then. */
  readonly ready: boolean
}

/** One RETR against `dialogue`, which begins with its TYPE, and may wait for the end of the RETR as we see it. */
async function outcomeOf(
  dialogue: (control: ScriptedControl, returned: Promise<unknown>) => Promise<void>,
  taker: Taker = new Taker(),
  more: Partial<RetrieveRequest> = {},
  options: FtpClientOptions = {},
): Promise<Outcome> {
  const [played, returned] = [deferred<unknown>(), deferred<unknown>()]
  await using scripted = await server((control) =>
    dialogue(control, returned.promise).finally(() => played.resolve(undefined)),
  )
  const session = await open(scripted, options)
  let [result, error]: unknown[] = []
  try {
    result = await retrieve(session, request(taker, more))
  } catch (thrown) {
    error = thrown
  }
  returned.resolve(undefined)
  const ready = await session.isReady()
  session.destroy(new Error('over'))
  await played.promise
  return { text: taker.text, result, error, ready }
}

const complete = {
  ...{ outcome: 'complete', doubt: undefined, bytes: TEXT.length, tls: undefined },
  reply: expect.anything() as unknown,
}

describe('the end of a transfer', () => {
  test('150, data, 226', async () => {
    const { text, result, ready } = await outcomeOf(async (control) => {
      const data = await prepared(control)
      control.reply('150 here it comes')
      await data.write(TEXT)
      await data.end()
      control.reply('226 done')
    })
    expect({ text, result, ready }).toEqual({ text: TEXT, result: complete, ready: true })
  })

  test.each([
    ['no 150', [], ['250 done']],
    ['125 instead of 150', ['125 already open'], ['226 done']],
    ['multi-line replies', ['150-here', '150 it comes'], ['226-done', '226 really']],
  ])('%s', async (_what, first, last) => {
    const { text, result, ready } = await outcomeOf(async (control) => {
      const data = await prepared(control)
      control.reply(...first)
      await data.write(TEXT)
      await data.end()
      control.reply(...last)
    })
    expect({ text, result, ready }).toEqual({ text: TEXT, result: complete, ready: true })
  })

  test('226 comes before the data: the data is waited for', async () => {
    const { text, result, ready } = await outcomeOf(async (control) => {
      const data = await prepared(control)
      control.reply('150 here it comes', '226 done already')
      await control.delay(30)
      await data.write(TEXT.slice(0, 5))
      await control.delay(30)
      await data.write(TEXT.slice(5))
      await data.end()
    })
    expect({ text, result, ready }).toEqual({ text: TEXT, result: complete, ready: true })
  })

  test('an empty file is complete with its 226', async () => {
    const { text, result, ready } = await outcomeOf(async (control) => {
      const data = await prepared(control)
      control.reply('150 here it comes')
      await data.end()
      control.reply('226 done')
    })
    expect({ text, result, ready }).toEqual({ text: '', result: { ...complete, bytes: 0 }, ready: true })
  })

  test('226 behind too few bytes is an orderly end: who knows the size has to look', async () => {
    const { result } = await outcomeOf(async (control) => {
      const data = await prepared(control)
      control.reply('150 here it comes')
      await data.write('all')
      await data.end()
      control.reply('226 done')
    })
    expect(result).toEqual({ ...complete, bytes: 3 })
  })
})

describe('all the bytes, and yet not in order: they speak for themselves', () => {
  const endings: [
    string,
    (control: ScriptedControl, data: ScriptedData) => Promise<void>,
    object,
    boolean,
  ][] = [
    [
      '426 instead of 226',
      async (control, data) => (await data.end(), control.reply('426 broken')),
      { code: 'ERR_FTP_REPLY' },
      true,
    ],
    [
      '451 behind a reset',
      async (control, data) => (await data.reset(), control.reply('451 oh')),
      { code: 'ERR_FTP_REPLY' },
      true,
    ],
    [
      '226 behind a reset',
      async (control, data) => (await data.reset(), control.reply('226 done')),
      { code: 'ERR_FTP_DATA' },
      true,
    ],
    [
      'no last reply, control closed',
      async (control, data) => (await data.end(), control.end()),
      { code: 'ERR_FTP_CONTROL_CLOSED' },
      false,
    ],
    [
      'no last reply, control reset',
      async (control, data) => (await data.end(), control.reset()),
      { code: 'ERR_FTP_CONTROL_CLOSED' },
      false,
    ],
  ]

  test.each(endings)('%s', async (_what, end, doubt, isReady) => {
    const { text, result, ready } = await outcomeOf(async (control) => {
      const data = await prepared(control)
      control.reply('150 here it comes')
      await data.write(TEXT)
      await data.delivered()
      await end(control, data)
    })
    expect(text).toBe(TEXT)
    expect(result).toMatchObject({ outcome: 'unconfirmed', doubt, bytes: TEXT.length })
    expect(ready).toBe(isReady)
  })

  test('no last reply at all: the bytes are given after a moment, the session is not', async () => {
    const { text, result, ready } = await outcomeOf(
      async (control) => {
        const data = await prepared(control)
        control.reply('150 here it comes')
        await data.write(TEXT)
        await data.end()
        await control.silence()
      },
      new Taker(),
      {},
      { timeouts: { completion: Infinity } },
    )
    expect(text).toBe(TEXT)
    expect(result).toMatchObject({ outcome: 'unconfirmed', bytes: TEXT.length })
    expect(ready).toBe(false)
  })
})

describe('not all the bytes', () => {
  const breaks: [string, (control: ScriptedControl, data: ScriptedData) => Promise<void>, object, boolean][] =
    [
      [
        '426',
        async (control, data) => (await data.end(), control.reply('426 broken')),
        { code: 'ERR_FTP_REPLY', retryable: true },
        true,
      ],
      [
        'a reset, then 426',
        async (control, data) => (await data.reset(), control.reply('426 broken')),
        { code: 'ERR_FTP_REPLY' },
        true,
      ],
      [
        'a reset, then 226',
        async (control, data) => (await data.reset(), control.reply('226 done')),
        { code: 'ERR_FTP_DATA' },
        true,
      ],
      [
        "a reset, then a second 150 (Pure-FTPd's last word)",
        async (control, data) => (await data.reset(), control.reply('150 measured here')),
        { code: 'ERR_FTP_DATA' },
        true,
      ],
      [
        'control closed, data too',
        async (control, data) => (await data.reset(), control.end()),
        { retryable: true },
        false,
      ],
      [
        'control closed, data ends',
        async (control, data) => (await data.end(), control.end()),
        { code: 'ERR_FTP_CONTROL_CLOSED' },
        false,
      ],
    ]

  test.each(breaks)('%s: an error, and the bytes that came', async (_what, end, expected, isReady) => {
    const { text, error, ready } = await outcomeOf(async (control) => {
      const data = await prepared(control)
      control.reply('150 here it comes')
      await data.write('all of')
      await data.delivered()
      await end(control, data)
    })
    expect(text).toBe('all of')
    expect(error).toMatchObject(expected)
    expect(ready).toBe(isReady)
  })

  test('no data for too long: the stall is the error, though our reset brings a 426', async () => {
    const { error, ready } = await outcomeOf(
      async (control) => {
        const data = await prepared(control)
        control.reply('150 here it comes')
        await data.write('all')
        expect(await data.departed).toBe('reset')
        control.reply('426 you left')
      },
      new Taker(),
      {},
      { timeouts: { data: 60 } },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'data' })
    expect(ready).toBe(true)
  })

  test('no answer to RETR: the deadline holds', async () => {
    const { error, ready } = await outcomeOf(
      async (control) => {
        await prepared(control)
        await control.silence()
      },
      new Taker(),
      {},
      { timeouts: { reply: 80 } },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'reply', command: 'RETR a.bin' })
    expect(ready).toBe(false)
  })
})

test('a 426 that overtakes what was sent before it: the rest is still taken', async () => {
  const taker = new Taker()
  const { text, result, ready } = await outcomeOf(async (control) => {
    const data = await prepared(control)
    await data.write('all of')
    while (taker.text === '') await control.delay(1)
    control.reply('426 it seems broken')
    await control.delay(30)
    await data.write(' the file')
    await data.end()
  }, taker)
  expect({ text, ready }).toEqual({ text: TEXT, ready: true })
  expect(result).toMatchObject({ outcome: 'unconfirmed', doubt: { reply: { code: 426 } } })
})

describe('refused', () => {
  test.each([
    ['550 no such file', 'ERR_FTP_REPLY', false],
    ['450 busy', 'ERR_FTP_REPLY', true],
    ['553 not you', 'ERR_FTP_NOT_PERMITTED', false],
    ['425 cannot open data connection', 'ERR_FTP_REPLY', true],
  ])(
    '%s: the reply is the error, the data connection is given up, the session goes on',
    async (answer, code, retryable) => {
      let departure: unknown
      const { text, error, ready } = await outcomeOf(async (control) => {
        const data = await prepared(control)
        control.reply(answer)
        departure = await data.departed
      })
      expect({ text, departure, ready }).toEqual({ text: '', departure: 'reset', ready: true })
      expect(error).toMatchObject({ code, retryable, command: 'RETR a.bin' })
    },
  )

  test('after an orderly, empty data connection too: never an empty file', async () => {
    const { error, ready } = await outcomeOf(async (control) => {
      const data = await prepared(control)
      control.reply('150 here it comes')
      await data.end()
      control.reply('550 no such file after all')
    })
    expect(error).toMatchObject({ reply: { code: 550 } })
    expect(ready).toBe(true)
  })
})

describe('our own cut', () => {
  const last: [string, string[], boolean][] = [
    ['426', ['426 you left'], true],
    ['226', ['226 sent all'], true],
    ['a second 150', ['150 measured here'], true],
    ['nothing', [], false],
  ]

  test.each(last)(
    'is followed by %s: the transfer does not wait for it, the session does',
    async (_what, replies, isReady) => {
      const taker = new Taker(3)
      const { text, result, ready } = await outcomeOf(async (control, returned) => {
        const data = await prepared(control)
        control.reply('150 here it comes')
        await data.write(TEXT)
        expect(await data.departed).toBe('reset')
        await returned
        if (replies.length > 0) control.reply(...replies)
        else await control.silence()
      }, taker)
      expect(text).toBe(TEXT)
      expect(result).toMatchObject({ outcome: 'cut', doubt: undefined })
      expect(ready).toBe(isReady)
    },
  )

  test('a late second reply is not taken for the next port', async () => {
    await using scripted = await server(async (control) => {
      const data = await prepared(control)
      control.reply('150 here it comes')
      await data.write(TEXT)
      await data.departed
      control.reply('426 you left')
      const command = await control.expect('EPSV')
      control.reply('226 abort successful')
      const next = await control.answerPassive(command)
      await control.expect('RETR a.bin').reply('150 here it comes')
      await next.write(TEXT)
      await next.end()
      control.reply('226 done')
    })
    const session = await open(scripted)
    expect(await retrieve(session, request(new Taker(3)))).toMatchObject({ outcome: 'cut' })
    expect(await session.isReady()).toBe(true)
    expect(await retrieve(session, request(new Taker()))).toEqual(complete)
    session.destroy(new Error('over'))
  })
})

describe('an abort', () => {
  test.each(['TYPE', 'EPSV', 'REST', 'RETR', 'data'])(
    'at %s: the reason, untouched, and nothing left',
    async (stage) => {
      const controller = new AbortController()
      const reason = { not: 'an error' }
      const abortAt = (at: string): void => {
        if (at === stage) controller.abort(reason)
      }
      await using scripted = await server(async (control) => {
        await control.expect('TYPE I')
        abortAt('TYPE')
        control.reply('200 fine')
        if (stage === 'TYPE') return control.silence()
        const command = await control.expect('EPSV')
        abortAt('EPSV')
        if (stage === 'EPSV') return control.silence()
        const data = await control.answerPassive(command)
        await control.expect('REST 5')
        abortAt('REST')
        control.reply('350 go on')
        if (stage === 'REST') return control.silence()
        await control.expect('RETR a.bin')
        abortAt('RETR')
        control.reply('150 here it comes')
        await data.write('the')
        abortAt('data')
        await data.departed
        await control.silence()
      })
      await expectNoLeaks(
        async () => {
          const session = await open(scripted)
          const { signal } = controller
          await expect(retrieve(session, request(new Taker(), { offset: 5, signal }))).rejects.toBe(reason)
          session.destroy(reason)
          await scripted.connections[0]?.closed
        },
        { watch: [controller.signal] },
      )
    },
  )

  test('before it begins: nothing is sent', async () => {
    await using scripted = await server(async () => undefined)
    const session = await open(scripted)
    const before = [...(scripted.commands[0] ?? [])]
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(retrieve(session, request(new Taker(), { signal }))).rejects.toThrow('enough')
    expect(scripted.commands[0]).toEqual(before)
    session.destroy(new Error('over'))
  })
})

describe('what is sent', () => {
  test('REST is the last command before RETR; TYPE is sent once', async () => {
    await using scripted = await server(async (control) => {
      await control.expect('TYPE I').reply('200 fine')
      for (const offset of [3, 7]) {
        const data = await control.passive()
        await control.expect(`REST ${offset}`).reply('350 go on')
        await control.expect('RETR a.bin').reply('150 here it comes')
        await data.end()
        control.reply('226 done')
      }
    })
    const profile = unknownServer()
    const session = await open(scripted, {}, { profile })
    for (const offset of [3, 7]) await retrieve(session, request(new Taker(), { offset }))
    expect(profile).toMatchObject({ restart: 'works', passive: { way: 'EPSV', isProven: true } })
    session.destroy(new Error('over'))
  })

  test('a TYPE that was refused does not count as set', async () => {
    await using scripted = await server(async (control) => {
      await control.expect('TYPE I').reply('451 not now')
      const data = await prepared(control)
      control.reply('150 here it comes')
      await data.end()
      control.reply('226 done')
    })
    const session = await open(scripted)
    await expect(retrieve(session, request(new Taker()))).rejects.toMatchObject({ command: 'TYPE I' })
    expect(await retrieve(session, request(new Taker()))).toMatchObject({ outcome: 'complete' })
    session.destroy(new Error('over'))
  })

  test('a TYPE that was refused leaves none in force', async () => {
    await using scripted = await server(async (control) => {
      await control.expect('TYPE I').reply('200 fine')
      await control.expect('TYPE A').reply('504 not here')
      await control.expect('TYPE I').reply('200 fine')
    })
    const session = await open(scripted)
    await session.setType('I')
    await session.setType('I')
    await expect(session.setType('A')).rejects.toMatchObject({ code: 'ERR_FTP_UNSUPPORTED' })
    await session.setType('I')
    session.destroy(new Error('over'))
  })

  test.each([
    ['502 not implemented', 'unusable'],
    ['451 not now', 'untried'],
  ])(
    'REST is answered %j: an error, no RETR, and the data connection is given up',
    async (answer, restart) => {
      const profile = unknownServer()
      let departure: unknown
      await using scripted = await server(async (control) => {
        await control.expect('TYPE I').reply('200 fine')
        const data = await control.passive()
        await control.expect('REST 5').reply(answer)
        departure = await data.departed
      })
      const session = await open(scripted, {}, { profile })
      await expect(retrieve(session, request(new Taker(), { offset: 5 }))).rejects.toMatchObject({
        command: 'REST 5',
      })
      expect(profile.restart).toBe(restart)
      expect(await session.isReady()).toBe(true)
      session.destroy(new Error('over'))
      await scripted.connections[0]?.closed
      expect(departure).toBe('reset')
    },
  )
})

describe('the data port', () => {
  /** A session's RETR after a first exchange about ports. */
  async function via(
    ports: (control: ScriptedControl) => Promise<ScriptedData>,
    options: FtpClientOptions = {},
    profile: ServerProfile = unknownServer(),
  ): Promise<{ text: string; commands: string[] }> {
    await using scripted = await server(async (control) => {
      await control.expect('TYPE I').reply('200 fine')
      const data = await ports(control)
      await control.expect('RETR a.bin').reply('150 here it comes')
      await data.write(TEXT)
      await data.end()
      control.reply('226 done')
    })
    const session = await open(scripted, options, { profile })
    const taker = new Taker()
    await retrieve(session, request(taker))
    session.destroy(new Error('over'))
    return {
      text: taker.text,
      commands: (scripted.commands[0] ?? []).slice(3).map((line) => line.split(' ')[0] ?? ''),
    }
  }

  test('EPSV refused: PASV, and no EPSV the next time', async () => {
    const profile = unknownServer()
    const first = await via(
      async (control) => {
        await control.expect('EPSV').reply('500 what')
        return control.passive({ command: 'PASV' })
      },
      {},
      profile,
    )
    expect(first).toEqual({ text: TEXT, commands: ['EPSV', 'PASV', 'RETR'] })
    profile.features = undefined // Or the second session would not ask, as the first one has.
    expect((await via((control) => control.passive(), {}, profile)).commands).toEqual(['PASV', 'RETR'])
  })

  test('the port of EPSV refuses: PASV, and remembered', async () => {
    const profile = unknownServer()
    const { text, commands } = await via(
      async (control) => {
        await control.passive({ command: 'EPSV', port: 'closed' })
        return control.passive({ command: 'PASV' })
      },
      {},
      profile,
    )
    expect({ text, commands }).toEqual({ text: TEXT, commands: ['EPSV', 'PASV', 'RETR'] })
    expect(profile.passive).toEqual({ way: 'PASV', isProven: true })
  })

  test('the address that PASV tells is not gone to', async () => {
    const { text } = await via(async (control) => {
      await control.expect('EPSV').reply('500 what')
      return control.passive({
        command: 'PASV',
        reply: (_command, port) => `227 (203,0,113,9,${port >> 8},${port & 255})`,
      })
    })
    expect(text).toBe(TEXT)
  })

  test('active: PORT, and the server comes to us', async () => {
    const { text, commands } = await via(
      async (control) => {
        const { data, connect } = await control.active()
        void connect()
        return data
      },
      { mode: 'active' },
    )
    expect({ text, commands }).toEqual({ text: TEXT, commands: ['PORT', 'RETR'] })
  })

  test('neither EPSV nor PASV: the refusal, and nothing is left of it', async () => {
    const { error, ready } = await outcomeOf(async (control) => {
      await control.expect('TYPE I').reply('200 fine')
      await control.expect('EPSV').reply('502 no')
      await control.expect('PASV').reply('425 no ports')
    })
    expect(error).toMatchObject({ command: 'PASV', retryable: true })
    expect(ready).toBe(true)
  })
})

describe('under TLS', () => {
  async function secured(
    dialogue: (control: ScriptedControl) => Promise<void>,
    use: (session: Session) => Promise<void>,
    profile: ServerProfile = unknownServer(),
  ): Promise<void> {
    await using scripted = await scriptedServer(async (control) => {
      control.reply('220 ready')
      await control.authTls()
      await control.expect(/^USER/).reply('230 come in')
      await control.expect('PBSZ 0').reply('200 fine')
      await control.expect('PROT P').reply('200 private')
      await control.expect('FEAT').reply('502 no')
      await dialogue(control)
    })
    const tls = { ca: (await certificate()).ca }
    const session = await open(
      scripted,
      { security: 'explicit', host: 'localhost', family: 4, tls },
      { profile },
    )
    await use(session)
    session.destroy(new Error('over'))
  }

  test('each data connection resumes, with a ticket of its own as long as there are any', async () => {
    const tickets: unknown[] = []
    await secured(
      async (control) => {
        await control.expect('TYPE I').reply('200 fine')
        for (let round = 0; round < 6; round++) {
          const data = await control.passive()
          await control.expect('RETR a.bin').reply('150 here it comes')
          await data.write(TEXT)
          tickets.push(data.ticket)
          await data.end()
          control.reply('226 done')
        }
      },
      async (session) => {
        for (let round = 0; round < 6; round++) {
          const result = await retrieve(session, request(new Taker()))
          expect(result).toMatchObject({ outcome: 'complete', tls: { protocol: 'TLSv1.3', resumed: true } })
          expect(await session.isReady()).toBe(true)
        }
      },
    )
    // This server gives two at login, and none with a resumed connection.
    expect(new Set(tickets.slice(0, 2)).size).toBe(2)
  })

  test('the port of EPSV refuses: an error, and PASV the next time', async () => {
    const profile = unknownServer()
    await secured(
      async (control) => {
        await control.expect('TYPE I').reply('200 fine')
        await control.passive({ command: 'EPSV', port: 'closed' })
        await control.expect('RETR a.bin').reply('150 here it comes', '425 where are you')
        const data = await control.passive({ command: 'PASV' })
        await control.expect('RETR a.bin').reply('150 here it comes')
        await data.write(TEXT)
        await data.end()
        control.reply('226 done')
      },
      async (session) => {
        await expect(retrieve(session, request(new Taker()))).rejects.toMatchObject({ retryable: true })
        expect(await session.isReady()).toBe(true)
        expect(await retrieve(session, request(new Taker()))).toMatchObject({ outcome: 'complete' })
      },
      profile,
    )
    expect(profile.passive).toEqual({ way: 'PASV', isProven: true })
  })

  test('522: says that the session of the control connection is wanted', async () => {
    await secured(
      async (control) => {
        await prepared(control)
        control.reply('522 SSL connection failed: session reuse required')
      },
      async (session) => {
        await expect(retrieve(session, request(new Taker()))).rejects.toMatchObject({
          code: 'ERR_FTP_TLS_NOT_RESUMED',
          retryable: true,
        })
      },
    )
  })
})

test('a session that was idle for long is asked before it is used, and is not ready if it does not answer', async () => {
  await using scripted = await scriptedServer(async (control, index) => {
    await letIn(control)
    await control.expect('NOOP')
    if (index === 0) control.reply('200 alive')
    else await control.silence()
  })
  const options = { timeouts: { idle: 1, reply: 60 } }
  const answers: boolean[] = []
  for (let index = 0; index < 2; index++) {
    const session = await open(scripted, options)
    session.setIdle(true)
    await new Promise((resolve) => setTimeout(resolve, 5))
    answers.push(await session.isReady())
    session.destroy(new Error('over'))
  }
  expect(answers).toEqual([true, false])
})
