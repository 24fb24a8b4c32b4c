/** TYPE A: CR LF on the wire, the system's line ends in the file; one connection, and no count to trust but the 226. */
import { readFile } from 'node:fs/promises'
import { EOL } from 'node:os'
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { fakeFtpServer, type FakeFtpOptions } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { clientOptions, REMOTE, sent, serving } from './support/attempt.ts'

const LINES = Array.from(
  { length: 20_000 },
  (_, index) => `line ${index}${index % 7 === 0 ? ' with a lone \r in it' : ''}`,
)
const ON_THE_WIRE = Buffer.from(`${LINES.join('\r\n')}\r\n\r`)
const ON_DISK = Buffer.from(`${LINES.join(EOL)}${EOL}\r`)

test.each<readonly [string, FakeFtpOptions]>([
  ['as it should be', {}],
  ['with a SIZE of something else', { sizeTold: () => 5 }],
  [
    'that breaks once',
    { fault: ({ number }) => (number === 0 ? { kind: 'cut', by: 'rst', afterBytes: 77_777 } : undefined) },
  ],
])('a text %s', async (_name, options) => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(ON_THE_WIRE, options))
    await using client = new FtpClient(await clientOptions(server))
    const result = await client.download(REMOTE, folder.at('file.txt'), {
      type: 'ascii',
      connections: 4,
      minSegmentSize: 1,
    })
    expect((await readFile(folder.at('file.txt'))).equals(ON_DISK)).toBe(true)
    expect(result).toMatchObject({ bytes: ON_DISK.length, connections: 1 })
    expect(result.verified.size).not.toBe('matched')
    expect(sent(server, 'TYPE A')).toBeGreaterThan(0)
    expect(server.retrievals.every(({ offset }) => offset === 0)).toBe(true)
  })
})

test('a text and then a binary on one connection: each in its own TYPE', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(ON_THE_WIRE))
    await using client = new FtpClient(await clientOptions(server, { maxConnections: 1 }))
    for (const type of ['ascii', 'binary', 'ascii', 'binary'] as const) {
      await client.download(REMOTE, folder.at('file'), { type })
      expect((await readFile(folder.at('file'))).equals(type === 'ascii' ? ON_DISK : ON_THE_WIRE)).toBe(true)
    }
    expect(lastTypeBeforeEachRetr(server.commands.flat())).toEqual(['TYPE A', 'TYPE I', 'TYPE A', 'TYPE I'])
  })
})

test('a text without 226 is not known to be whole', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(ON_THE_WIRE, { completion: 'never' }))
    await using client = new FtpClient(await clientOptions(server, { timeouts: { completion: 100 } }))
    await expect(client.download(REMOTE, folder.at('file'), { type: 'ascii' })).rejects.toMatchObject({
      code: 'ERR_FTP_TIMEOUT',
      phase: 'completion',
    })
  })
})

test('TYPE refused: no transfer in the wrong one', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    const on: FakeFtpOptions['on'] = { TYPE: (session) => session.reply('504 Not that one') }
    await using server = await fakeFtpServer(serving(ON_THE_WIRE, { on }))
    await using client = new FtpClient(await clientOptions(server))
    await expect(client.download(REMOTE, folder.at('file'))).rejects.toMatchObject({
      command: 'TYPE I',
      reply: { code: 504 },
    })
    expect(sent(server, 'RETR')).toBe(0)
  })
})

function lastTypeBeforeEachRetr(commands: readonly string[]): string[] {
  let type = ''
  const types: string[] = []
  for (const command of commands) {
    if (command.startsWith('TYPE')) type = command
    if (command.startsWith('RETR')) types.push(type)
  }
  return types
}
