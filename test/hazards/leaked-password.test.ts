/** The password shows in no error, cause, event, inspection or JSON, also where the server echoes it. */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { download, FtpClient } from '../../src/index.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeSession } from '../support/fake-ftp-server.ts'
import { closedPort } from '../support/scripted/dead-port.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import {
  attempt,
  BRISK,
  CONTENT,
  fail,
  PASSWORD,
  REMOTE,
  serving,
  USER,
  type AttemptOptions,
} from './support/attempt.ts'
import { findSecret } from './support/secrets.ts'

const ACCOUNT = 'acc-0unt/secret'
const echo = (code: number) => (session: FakeSession, argument: string) =>
  session.reply(
    `${code}-You said ${argument}`,
    ` and the password is ${PASSWORD}, account ${ACCOUNT}`,
    `${code} That was: PASS ${PASSWORD}`,
  )

test('the search itself finds a secret wherever it hides', () => {
  class Holder {
    readonly #hidden = `x ${PASSWORD} y`
    get shown(): string {
      return this.#hidden
    }
  }
  const hidden = new Error('outer', { cause: new Error(`inner ${PASSWORD}`) })
  for (const value of [
    hidden,
    new AggregateError([hidden]),
    { deep: [{ url: `ftp://u:${encodeURIComponent(PASSWORD)}@h/` }] },
    { bytes: Buffer.from(PASSWORD) },
    new Holder(),
    Object.defineProperty({}, 'quiet', { value: PASSWORD, enumerable: false }),
    { [inspect.custom]: () => PASSWORD },
    { toJSON: () => PASSWORD },
  ]) {
    expect(findSecret(value, PASSWORD)).not.toEqual([])
  }
  expect(findSecret({ safe: ['PASS ****', new Error('x', { cause: 1n })] }, PASSWORD)).toEqual([])
})

// `attempt` searches error, events, result and client for the password in each of these.
test.each<readonly [string, AttemptOptions]>([
  ['refused at PASS', { server: { on: { PASS: echo(530) } } }],
  ['421 at PASS', { server: { on: { PASS: echo(421) } } }],
  [
    'an account asked for',
    { server: { on: { PASS: echo(332), ACCT: echo(530) } }, client: { account: ACCOUNT } },
  ],
  ['refused at RETR', { server: { on: { RETR: echo(550) } }, download: { connections: 1 } }],
  [
    'refused at SIZE, EPSV and PASV',
    { server: { on: { SIZE: echo(550), EPSV: echo(500), PASV: echo(501) } } },
  ],
  ['427 with it', { server: { on: { EPSV: echo(229) } } }],
  [
    'an unreadable reply',
    { server: { on: { SIZE: (session) => session.reply(`\u0001${PASSWORD} nonsense`) } } },
  ],
  [
    'a silence behind PASS',
    { server: { on: { PASS: () => undefined } }, client: { timeouts: { reply: 80 } } },
  ],
  ['a greeting that knows it', { server: { greeting: `421 No ${PASSWORD}` } }],
  [
    'a farewell that knows it',
    {
      server: {
        on: {
          RETR: async (session) => {
            session.reply(`421 Bye ${PASSWORD}`)
            await session.end()
          },
        },
      },
      download: { connections: 1 },
    },
  ],
])('%s', async (_name, options) => {
  const outcome = await attempt({ ...options, client: { ...options.client, account: ACCOUNT } })
  expect(outcome.error).toBeInstanceOf(Error)
  expect(findSecret([outcome.error, outcome.events], ACCOUNT)).toEqual([])
})

test('what is left of an echoing reply can still be read', async () => {
  const { error } = await fail({ server: { on: { PASS: echo(530) } } })
  expect((error as Error).message).toContain('You said ****')
  expect((error as Error).message).toContain('PASS ****')
})

test('in a URL: neither in the errors of parsing nor in those of connecting', async () => {
  await using folder = await temporaryDirectory()
  const port = await closedPort('127.0.0.1')
  const encoded = encodeURIComponent(PASSWORD)
  const errors: unknown[] = []
  for (const url of [
    `ftp://${USER}:${encoded}@127.0.0.1:${port}/file`,
    `ftp://${USER}:${PASSWORD}@127.0.0.1:${port}/file`,
    `ftp://${USER}:${encoded}@127.0.0.1:99999/file`,
    `ftp://${USER}:${encoded}@@127.0.0.1/file`,
    `ftp://${USER}:${encoded}@127.0.0.1/`,
    `ftp://${USER}:${encoded}@no such host/file`,
    `sftp://${USER}:${encoded}@127.0.0.1/file`,
    `ftp://${USER}:${encoded}@127.0.0.1:${port}/a%0d%0ab`,
    `ftp://${USER}:${encoded}@no-such-host.invalid/file`,
  ]) {
    try {
      errors.push(await download(url, folder.at('file'), { retry: BRISK }).catch((error: unknown) => error))
    } catch (error) {
      errors.push(error)
    }
  }
  expect(errors).toHaveLength(9)
  for (const error of errors) {
    expect(error).toBeInstanceOf(Error)
    expect(findSecret(error, PASSWORD)).toEqual([])
    expect(findSecret(error, 'swordfish')).toEqual([])
  }
})

test('in bad options beside it', () => {
  for (const options of [{ connections: 0 }, { timeouts: { data: -1 } }, { account: 5 }, { host: '' }]) {
    try {
      download('ftp://127.0.0.1/x', 'x', { user: USER, password: PASSWORD, ...(options as object) })
      throw new Error('nothing was thrown')
    } catch (error) {
      expect(error).toBeInstanceOf(Error)
      expect((error as Error).message).not.toBe('nothing was thrown')
      expect(findSecret(error, PASSWORD)).toEqual([])
    }
  }
})

test('in a client and its transfers, as they are inspected', async () => {
  await using folder = await temporaryDirectory()
  const on: FakeFtpOptions['on'] = {}
  await using server = await fakeFtpServer(serving(CONTENT, { on }))
  const url = `ftp://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`
  await using client = new FtpClient(url, { account: ACCOUNT })
  const transfer = client.download(REMOTE, folder.at('file'))
  expect(findSecret([client, transfer], PASSWORD)).toEqual([])
  const result = await transfer
  expect(findSecret([client, transfer, result, client.stats(), client.progress()], PASSWORD)).toEqual([])
})
