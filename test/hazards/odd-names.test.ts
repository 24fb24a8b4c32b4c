/** Names that other clients cut, trim, quote or resolve: they go out byte for byte. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { download } from '../../src/index.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { BRISK, CONTENT, PASSWORD, serving, succeed, USER } from './support/attempt.ts'

const NAMES = [
  '/pub/a#b.bin',
  '/pub/a?b=c&d.bin',
  '/pub/100%.bin',
  '/pub/ leading and trailing ',
  '/pub/quotes "and" \'more\'.bin',
  '/pub/[brackets] {braces} *.bin',
  '/pub/back\\slash.bin',
  '/pub/-l',
  '/pub/Grüße/日本語/🐙.bin',
  '/pub/semi;type=a.bin',
  '/pub/tab\there.bin',
]

test.each(NAMES)('%j by a client', async (name) => {
  await succeed({ remote: name, server: { files: { [name]: CONTENT } } })
})

test('all of them in URLs, by calls that share a client', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    const files = Object.fromEntries(NAMES.map((name) => [name, randomBytes(1_000, name)]))
    await using server = await fakeFtpServer(serving(CONTENT, { files }))
    const base = `ftp://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/`
    const paths = NAMES.map((name) => name.split('/').map(encodeURIComponent).join('/'))
    await Promise.all(
      paths.map((path, index) => download(base + path, folder.at(`${index}`), { retry: BRISK })),
    )
    for (const [index, name] of NAMES.entries()) {
      expect((await readFile(folder.at(`${index}`))).equals(files[name] ?? Buffer.alloc(0))).toBe(true)
    }
  })
})

test.each([
  ['pub/file.bin', 'pub/file.bin'],
  ['/pub/file.bin', '/pub/file.bin'],
  ['%2Fpub/file.bin', '/pub/file.bin'],
  ['pub/../file.bin', 'pub/../file.bin'],
  ['pub/%2e%2e/file.bin', 'pub/../file.bin'],
  ['a?b#c', 'a?b#c'],
  ['file.bin;type=i', 'file.bin'],
])('ftp://host/%s asks for %j', async (path, name) => {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT, { users: { anonymous: 'anonymous@' } }))
  const transfer = download(`ftp://127.0.0.1:${server.port}/${path}`, folder.at('file'), { retry: BRISK })
  await transfer.catch(() => undefined)
  expect(server.commands.flat()).toContain(`SIZE ${name}`)
})

test('a name that is no UTF-8 goes out in its own bytes, 0xFF doubled as Telnet wants it', async () => {
  const asked: Buffer[] = []
  await using folder = await temporaryDirectory()
  await using server = await scriptedServer(async (control) => {
    control.reply('220 ready')
    await control.expect('USER anonymous').reply('230 in')
    await control.expect('FEAT').reply('502 no')
    await control.expect('TYPE I').reply('200 fine')
    asked.push(Buffer.from(await control.expect(/^SIZE /)))
    control.reply('550 no such file')
    await control.expect(/^MDTM /).reply('550 no such file')
    await control.expect('EPSV').reply('421 enough')
    await control.end()
  })
  const url = `ftp://127.0.0.1:${server.port}/caf%E9%FF.bin`
  await expect(download(url, folder.at('file'), { retry: { attempts: 1 } })).rejects.toMatchObject({
    name: 'FtpReplyError',
  })
  // What is no UTF-8 reads as U+FFFD on the other side: one for the é, two for the doubled 0xFF.
  expect(asked.map(String)).toEqual(['SIZE caf\uFFFD\uFFFD\uFFFD.bin'])
})
