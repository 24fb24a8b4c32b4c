/** Uploads to real servers, passive and active, plain and TLS: the right file, and nothing but the right file. */
import { readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'
import type { RunningServer, ServerKind } from '../servers/types.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const REAL_SERVERS: readonly ServerKind[] = ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib']
/** Those that hand out sessions to resume. */
const RESUMING: ReadonlySet<ServerKind> = new Set(['vsftpd', 'proftpd', 'pyftpdlib'])
const SOME = randomBytes(3_000_001, 'uploaded')
const MODIFIED = new Date('2021-02-28T23:59:58Z')

function clientOf(server: RunningServer, options: FtpClientOptions = {}): FtpClient {
  const { url, user, password, ca } = server
  return new FtpClient(url, { user, password, tls: { ca }, ...options })
}

describeServers({ kinds: REAL_SERVERS, securities: ['none', 'explicit'] }, (server, { tls, kind }) => {
  const remote = (name: string): string => join(server().root, name)

  it.each(['passive', 'active'] as const)('sends files, bytes, text and streams (%s mode)', async (mode) => {
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server(), { mode })
    await writeFile(folder.at('some.bin'), SOME)
    await utimes(folder.at('some.bin'), MODIFIED, MODIFIED)

    const result = await ftp.upload(folder.at('some.bin'), `${mode}.bin`)
    expect(result).toMatchObject({ path: `${mode}.bin`, bytes: SOME.length, resentBytes: 0 })
    expect(result.verified).toEqual({ size: 'matched', modified: 'matched', checksum: 'not asked' })
    if (tls !== 'none' && RESUMING.has(kind)) expect(result.tls?.dataSessionsReused).toBe(1)
    expect(SOME.equals(await readFile(remote(`${mode}.bin`)))).toBe(true)
    expect((await stat(remote(`${mode}.bin`))).mtime).toEqual(MODIFIED)

    await ftp.upload(SOME.subarray(0, 100_000), `${mode}-bytes`)
    expect(SOME.subarray(0, 100_000).equals(await readFile(remote(`${mode}-bytes`)))).toBe(true)
    await ftp.upload(Readable.from(['one ', Buffer.from('two '), 'Grüße']), `${mode}-stream`)
    expect(await readFile(remote(`${mode}-stream`), 'utf8')).toBe('one two Grüße')
    await ftp.writeFile(`${mode}-text`, 'Grüße')
    expect(await readFile(remote(`${mode}-text`), 'utf8')).toBe('Grüße')
    await ftp.writeFile(`${mode}-empty`, '')
    expect((await stat(remote(`${mode}-empty`))).size).toBe(0)
  })

  it('replaces, adds, or refuses to replace', async () => {
    await using ftp = clientOf(server())
    await ftp.writeFile('twice', 'a long first text')
    await ftp.writeFile('twice', 'short')
    expect(await readFile(remote('twice'), 'utf8')).toBe('short')
    const added = await ftp.upload(Buffer.from(' and more'), 'twice', { append: true })
    expect(added.verified.size).toBe('matched')
    expect(await readFile(remote('twice'), 'utf8')).toBe('short and more')
    await expect(ftp.upload(Buffer.from('no'), 'twice', { overwrite: 'error' })).rejects.toMatchObject({
      code: 'ERR_FTP_EXISTS',
    })
    expect(await readFile(remote('twice'), 'utf8')).toBe('short and more')
  })

  it('atomic: the older file stands until the new one is whole, and nothing else is left', async () => {
    await using ftp = clientOf(server())
    await ftp.mkdir('atomic')
    await ftp.writeFile('atomic/file', 'old')
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield SOME
      throw new Error('of our own')
    }
    await expect(ftp.upload(failing(), 'atomic/file', { atomic: true })).rejects.toThrow('of our own')
    expect(await readFile(remote('atomic/file'), 'utf8')).toBe('old')
    expect(await readdir(remote('atomic'))).toEqual(['file'])
    await ftp.upload(SOME, 'atomic/file', { atomic: true })
    expect(SOME.equals(await readFile(remote('atomic/file')))).toBe(true)
    expect(await readdir(remote('atomic'))).toEqual(['file'])
    await ftp.mkdir('atomic/long')
    // As long as a name can be.
    const longest = 'n'.repeat(255)
    await ftp.upload(SOME, `atomic/long/${longest}`, { atomic: true })
    await ftp.upload(SOME, `atomic/long/${longest}`, { atomic: true, resume: true })
    expect(await readdir(remote('atomic/long'))).toEqual([longest])
  })

  it('says why there is no place for it', async () => {
    await using ftp = clientOf(server())
    await ftp.mkdir('taken')
    const refused = (path: string): Promise<unknown> =>
      ftp.upload(Buffer.from('x'), path).catch((error: unknown) => error)
    expect(await refused('missing/file')).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
    expect(await refused('taken')).toMatchObject({ code: 'ERR_FTP_IS_DIRECTORY' })
    await expect(ftp.upload('/no such file', 'x')).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
  })

  it.each(['passive', 'active'] as const)(
    'a source that fails, or an abort, at any moment costs no session (%s mode)',
    (mode) =>
      expectNoLeaks(async () => {
        await using ftp = clientOf(server(), { mode, maxConnections: 1 })
        for (let round = 0; round < 12; round++) {
          const controller = new AbortController()
          const source = async function* (): AsyncGenerator<Uint8Array> {
            yield SOME.subarray(0, round * 50_000)
            if (round % 3 === 0) throw new Error('of our own')
            if (round % 3 === 1) controller.abort(new Error('of our own'))
            await Promise.resolve()
            yield SOME
            if (round % 3 === 2) throw new Error('of our own')
          }
          const { signal } = controller
          await expect(ftp.upload(source(), 'cut', { signal })).rejects.toThrow('of our own')
          await ftp.writeFile('after', `round ${round}`)
          expect(await readFile(remote('after'), 'utf8')).toBe(`round ${round}`)
        }
      }),
  )
})
