/** What basic-ftp's suite expects with a ProFTPD, in clear and under TLS; and of all servers, blanks before a path. */
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { FtpClient } from '../../../src/index.ts'
import { describeServers, useServer } from '../../servers/vitest.ts'
import { serverMatrix } from '../../servers/index.ts'
import type { RunningServer } from '../../servers/types.ts'
import { randomBytes } from '../../support/random-bytes.ts'

function clientOf({ url, user, password, ca }: RunningServer, tls: object = {}): FtpClient {
  return new FtpClient(url, { user, password, tls: { ca, ...tls }, maxConnections: 1 })
}

describeServers({ kinds: ['proftpd'], securities: ['none', 'explicit', 'implicit'] }, (server) => {
  async function namesIn(ftp: FtpClient, directory: string): Promise<string[]> {
    return (await ftp.listAll(directory)).map(({ name }) => name).sort()
  }

  it('an empty directory', async () => {
    await using ftp = clientOf(server())
    await ftp.mkdir('empty')
    expect(await ftp.listAll('empty')).toEqual([])
  })

  it.each<[string, Buffer]>([
    ['a text', Buffer.from('Grüße aus dem Meer')],
    ['every kind of byte', Buffer.from([0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff, 0x0d, 0x0a, 0x0d])],
    ['half a mebibyte of one letter', Buffer.alloc(524_288, 'A')],
    ['ten mebibytes', randomBytes(10_485_760, 'ten mebibytes')],
  ])('%s goes there and comes back', async (name, content) => {
    await using ftp = clientOf(server())
    const uploaded = await ftp.upload(Readable.from([content]), name)
    expect(uploaded).toMatchObject({ bytes: content.length, verified: { size: 'matched' } })
    expect(await ftp.size(name)).toBe(content.length)
    expect(content.equals(await ftp.readFile(name))).toBe(true)
  })

  it('files, listed, renamed and removed', async () => {
    await using ftp = clientOf(server())
    await ftp.mkdir('files')
    for (const name of ['a', 'b']) await ftp.writeFile(`files/${name}`, name)
    expect(await namesIn(ftp, 'files')).toEqual(['a', 'b'])
    await ftp.rename('files/a', 'files/c')
    expect(await namesIn(ftp, 'files')).toEqual(['b', 'c'])
    await ftp.remove('files/b')
    expect(await namesIn(ftp, 'files')).toEqual(['c'])
  })

  it('directories, one in the other, made and removed', async () => {
    await using ftp = clientOf(server())
    await ftp.mkdir('one/two/three', { recursive: true })
    await ftp.writeFile('one/two/file', 'x')
    expect(await ftp.listAll('one')).toMatchObject([{ name: 'two', type: 'directory' }])
    expect(await namesIn(ftp, 'one/two')).toEqual(['file', 'three'])
    await ftp.remove('one', { recursive: true })
    expect(await namesIn(ftp, '/')).not.toContain('one')
  })
})

// basic-ftp's ProFTPD does not want the session resumed; this one refuses every connection that does not.
describe.each([
  ['explicit', 'TLSv1.2'],
  ['explicit', 'TLSv1.3'],
  ['implicit', 'TLSv1.2'],
  ['implicit', 'TLSv1.3'],
] as const)('ProFTPD that requires resumption, %s, %s', (tls, version) => {
  it('takes nine data connections, each with a ticket of its own', async (context) => {
    const cell = serverMatrix(['proftpd'], { requireReuse: true }).find((one) => one.tls === tls)
    if (cell?.unavailable !== undefined) context.skip(cell.unavailable)
    const server = await useServer('proftpd', { tls, requireReuse: true })
    await using ftp = clientOf(server, { minVersion: version, maxVersion: version })
    for (let round = 1; round <= 4; round++) {
      const content = `round ${round} `.repeat(100)
      const { tls: facts } = await ftp.upload(Readable.from([content]), `round ${round}`)
      expect(facts).toMatchObject({ protocol: version, dataSessions: 1, dataSessionsReused: 1 })
      expect(await ftp.readFile(`round ${round}`, { encoding: 'utf8' })).toBe(content)
    }
    expect((await ftp.listAll()).map(({ name }) => name).sort()).toEqual(
      [1, 2, 3, 4].map((n) => `round ${n}`),
    )
    expect(ftp.stats()).toMatchObject({ open: 1, idle: 1 })
  })
})

describeServers({ securities: ['none'] }, (server) => {
  it('blanks before a path are part of it', async () => {
    await using ftp = clientOf(server())
    server().write('notes', 'no blank')
    server().write('  notes', 'two blanks')
    server().write(' folder/notes', 'below')
    expect(await ftp.size('  notes')).toBe('two blanks'.length)
    expect(await ftp.readFile('  notes', { encoding: 'utf8' })).toBe('two blanks')
    expect(await ftp.readFile(' folder/notes', { encoding: 'utf8' })).toBe('below')
    expect((await ftp.listAll(' folder')).map(({ name }) => name)).toEqual(['notes'])
    await ftp.remove('  notes')
    expect((await ftp.listAll()).map(({ name }) => name).sort()).toEqual([' folder', 'notes'])
  })
})
