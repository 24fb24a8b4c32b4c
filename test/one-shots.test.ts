/** Calls with a URL: uploads, mirrors and listings. Downloads by URL are in test/downloads. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { FtpClient, list, mirror, upload } from '../src/index.ts'
import { describeServers } from './servers/vitest.ts'
import { scriptedServer, type ScriptedControl } from './support/scripted-server.ts'
import { temporaryDirectory } from './support/temporary-directory.ts'

describeServers({ kinds: ['vsftpd', 'proftpd'], securities: ['none', 'explicit'] }, (server) => {
  it('sends to a URL and lists one; all of them share the connections of one client', async () => {
    const { url, user, password, ca, root } = server()
    const options = { user, password, tls: { ca } }
    await using ftp = new FtpClient(url, options)
    await ftp.mkdir('by url')
    const names = Array.from({ length: 20 }, (_, index) => `file ${index}`)
    const results = await Promise.all(
      names.map((name) => upload(Buffer.from(name), `${url}/by%20url/${name.replace(' ', '%20')}`, options)),
    )
    expect(results.map(({ bytes }) => bytes)).toEqual(names.map((name) => name.length))
    expect(await readFile(join(root, 'by url', 'file 7'), 'utf8')).toBe('file 7')
    for (const address of [`${url}/by%20url/`, `${url}/by%20url`, new URL(`${url}/by%20url/`)]) {
      const listed: string[] = []
      for await (const { name } of list(address, options)) listed.push(name)
      expect(listed.sort()).toEqual([...names].sort())
    }
    const first = await list(`${url}/`, { client: ftp }).next()
    expect(first.value?.name).toBe('by url')
    expect((await upload(Buffer.from('x'), `${url}/x;type=a`, { client: ftp })).verified.size).toBe(
      'not asked',
    )
  })

  it('mirrors a URL to a directory, and a directory to a URL', async () => {
    const { url, user, password, ca, root } = server()
    const options = { user, password, tls: { ca } }
    await using folder = await temporaryDirectory()
    const names = Array.from({ length: 20 }, (_, index) => `in ${index % 3}/file ${index}`)
    for (const name of names) server().write(`tree of many/${name}`, name)
    // As many as a client of its own would not allow.
    const most = { ...options, connections: 12 }
    const down = await mirror(`${url}/tree%20of%20many/`, folder.at('down'), most)
    expect(down).toMatchObject({ transferred: 20, directoriesMade: 3, failures: [] })
    expect(await readFile(folder.at('down/in 1/file 7'), 'utf8')).toBe('in 1/file 7')

    const up = await mirror(folder.at('down'), new URL(`${url}/sent%20up`), {
      ...options,
      connections: 'auto',
    })
    expect(up).toMatchObject({ transferred: 20, failures: [] })
    expect(await readFile(join(root, 'sent up/in 1/file 7'), 'utf8')).toBe('in 1/file 7')

    await using ftp = new FtpClient(url, options)
    const again = await mirror(`${url}//sent%20up/`, folder.at('down'), { client: ftp, connections: 2 })
    expect(again).toMatchObject({ transferred: 0, equal: 20, failures: [] })
    const nowhere = mirror(`${url}/nowhere`, folder.at('down'), { ...options, delete: true })
    await expect(nowhere).rejects.toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
  })
})

async function letInWithoutMachineListing(control: ScriptedControl): Promise<void> {
  control.reply('220 ready')
  await control.expect(/^USER /).reply('230 come in')
  await control.expect('FEAT').reply('211-Little', ' SIZE', '211 End')
}

describe('by URL', () => {
  test('the path goes out byte for byte, and a slash at its end is none of a name', async () => {
    await using server = await scriptedServer(async (control) => {
      await letInWithoutMachineListing(control)
      await control.expect('PWD').reply('257 "/home" is it')
      await control.expect('CWD /a b/').reply('250 fine')
      await control.expect('SYST').reply('215 UNIX')
      await control.expect('TYPE I').reply('200 fine')
      const data = await control.passive()
      await control.expect('LIST').reply('150 here')
      await data.end()
      control.reply('226 done')
      await control.expect('CWD /home').reply('250 fine')
    })
    const { host, port } = server
    const listing = list(`ftp://${host}:${port}/%2Fa%20b//`)
    expect(await listing.next()).toEqual({ done: true, value: undefined })
  })

  test('a mainframe lists in text', async () => {
    await using server = await scriptedServer(async (control) => {
      await letInWithoutMachineListing(control)
      await control.expect('SYST').reply('215 MVS is the operating system of this server.')
      await control.expect('TYPE A').reply('200 fine')
      const data = await control.passive()
      await control.expect('LIST').reply('125 here')
      await data.write(' Name     VV.MM   Created       Changed      Size  Init   Mod   Id\r\n')
      await data.write(' MEMBER    01.03 2009/12/29 2010/01/06 05:48    88    63     0 OCTO\r\n')
      await data.end()
      control.reply('250 done')
    })
    const { host, port } = server
    await using ftp = new FtpClient({ host, port, security: 'none' })
    expect((await ftp.listAll()).map(({ name }) => name)).toEqual(['MEMBER'])
  })

  test('a mirror is between one URL and one local path, and says so', () => {
    const secret = 'ftp://octo:secret@host/pub'
    expect(() => mirror(secret, 'ftpes://other/pub')).toThrow(/one URL .* one local path; both are URLs$/)
    expect(() => mirror('C://pub', './pub')).toThrow(/one URL .* one local path; neither is a URL$/)
    expect(() => mirror('sftp://host/pub', './pub')).toThrow(/ftpes:/)
    expect(() => mirror('./pub', `${secret};type=a`)).toThrow(/;type=a/)
    expect(() => mirror('', secret)).toThrow(TypeError)
    expect(() => mirror(secret, './pub', { connections: 3, maxConnections: 2 })).toThrow(RangeError)
    const client = new FtpClient('ftp://one.example')
    expect(() => mirror('ftp://other.example/', './pub', { client })).toThrow(/host/)
    expect(() => mirror('./pub', 'ftp://one.example/x', { client, user: 'x' })).toThrow(/user/)
  })

  test('what makes no sense is thrown at once', () => {
    expect(() => list('sftp://host/')).toThrow(TypeError)
    expect(() => upload('x', 'ftp://host/x', { atomic: true, append: true })).toThrow(TypeError)
    expect(() => upload('', 'ftp://host/x')).toThrow(TypeError)
    const client = new FtpClient('ftp://one.example')
    expect(() => list('ftp://other.example/', { client })).toThrow(/host/)
    expect(() => upload('x', 'ftp://one.example/x', { client, password: 'secret' })).toThrow(/password/)
  })
})
