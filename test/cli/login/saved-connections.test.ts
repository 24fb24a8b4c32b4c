/** What is saved: what stays in the file, what a damaged one does, and several that save at once. */
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { SavedConnection } from '../../../src/cli/login/connections-file.ts'
import {
  removeConnection,
  saveConnection,
  savedConnection,
  savedConnections,
} from '../../../src/cli/login/saved-connections.ts'
import { readPlace } from '../../../src/cli/place.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

const WORK: SavedConnection = { host: 'ftp.example.org', port: 21, user: 'octo', password: '', ssl: true }

let folder: TemporaryDirectory

beforeEach(async () => {
  folder = await temporaryDirectory()
  for (const name of ['HOME', 'USERPROFILE']) vi.stubEnv(name, folder.path)
  vi.stubEnv('OCTOFTP_CONNECTIONS', folder.at('own', 'connections.json'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await folder[Symbol.asyncDispose]()
})

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}

const own = (): string => folder.at('own', 'connections.json')
const octopus = (): string => folder.at('.octopusftp', 'connections.json')
const names = async (): Promise<string[]> => (await savedConnections()).connections.map(({ name }) => name)

it('they are for their owner alone', async () => {
  await saveConnection('home', { ...WORK, implicit: true })
  if (process.platform !== 'win32') expect((await stat(own())).mode & 0o777).toBe(0o600)
  expect(JSON.parse(await readFile(own(), 'utf8'))).toEqual({ home: { ...WORK, implicit: true } })
})

it.each(['a', 'a b', 'a:b', ''])('none is called "%s"', async (name) => {
  await expect(saveConnection(name, WORK)).rejects.toThrow('The name of a connection')
})

it('they are places by their names', async () => {
  const octo = { host: '::1', port: '2121', user: 'a@b', password: 'p', ssl: true }
  await write(octopus(), JSON.stringify({ octo }))
  const relative = await readPlace('octo:pub/50%.txt', () => {})
  expect(relative).toMatchObject({ password: 'p', text: 'ftpes://[::1]:2121/pub/50%25.txt' })
  expect(relative.url).toMatchObject({ user: 'a@b', security: 'explicit' })
  expect(Buffer.from((await readPlace('octo:/pub', () => {})).url.path).toString()).toBe('/pub')
  await expect(readPlace('other:pub', () => {})).rejects.toThrow('No connection "other" is saved')
})

it('none is lost of several that are saved at once', async () => {
  const wanted = Array.from({ length: 20 }, (_, index) => `server-${String(index).padStart(2, '0')}`)
  await Promise.all(wanted.map((name) => saveConnection(name, WORK)))
  expect(await names()).toEqual(wanted)
  await Promise.all(wanted.slice(1).map((name) => removeConnection(name)))
  expect(await names()).toEqual(['server-00'])
  expect(await readdir(folder.at('own')), 'no lock is left').toEqual(['connections.json'])
})

it('what else is in the file stays', async () => {
  const mine = { host: 'a.example.org', notes: 'of mine', port: '2121' }
  await write(own(), JSON.stringify({ mine, $schema: 'https://example.org/x' }))
  await saveConnection('work', WORK)
  expect(JSON.parse(await readFile(own(), 'utf8'))).toEqual({
    mine,
    $schema: 'https://example.org/x',
    work: WORK,
  })
  await removeConnection('work')
  expect(JSON.parse(await readFile(own(), 'utf8'))).toEqual({ mine, $schema: 'https://example.org/x' })
  expect(await savedConnection('mine')).toEqual({
    ...WORK,
    host: 'a.example.org',
    port: 2121,
    user: '',
    ssl: false,
  })
})

it.each(['__proto__', 'constructor'])('%s is a name like any other', async (name) => {
  await expect(savedConnection(name)).rejects.toThrow('is saved')
  await expect(removeConnection(name)).rejects.toThrow('is saved')
  await saveConnection(name, WORK)
  expect(await savedConnection(name)).toEqual(WORK)
  await removeConnection(name)
  expect(await names()).toEqual([])
})

it('one that makes no sense is no reason to do without the others', async () => {
  await write(octopus(), JSON.stringify({ good: WORK, bad: { user: 'x' }, worse: 5 }))
  expect(await names()).toEqual(['good'])
  expect((await savedConnections()).troubles).toEqual([
    `"bad" in ${octopus()} has no host`,
    `"worse" in ${octopus()} has no host`,
  ])
  await expect(savedConnection('bad')).rejects.toThrow('"bad" in')
})

it.each([
  ['{"work": {"password": "secret"', 'it is no JSON'],
  ['["secret"]', 'it is no object'],
])('a file that holds %s is told, not quoted, and not written', async (text, reason) => {
  await write(own(), text)
  await write(octopus(), JSON.stringify({ good: WORK }))
  expect(await names()).toEqual(['good'])
  for (const failing of [savedConnection('work'), saveConnection('work', WORK), removeConnection('good')]) {
    const { message } = (await failing.then(
      () => new Error('It worked'),
      (error: unknown) => error,
    )) as Error
    expect(message).toContain(reason)
    expect(message).not.toContain('secret')
  }
  expect(await readFile(own(), 'utf8')).toBe(text)
})

it("OctopusFTP's file is read, and never written", async () => {
  const text = JSON.stringify({ theirs: WORK, work: { host: 'old' } })
  await write(octopus(), text)
  await saveConnection('work', WORK)
  expect(
    (await savedConnections()).connections.map(({ name, connection: { host } }) => [name, host]),
  ).toEqual([
    ['theirs', WORK.host],
    ['work', WORK.host],
  ])
  await expect(removeConnection('theirs')).rejects.toThrow('which is only read')
  vi.stubEnv('OCTOFTP_CONNECTIONS', octopus())
  await expect(saveConnection('work', WORK)).rejects.toThrow('only read')
  await expect(removeConnection('theirs')).rejects.toThrow('only read')
  expect(await names()).toEqual(['theirs', 'work'])
  expect(await readFile(octopus(), 'utf8')).toBe(text)
})

it.skipIf(process.platform === 'win32')('a link stays one: what it leads to is written', async () => {
  await write(folder.at('elsewhere.json'), '{}')
  await mkdir(dirname(own()))
  await symlink(folder.at('elsewhere.json'), own())
  await saveConnection('work', WORK)
  expect(JSON.parse(await readFile(folder.at('elsewhere.json'), 'utf8'))).toEqual({ work: WORK })
})

it('a lock that one left who was killed is named', async () => {
  await write(`${own()}.lock`, '')
  await expect(saveConnection('work', WORK)).rejects.toThrow(`remove ${own()}.lock`)
})
