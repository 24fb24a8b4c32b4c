/** The programs in examples/ do what they say, run as they are, with the library of `src/`. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { killAll, prepareProgram, type Program } from './hazards/support/child-process.ts'
import { answersOnOneConnection } from './support/answers-on-one-connection.ts'
import { untilTrue } from './support/eventually.ts'
import { fakeFtpServer, type FakeFtpServer } from './support/fake-ftp-server.ts'
import { randomBytes } from './support/random-bytes.ts'
import { running, type Running } from './support/running.ts'
import { temporaryDirectory, type TemporaryDirectory } from './support/temporary-directory.ts'

const EXAMPLES = new URL('../examples/', import.meta.url)
const CONTENT = randomBytes(8_000_003, 'examples')
const FAST = 100_000_000

let folder: TemporaryDirectory
let server: FakeFtpServer
let library: Program
let children: ChildProcess[]

beforeAll(async () => {
  library = await prepareProgram("export * from './octoftp/index.js'")
})
afterAll(() => library[Symbol.asyncDispose]())

beforeEach(async () => {
  folder = await temporaryDirectory()
  server = await fakeFtpServer({ security: 'none', files: { '/disk.iso': CONTENT } })
  children = []
})

afterEach(async () => {
  await killAll(children)
  await server.close()
  await folder[Symbol.asyncDispose]()
})

async function start(name: string, ...parameters: string[]): Promise<Running> {
  const program = join(dirname(library.path), name)
  const text = await readFile(new URL(name, EXAMPLES), 'utf8')
  await writeFile(program, text.replace("from 'octoftp'", "from './octoftp/index.js'"))
  const child = spawn(process.execPath, [program, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  return running(child)
}

const urlOf = ({ host, port }: FakeFtpServer, path = ''): string => `ftp://${host}:${port}${path}`

test('each of them is tried here, or by the demo', () => {
  const tried = readFileSync(fileURLToPath(import.meta.url), 'utf8')
  const all = readdirSync(EXAMPLES).filter((name) => name.endsWith('.mjs') && name !== 'demo.mjs')
  expect(all.length).toBeGreaterThanOrEqual(5)
  expect(all.filter((name) => !tried.includes(`'${name}'`))).toEqual([])
})

test('resume-after-crash.mjs: killed, and started again, it goes on', async () => {
  server.options.bytesPerSecond = 400_000
  const url = urlOf(server, '/disk.iso')
  const first = await start('resume-after-crash.mjs', url, folder.at('disk.iso'))
  const partSize = async (): Promise<number> =>
    (await stat(folder.at('disk.iso.octoftp-journal')).catch(() => ({ size: 0 }))).size
  await untilTrue(async () => (await partSize()) > 0)
  const sent = (): number => server.retrievals.reduce((sum, one) => sum + one.bytesSent, 0)
  const before = sent()
  await untilTrue(() => sent() > before + 2_000_000)
  first.child.kill('SIGKILL')
  await first.ended
  server.options.bytesPerSecond = FAST
  const second = await start('resume-after-crash.mjs', url, folder.at('disk.iso'))
  expect(await second.ended).toBe(0)
  expect(Number(/ (\d+) of them from before; size matched/.exec(second.output())?.[1])).toBeGreaterThan(0)
  expect((await readFile(folder.at('disk.iso'))).equals(CONTENT)).toBe(true)
  expect(await readdir(folder.path)).toEqual(['disk.iso'])
})

test('mirrors.mjs: one that has another file is left out', async () => {
  const files = { '/disk.iso': CONTENT }
  await using second = await fakeFtpServer({ security: 'none', files })
  await using other = await fakeFtpServer({ security: 'none', files: { '/disk.iso': CONTENT.subarray(1) } })
  const urls = [server, other, second].map((one) => urlOf(one, '/disk.iso'))
  const { ended, output } = await start('mirrors.mjs', folder.at('disk.iso'), ...urls)
  expect(await ended).toBe(0)
  expect(output()).toContain(`left out: ${urls[1]} (size)`)
  expect(output()).toContain(`${CONTENT.length} bytes in all`)
  expect((await readFile(folder.at('disk.iso'))).equals(CONTENT)).toBe(true)
})

/** A directory of three files. */
const LISTED = [
  ['large', CONTENT.length],
  ['small', 5],
  ['middle', 100_000],
] as const

test('smallest-first.mjs: all files of a directory, and those that fail are told', async () => {
  for (const [name, size] of LISTED) server.files.set(`/pub/${name}`, CONTENT.subarray(0, size))
  server.options.on = {
    MLSD: async (session) => {
      session.reply('150 here it comes')
      const data = await session.openData()
      if ('refusal' in data) return session.reply(data.refusal)
      await data.write(LISTED.map(([name, size]) => `type=file;size=${size}; ${name}\r\n`).join(''))
      await data.end()
      session.reply('226 done')
    },
  }
  await mkdir(folder.at('here/middle'), { recursive: true })
  const { ended, output, errors } = await start(
    'smallest-first.mjs',
    urlOf(server),
    '/pub',
    folder.at('here'),
  )
  expect(await ended).toBe(1)
  expect(errors()).toMatch(/^failed: middle: .*it is a folder/)
  expect(output()).toMatch(/here: small\n(.*\n)*here: large\n2 files, 1 failures\n$/)
  expect((await readFile(folder.at('here/large'))).equals(CONTENT)).toBe(true)
  expect((await readFile(folder.at('here/small'))).equals(CONTENT.subarray(0, 5))).toBe(true)
})

test('progress.mjs: a line for each tenth where it does not write on a terminal', async () => {
  server.options.bytesPerSecond = 2_000_000
  const { ended, output, errors } = await start(
    'progress.mjs',
    urlOf(server, '/disk.iso'),
    folder.at('disk.iso'),
  )
  expect(await ended).toBe(0)
  const lines = errors().trimEnd().split('\n')
  expect(lines.length).toBeLessThanOrEqual(11)
  expect(lines.at(-1)).toMatch(/^100 %, 8\.0 MB by \d connections, \d+\.\d MB\/s/)
  expect(output()).toMatch(/^\n8000003 bytes, \d+\.\d MB\/s\n$/)
})

describe('http-range-server.mjs', () => {
  const serve = async (): Promise<Running & { readonly url: string }> => {
    const running = await start('http-range-server.mjs', urlOf(server), '0')
    await untilTrue(() => running.output().includes('\n'))
    return { ...running, url: running.output().trim() }
  }
  const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer())
  const ranged = (url: string, Range: string): Promise<Response> => fetch(url, { headers: { Range } })

  test('all of a file, parts of it, and what is not there', async () => {
    const { url, child, ended, errors } = await serve()
    const whole = await fetch(`${url}/disk.iso`)
    expect([whole.status, whole.headers.get('content-length')]).toEqual([200, String(CONTENT.length)])
    expect((await bytesOf(whole)).equals(CONTENT)).toBe(true)

    const parts: [string, number, number][] = [
      ['bytes=0-0', 0, 1],
      ['bytes=1000-1999', 1_000, 2_000],
      ['bytes=7000000-', 7_000_000, CONTENT.length],
      ['bytes=-10', CONTENT.length - 10, CONTENT.length],
      ['bytes=7999999-9999999', 7_999_999, CONTENT.length],
    ]
    for (const [range, from, to] of parts) {
      const part = await ranged(`${url}/disk.iso`, range)
      expect([part.status, part.headers.get('content-range')], range).toEqual([
        206,
        `bytes ${from}-${to - 1}/${CONTENT.length}`,
      ])
      expect((await bytesOf(part)).equals(CONTENT.subarray(from, to)), range).toBe(true)
    }

    const beyond = await ranged(`${url}/disk.iso`, `bytes=${CONTENT.length}-`)
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${CONTENT.length}`])
    const head = await fetch(`${url}/disk.iso`, { method: 'HEAD' })
    expect([head.status, head.headers.get('accept-ranges')]).toEqual([200, 'bytes'])
    const statuses = await Promise.all(
      ['/missing', '/%zz', '/a%0d%0aDELE%20disk.iso', '/'].map(
        async (path) => (await fetch(url + path)).status,
      ),
    )
    expect(statuses).toEqual([404, 400, 400, 404])
    expect((await fetch(url, { method: 'PUT' })).status).toBe(405)

    child.kill('SIGINT')
    expect(await ended).toBe(0)
    expect(errors()).not.toMatch(/at .*\.js/)
  })

  test('ranges of another unit, or of a file that was another one, are ignored', async () => {
    server.files.set('/digits', Buffer.from('0123456789'))
    const { url } = await serve()
    const get = async (
      headers: Record<string, string>,
      method = 'GET',
    ): Promise<[number, string, string | null]> => {
      const answer = await fetch(`${url}/digits`, { headers, method })
      return [answer.status, await answer.text(), answer.headers.get('last-modified')]
    }
    const [status, text, modified] = await get({})
    expect([status, text]).toEqual([200, '0123456789'])
    const later = new Date(Date.parse(modified ?? '') + 1000).toUTCString()
    expect(await get({ Range: 'bytes=0-1', 'If-Range': modified ?? '' })).toEqual([206, '01', modified])
    expect(await get({ Range: 'Bytes=0-1' })).toEqual([206, '01', modified])
    expect(await get({ Range: 'items=0-1' })).toEqual([200, '0123456789', modified])
    expect(await get({ Range: 'bytes=0-1', 'If-Range': later })).toEqual([200, '0123456789', modified])
    expect(await get({ Range: 'bytes=0-1', 'If-Range': '"a tag"' })).toEqual([200, '0123456789', modified])
    expect(await get({ Range: 'bytes=0-1' }, 'HEAD')).toEqual([200, '', modified])
  })

  test('a file that has become shorter: the connection is cut', async () => {
    server.options.sizeTold = (_path, size) => {
      delete server.options.sizeTold
      return size * 2
    }
    const { url, errors } = await serve()
    const answers = await answersOnOneConnection(url, ['/disk.iso', '/missing'])
    // In order it would be followed by the other one.
    expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200'])
    await untilTrue(() => errors().includes(`${CONTENT.length} bytes are missing`))
  })

  test('a file that may not be read is told by a status', async () => {
    server.options.on = { RETR: (session) => session.reply('550 Permission denied') }
    const { url } = await serve()
    expect((await fetch(`${url}/disk.iso`)).status).toBe(403)
  })

  test('a browser that leaves: nothing more is fetched, and the next one is served', async () => {
    server.options.bytesPerSecond = 1_000_000
    const { url, child, ended, errors } = await serve()
    const leave = new AbortController()
    const begun = await fetch(`${url}/disk.iso`, { signal: leave.signal })
    const reader = begun.body?.getReader()
    await reader?.read()
    leave.abort()
    await reader?.cancel().catch(() => {}) // It was aborted.
    await untilTrue(() => server.retrievals.every(({ outcome }) => outcome !== 'running'))
    server.options.bytesPerSecond = FAST
    expect((await bytesOf(await fetch(`${url}/disk.iso`))).equals(CONTENT)).toBe(true)
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    expect(errors()).toBe('')
  })
})
