/** Where logins come from: .netrc, the environment, saved connections. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { knownCredentials } from '../../../src/cli/login/credentials.ts'
import { netrcLogin } from '../../../src/cli/login/netrc.ts'
import {
  connectionsFile,
  removeConnection,
  saveConnection,
  savedConnections,
} from '../../../src/cli/login/saved-connections.ts'
import { isRemote, nameIn, readPlace } from '../../../src/cli/place.ts'
import { parseFtpUrl } from '../../../src/index.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

describe('.netrc', () => {
  const text = `
# machine ftp.example.org login wrong password wrong
machine ftp.example.org login octo password "open \\"sesame\\""
machine FTP.example.org
  login other password #2\\ words account x
macdef init
machine macro.example.org login no password no

machine b.example.org password alone
default login anonymous password guest@`

  it.each([
    ['ftp.example.org', undefined, 'octo', 'open "sesame"'],
    ['ftp.example.org', 'octo', 'octo', 'open "sesame"'],
    ['ftp.example.org', 'other', 'other', '#2 words'],
    ['b.example.org', 'whoever', undefined, 'alone'],
    ['macro.example.org', undefined, 'anonymous', 'guest@'],
  ])('for %s and %s', (host, user, login, password) => {
    expect(netrcLogin(text, host, user)).toEqual({ user: login, password })
  })

  it('has nothing where it has nothing', () => {
    expect(netrcLogin('machine a login b password c', 'b', undefined)).toBeUndefined()
    expect(netrcLogin('', 'b', undefined)).toBeUndefined()
    expect(netrcLogin('machine', 'b', undefined)).toBeUndefined()
  })
})

describe('credentials', () => {
  const netrc = 'machine ftp.example.org login octo password netrc'
  const of = (href: string, given: { user?: string; own?: string; environment?: string } = {}): unknown =>
    knownCredentials(
      { url: parseFtpUrl(href), password: given.own },
      { user: given.user, environmentPassword: given.environment, netrc },
    )

  it('come from the nearest source', () => {
    expect(of('ftp://octo@ftp.example.org', { own: 'own', environment: 'env' })).toEqual({
      user: 'octo',
      password: 'own',
    })
    expect(of('ftp://octo@ftp.example.org', { environment: 'env' })).toMatchObject({ password: 'env' })
    expect(of('ftp://octo@ftp.example.org')).toMatchObject({ password: 'netrc' })
    expect(of('ftp://ftp.example.org')).toEqual({ user: 'octo', password: 'netrc' })
    expect(of('ftp://elsewhere.example.org', { environment: 'env' })).toEqual({})
  })

  it('of a URL are of its user alone', () => {
    expect(of('ftp://octo@elsewhere', { user: 'other', own: 'own' })).toEqual({ user: 'other' })
  })
})

describe('places', () => {
  it('are told from local paths', () => {
    expect(isRemote('ftp://host/x')).toBe(true)
    expect(isRemote('work:x')).toBe(true)
    expect(isRemote('./work:x')).toBe(false)
    expect(isRemote('C:\\x')).toBe(false)
    expect(isRemote('x')).toBe(false)
  })

  it('show no password, and warn of one', async () => {
    const warnings: string[] = []
    const place = await readPlace('ftp://octo:secret@ftp.example.org/pub/x', (text) => warnings.push(text))
    expect(place).toMatchObject({ password: 'secret', text: 'ftp://ftp.example.org/pub/x' })
    expect(JSON.stringify([place.href, warnings])).not.toContain('secret')
    expect(warnings).toHaveLength(1)
  })

  it.each(['octo:secret@ftp.example.org/x', 'ftp.example.org/a@b', ''])(
    'what is none is not shown: %s',
    async (text) => {
      await expect(readPlace(text, () => {})).rejects.toThrow(/^(?!.*secret)/)
    },
  )

  it.each([
    ['ftp://h/a/b%20c', 'b c'],
    ['ftp://h/a/', undefined],
    ['ftp://h', undefined],
    ['ftp://h/a/..', undefined],
    ['ftp://h/a%2F..', undefined],
    ['ftp://h/a%5Cb', undefined],
  ])('%s gives a file the name %s', async (href, name) => {
    expect(nameIn(await readPlace(href, () => {}))).toBe(name)
  })
})

describe('saved connections', () => {
  let folder: TemporaryDirectory
  const work = { host: 'ftp.example.org', port: 2121, user: 'octo', password: '', ssl: true }

  beforeEach(async () => {
    folder = await temporaryDirectory()
    vi.stubEnv('HOME', folder.path)
    vi.stubEnv('USERPROFILE', folder.path)
    vi.stubEnv('OCTOFTP_CONNECTIONS', folder.at('own', 'connections.json'))
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await folder[Symbol.asyncDispose]()
  })

  async function writeOctopus(text: string): Promise<void> {
    await mkdir(folder.at('.octopusftp'))
    await writeFile(folder.at('.octopusftp', 'connections.json'), text)
  }

  it('are written for their owner alone, and whole', async () => {
    await saveConnection('work', work)
    await saveConnection('home', { ...work, implicit: true })
    expect(await readdir(folder.at('own'))).toEqual(['connections.json'])
    if (process.platform !== 'win32') expect((await stat(connectionsFile())).mode & 0o777).toBe(0o600)
    expect((await savedConnections()).map(({ name }) => name)).toEqual(['home', 'work'])
    await removeConnection('work')
    expect(JSON.parse(await readFile(connectionsFile(), 'utf8'))).toEqual({
      home: { ...work, implicit: true },
    })
  })

  it('of OctopusFTP are read, ours go first, and its file is never written', async () => {
    const text =
      '{"work":{"host":"old","port":"21","user":"u","password":"p","ssl":false},"octopus":{"host":"o"}}'
    await writeOctopus(text)
    await saveConnection('work', work)
    expect((await savedConnections()).map(({ name, connection: { host } }) => [name, host])).toEqual([
      ['octopus', 'o'],
      ['work', 'ftp.example.org'],
    ])
    await expect(removeConnection('octopus')).rejects.toThrow('which is only read')
    expect(await readFile(folder.at('.octopusftp', 'connections.json'), 'utf8')).toBe(text)
  })

  it('are places by their names', async () => {
    await writeOctopus('{"octo":{"host":"::1","port":"2121","user":"a@b","password":"p","ssl":true}}')
    const relative = await readPlace('octo:pub/50%.txt', () => {})
    expect(relative).toMatchObject({ password: 'p', text: 'ftpes://[::1]:2121/pub/50%25.txt' })
    expect(relative.url).toMatchObject({ user: 'a@b', security: 'explicit' })
    expect(Buffer.from((await readPlace('octo:/pub', () => {})).url.path).toString()).toBe('/pub')
    await expect(readPlace('other:pub', () => {})).rejects.toThrow('No connection "other" is saved')
  })

  it.each(['{', '[]', '{"a":{"password":"secret"}}'])(
    'a file that is none is kept as it is: %s',
    async (text) => {
      await mkdir(folder.at('own'))
      await writeFile(connectionsFile(), text)
      await expect(saveConnection('work', work)).rejects.toThrow(/^(?!.*secret).*Mend it or move it away/)
      expect(await readFile(connectionsFile(), 'utf8')).toBe(text)
    },
  )

  it.each(['a', 'a b', 'a:b', ''])('no connection is called "%s"', async (name) => {
    await expect(saveConnection(name, work)).rejects.toThrow('The name of a connection')
  })
})
