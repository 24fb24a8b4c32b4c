/** Many one-shots are as polite as one client: they share it, it closes by itself, and it holds no process. */
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { expect, test } from 'vitest'
import { download, FtpClient } from '../../src/index.ts'
import { certificate } from '../support/certificates.ts'
import { fakeFtpServer, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { clientOptions, CONTENT, PASSWORD, REMOTE, sent, serving, SIZE, USER } from './support/attempt.ts'
import { runScript } from './support/child-process.ts'

test('20 at once share one client: no more logins than connections', async () => {
  await withServer(async (server, folder) => {
    const names = Array.from({ length: 20 }, (_, index) => folder.at(`${index}`))
    const results = await Promise.all(names.map((name) => download(urlOf(server), name, { connections: 2 })))
    expect(results.map(({ bytes }) => bytes)).toEqual(names.map(() => SIZE))
    for (const name of names) expect((await readFile(name)).equals(CONTENT)).toBe(true)
    expect(server.logins.length).toBeLessThanOrEqual(8)
    expect(server.maxControlConnections).toBeLessThanOrEqual(8)
  })
})

test('one after another within a second: one login', async () => {
  await withServer(async (server, folder) => {
    for (const name of ['a', 'b', 'c']) await download(urlOf(server), folder.at(name), { connections: 1 })
    expect(server.logins).toHaveLength(1)
  })
})

test('it closes about a second after the last use, with QUIT', async () => {
  await withServer(async (server, folder) => {
    await download(urlOf(server), folder.at('a'), { connections: 1 })
    const closed = performance.now()
    expect(server.openControlConnections).toBe(1)
    while (server.openControlConnections > 0) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(performance.now() - closed).toBeGreaterThan(500)
    expect(sent(server, 'QUIT')).toBe(1)
  })
})

test('another user, password or TLS option is another client', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer({
      ...serving(CONTENT, { security: 'explicit' }),
      users: { [USER]: PASSWORD, other: 'pw' },
    })
    const { ca } = await certificate()
    const url = `ftpes://127.0.0.1:${server.port}/${REMOTE}`
    const all = [
      { user: USER, password: PASSWORD, tls: { ca } },
      { user: 'other', password: 'pw', tls: { ca } },
      { user: USER, password: PASSWORD, tls: { ca, minVersion: 'TLSv1.3' as const } },
      { user: USER, password: PASSWORD, tls: { ca } },
    ]
    await Promise.all(
      all.map((options, index) => download(url, folder.at(`${index}`), { ...options, connections: 1 })),
    )
    expect(server.logins.map(({ user }) => user).sort()).toEqual(
      ['octo', 'octo', 'octo', 'other'].slice(0, server.logins.length).sort(),
    )
    expect(server.logins.filter(({ user }) => user === 'other')).toHaveLength(1)
  })
})

test('another secureContext is another client, though it looks the same: the identity and trust in it differ', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { security: 'explicit' }))
    const url = `ftpes://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/${REMOTE}`
    const trusting = { secureContext: createSecureContext({ ca: (await certificate()).ca }) }
    const trustingNobody = { secureContext: createSecureContext({ ca: [] }) }
    const fetch = (name: string, tls: object): Promise<unknown> =>
      download(url, folder.at(name), { connections: 1, tls }).result
    await fetch('a', trusting)
    await expect(fetch('b', trustingNobody)).rejects.toMatchObject({ code: 'ERR_FTP_TLS_HANDSHAKE' })
    // The very same one is shared, also in another object around it.
    await fetch('c', { ...trusting })
    expect(server.logins).toHaveLength(1)
  })
})

test('one of them that fails does not disturb the others', async () => {
  await withServer(async (server, folder) => {
    const outcomes = await Promise.allSettled([
      download(urlOf(server), folder.at('a')),
      download(urlOf(server, '/pub/missing'), folder.at('b')),
      download(urlOf(server), folder.at('c')),
      download(urlOf(server), folder.at('no', 'such', 'folder')),
      download(urlOf(server), folder.at('e')),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
  })
})

test('`connections` of a one-shot raises the cap of the client they share', async () => {
  await withServer(async (server, folder) => {
    const result = await download(urlOf(server), folder.at('a'), { connections: 12, minSegmentSize: 1_024 })
    expect(result.bytes).toBe(SIZE)
    expect(server.retrievals).toHaveLength(12)
  })
})

test.each([1, 2])(
  '`maxConnections` %i of a one-shot is a cap, and as many are used',
  async (maxConnections) => {
    await withServer(async (server, folder) => {
      const result = await download(urlOf(server), folder.at('a'), { maxConnections, minSegmentSize: 1_024 })
      expect(result.bytes).toBe(SIZE)
      expect(server.retrievals).toHaveLength(maxConnections)
      expect(server.maxControlConnections).toBe(maxConnections)
    })
  },
)

test('more `connections` than `maxConnections`, both written out: a RangeError, before any connection', async () => {
  await withServer(async (server, folder) => {
    const contradiction = { connections: 8, maxConnections: 2 }
    expect(() => download(urlOf(server), folder.at('a'), contradiction)).toThrow(RangeError)
    expect(() => download(urlOf(server), folder.at('a'), contradiction)).toThrow(/"connections" is 8/)
    expect(server.commands).toEqual([])
    // Two calls with the same cap share it, and neither raises it.
    const capped = { connections: 2, maxConnections: 2, minSegmentSize: 1_024 }
    await Promise.all(['b', 'c'].map((name) => download(urlOf(server), folder.at(name), capped)))
    expect(server.maxControlConnections).toBe(2)
  })
})

test('`client`: the one that was given, which is not closed', async () => {
  await withServer(async (server, folder) => {
    await using client = new FtpClient(await clientOptions(server))
    await download(urlOf(server), folder.at('a'), { client })
    await download(urlOf(server), folder.at('b'), { client })
    expect(client.stats().idle).toBeGreaterThan(0)
    expect(server.maxControlConnections).toBeLessThanOrEqual(4)
  })
})

test('control connections are as many as `connections`: no login per segment or download', async () => {
  await withServer(async (server, folder) => {
    await using client = new FtpClient(await clientOptions(server))
    for (let round = 0; round < 5; round++) {
      await client.download(REMOTE, folder.at(`${round}`), { connections: 3, minSegmentSize: 1_024 })
    }
    expect(server.retrievals).toHaveLength(15)
    expect(server.logins).toHaveLength(3)
  })
})

test('the process ends by itself, at once, with the client still open', async () => {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT))
  const script = `
    import { download } from './octoftp/index.js'
    const { bytes } = await download(process.env.URL, process.env.TARGET, { connections: 4, minSegmentSize: 1024 })
    process.stdout.write(String(bytes))
  `
  const outcome = await runScript(folder, script, { env: { URL: urlOf(server), TARGET: folder.at('file') } })
  expect(outcome).toMatchObject({ code: 0, errorOutput: '' })
  expect(outcome.output).toBe(String(SIZE))
  // The client would close by itself after a second, and say QUIT; the process has not waited for that.
  expect(sent(server, 'QUIT')).toBe(0)
})

test('the process ends by itself also with an FtpClient that nobody closed', async () => {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT))
  const script = `
    import { FtpClient } from './octoftp/index.js'
    const { HOST: host, PORT: port, PASSWORD: password, TARGET: target } = process.env
    const client = new FtpClient({ host, port: Number(port), user: 'octo', password, security: 'none' })
    await client.download('${REMOTE}', target)
    process.stdout.write('done')
  `
  const { host, port } = server
  const env = { HOST: host, PORT: String(port), PASSWORD, TARGET: folder.at('file') }
  expect(await runScript(folder, script, { env })).toMatchObject({
    code: 0,
    signal: null,
    output: 'done',
    errorOutput: '',
  })
})

test('a download that nobody awaits still holds the process until it is done', async () => {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 2_000_000 }))
  const script = `
    import { download } from './octoftp/index.js'
    download(process.env.URL, process.env.TARGET, { connections: 1 }).result.then(() => process.stdout.write('done'))
  `
  const outcome = await runScript(folder, script, { env: { URL: urlOf(server), TARGET: folder.at('file') } })
  expect(outcome).toMatchObject({ code: 0, output: 'done' })
})

function urlOf(server: FakeFtpServer, path: string = REMOTE): string {
  return `ftp://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/${path}`
}

async function withServer(
  work: (server: FakeFtpServer, folder: TemporaryDirectory) => Promise<void>,
): Promise<void> {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT))
    await work(server, folder)
  })
}
