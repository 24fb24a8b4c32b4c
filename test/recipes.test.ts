/** The programs in docs/recipes.md do what they say, run as they stand there, with the library of `src/`. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import ts from 'typescript'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { prepareProgram, type Program } from './hazards/support/child-process.ts'
import { answersOnOneConnection } from './support/answers-on-one-connection.ts'
import { certificate } from './support/certificates.ts'
import { examples, pointedAt, textOf } from './support/documents.ts'
import { untilTrue } from './support/eventually.ts'
import { fakeFtpServer, type FakeFtpServer } from './support/fake-ftp-server.ts'
import { randomBytes } from './support/random-bytes.ts'
import { S3Server } from './support/s3-server.ts'
import { temporaryDirectory, type TemporaryDirectory } from './support/temporary-directory.ts'
import { zipOf } from './support/zip.ts'

const CONTENT = randomBytes(20_000_003, 'recipes')
const LARGE = randomBytes(3_000_000, 'a large file of an archive')
const PAGE = Buffer.from('# A page\n')
const FAST = 200_000_000

let folder: TemporaryDirectory
let server: FakeFtpServer
let library: Program
const children: ChildProcess[] = []

beforeAll(async () => {
  folder = await temporaryDirectory()
  library = await prepareProgram("export * from './octoftp/index.js'")
  await writeFile(folder.at('authority.pem'), (await certificate()).ca)
  server = await fakeFtpServer({
    files: {
      '/pub/disk.iso': CONTENT,
      '/pub/digits.txt': Buffer.from('0123456789'),
      '/pub/access.log.gz': gzipSync(LARGE),
      '/pub/site.zip': zipOf({ 'large.bin': LARGE, 'docs/page.md': PAGE, 'docs/more/page.md': PAGE }),
    },
  })
})
afterAll(async () => {
  for (const child of children.filter(
    ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
  )) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await server.close()
  await library[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

interface Running {
  readonly child: ChildProcess
  readonly cwd: string
  readonly output: () => string
  readonly errors: () => string
  /** Its exit code. */
  readonly ended: Promise<number | null>
}

/** Begins the program below a heading, in a folder of its own. */
async function start(heading: string, ...parameters: string[]): Promise<Running> {
  return startWith({}, heading, ...parameters)
}

interface Circumstances {
  readonly environment?: NodeJS.ProcessEnv
  /** Which of the programs below the heading, from 0. */
  readonly at?: number
  /** Parts of it to be replaced, such as long times. */
  readonly instead?: Readonly<Record<string, string>>
}

async function startWith(
  { environment, at = 0, instead = {} }: Circumstances,
  heading: string,
  ...parameters: string[]
): Promise<Running> {
  let pointed = pointedAt(
    { explicit: server, implicit: server },
    programOf(heading, at),
    './octoftp/index.js',
  )
  for (const [part, other] of Object.entries(instead)) {
    expect(pointed).toContain(part)
    pointed = pointed.replace(part, other)
  }
  const program = join(dirname(library.path), `${heading.replaceAll(/\W/g, '-')}.js`)
  await writeFile(program, compiled(pointed))
  return run(program, environment ?? {}, ...parameters)
}

/** In a folder of its own. */
async function run(
  program: string,
  environment: NodeJS.ProcessEnv,
  ...parameters: string[]
): Promise<Running> {
  const cwd = folder.at(String(children.length))
  await mkdir(cwd)
  const env = {
    ...process.env,
    NODE_EXTRA_CA_CERTS: folder.at('authority.pem'),
    FTP_PASSWORD: 'open sesame',
    PORT: '0',
    ...environment,
  }
  const child = spawn(process.execPath, [program, ...parameters], { cwd, env, stdio: 'pipe' })
  children.push(child)
  let [output, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = once(child, 'close').then(([exitCode]) => exitCode as number | null)
  return { child, cwd, output: () => output, errors: () => errors, ended }
}

function compiled(code: string, module: ts.ModuleKind = ts.ModuleKind.ESNext): string {
  return ts.transpileModule(code, { compilerOptions: { target: ts.ScriptTarget.ES2022, module } }).outputText
}

function programOf(heading: string, at: number): string {
  const [, behind = ''] = textOf(join('docs', 'recipes.md')).split(`\n## ${heading}\n`)
  const [section = ''] = behind.split('\n## ')
  return [...section.matchAll(/^```ts no-run\n([^]*?)^```$/gm)][at]?.[1] ?? ''
}

async function expectEnd({ ended, errors }: Running): Promise<void> {
  expect([await ended, errors()]).toEqual([0, ''])
}

it('each of them is tried here', async () => {
  const tried = await readFile(fileURLToPath(import.meta.url), 'utf8')
  const text = textOf(join('docs', 'recipes.md'))
  const sections = text.split('\n## ').slice(1)
  const headings = sections.filter((section) => section.includes('```ts')).map((one) => one.split('\n')[0])
  expect(headings.length).toBeGreaterThan(5)
  expect(headings.filter((heading) => !tried.includes(`'${heading}'`))).toEqual([])
  const programs = examples.filter(({ name, language }) => name.includes('recipes') && language === 'ts')
  // Of Electron there are three, of S3 two.
  expect(programs).toHaveLength(headings.length + 3)
})

describe.each(['Express', 'Fastify'])('%s', (heading) => {
  let running: Running
  let url: string

  beforeAll(async () => {
    running = await start(heading)
    await untilTrue(() => /\d{4}/.test(running.output()) || running.child.exitCode !== null)
    const [, port] = /(?:port: |:)(\d{4,5})/.exec(running.output()) ?? []
    url = `http://127.0.0.1:${port}/files`
  })

  it('serves a file, the size of it, and a part of it', async () => {
    const whole = await fetch(`${url}/disk.iso`)
    expect([whole.status, whole.headers.get('content-length')]).toEqual([200, String(CONTENT.length)])
    expect(whole.headers.get('last-modified')).toMatch(/GMT$/)
    expect(Buffer.from(await whole.arrayBuffer()).equals(CONTENT)).toBe(true)

    const part = await fetch(`${url}/disk.iso`, { headers: { range: 'bytes=1000-1999' } })
    expect([part.status, part.headers.get('content-range')]).toEqual([
      206,
      `bytes 1000-1999/${CONTENT.length}`,
    ])
    expect(Buffer.from(await part.arrayBuffer()).equals(CONTENT.subarray(1000, 2000))).toBe(true)

    const beyond = await fetch(`${url}/disk.iso`, { headers: { range: `bytes=${CONTENT.length}-` } })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${CONTENT.length}`])
  })

  it('gives the whole file for a range of another unit, or of a file that was another one', async () => {
    const get = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${url}/digits.txt`, { headers })
    const whole = await get({})
    const modified = whole.headers.get('last-modified') ?? ''
    expect(await whole.text()).toBe('0123456789')

    const same = await get({ Range: 'bytes=0-1', 'If-Range': modified })
    expect([same.status, await same.text()]).toEqual([206, '01'])
    const ignored = [
      { Range: 'items=0-1' },
      { Range: 'items=100-' },
      { Range: 'bytes=0-1', 'If-Range': new Date(Date.parse(modified) + 1000).toUTCString() },
      { Range: 'bytes=0-1', 'If-Range': '"a tag"' },
    ]
    for (const headers of ignored) {
      const answer = await get(headers)
      expect([answer.status, await answer.text()], JSON.stringify(headers)).toEqual([200, '0123456789'])
    }
  })

  it('cuts the connection where the file has become shorter', async () => {
    server.options.sizeTold = (path, size) => {
      delete server.options.sizeTold
      return path === '/pub/digits.txt' ? size * 2 : size
    }
    const answers = await answersOnOneConnection(url, ['/files/digits.txt', '/files/missing.iso'])
    // In order it would be followed by the other one.
    expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200'])
  })

  it('tells by a status what fails before the first byte', async () => {
    server.options.on = { RETR: (session) => session.reply('550 Permission denied') }
    try {
      const { status } = await fetch(`${url}/digits.txt`)
      expect(status).toBe(502)
    } finally {
      delete server.options.on
    }
  })

  it('refuses what is not there, and what leads elsewhere', async () => {
    expect((await fetch(`${url}/missing.iso`)).status).toBe(404)
    expect((await fetch(`${url}/..%2f..%2fetc/passwd`)).status).toBeGreaterThanOrEqual(400)
    expect((await fetch(`${url}/a%0d%0aDELE%20b`)).status).toBeGreaterThanOrEqual(400)
    expect(server.commands.flat().filter((sent) => /passwd|DELE/.test(sent))).toEqual([])
  })

  it('stops when the browser leaves', async () => {
    server.options.bytesPerSecond = 500_000
    try {
      const leave = new AbortController()
      const { body } = await fetch(`${url}/disk.iso`, { signal: leave.signal })
      await body?.getReader().read()
      const last = server.retrievals.at(-1)
      expect(last?.outcome).toBe('running')
      leave.abort()
      await untilTrue(() => last?.outcome !== 'running')
      expect(last?.bytesSent).toBeLessThan(CONTENT.length)
    } finally {
      server.options.bytesPerSecond = FAST
    }
  })

  it('ends in order', async () => {
    running.child.kill('SIGTERM')
    await expectEnd(running)
  })
})

it('A ZIP archive: what is wanted is fetched, and little else', async () => {
  const before = server.retrievals.length
  const running = await start('A ZIP archive')
  await expectEnd(running)
  expect(running.output()).toBe('docs/page.md 9\ndocs/more/page.md 9\n')
  expect(await readdir(join(running.cwd, 'unpacked'), { recursive: true })).toHaveLength(4)
  expect(await readFile(join(running.cwd, 'unpacked/docs/more/page.md'))).toEqual(PAGE)
  expect(server.retrievals.slice(before).every(({ offset }) => offset > LARGE.length / 2)).toBe(true)
})

it('gzip: unpacked on the way', async () => {
  const running = await start('gzip')
  await expectEnd(running)
  expect((await readFile(join(running.cwd, 'access.log'))).equals(LARGE)).toBe(true)
})

describe('A mirror every night', () => {
  beforeAll(() => {
    const entries = ['disk.iso', 'access.log.gz'].map(
      (name) => `type=file;size=${server.file(`/pub/${name}`)?.size};modify=20240229123456; ${name}\r\n`,
    )
    server.options.on = {
      MLSD: async (session) => {
        session.reply('150 here it comes')
        const data = await session.openData()
        if ('refusal' in data) return session.reply(data.refusal)
        await data.write(entries.join(''))
        await data.end()
        session.reply('226 done')
      },
    }
  })
  afterAll(() => {
    delete server.options.on
  })

  it('now, and not again', async () => {
    const running = await start('A mirror every night', '--now')
    await untilTrue(() => running.output().includes('\n') || running.errors() !== '')
    running.child.kill('SIGTERM')
    await expectEnd(running)
    expect(running.output()).toBe('2 brought, 0 were there, 0 deleted, 0 failures\n')
    expect((await readFile(join(running.cwd, 'pub/disk.iso'))).equals(CONTENT)).toBe(true)
  })

  it('ends by a signal while it is at work', async () => {
    server.options.bytesPerSecond = 500_000
    try {
      const before = server.retrievals.length
      const running = await start('A mirror every night', '--now')
      await untilTrue(() => server.retrievals.slice(before).some(({ bytesSent }) => bytesSent > 0))
      running.child.kill('SIGTERM')
      expect(await running.ended).toBe(0)
      expect([running.output(), running.errors()]).toEqual(['', 'Error: The program is to end\n'])
    } finally {
      server.options.bytesPerSecond = FAST
    }
  })

  it('ends by itself when its time is over', async () => {
    server.options.bytesPerSecond = 500_000
    try {
      const instead = { '3 * 60 * 60 * 1000': '2000' }
      const running = await startWith({ instead }, 'A mirror every night', '--now')
      await untilTrue(() => running.errors() !== '')
      running.child.kill('SIGTERM')
      expect(await running.ended).toBe(0)
      expect(running.errors()).toBe('Error: It is morning\n')
    } finally {
      server.options.bytesPerSecond = FAST
    }
  })
})

it('A worker thread: progress and the end of it are told', async () => {
  const running = await start('A worker thread')
  await expectEnd(running)
  expect(running.output()).toMatch(new RegExp(`(\\d+ %\\n)+${CONTENT.length} bytes\\n$`))
  expect((await readFile(join(running.cwd, 'disk.iso'))).equals(CONTENT)).toBe(true)
})

describe('Electron', () => {
  /** The programs below the heading and `page`, in a folder of their own, with a stand-in for Electron. */
  async function startPage(page: string): Promise<Running> {
    const standIn = await readFile(new URL('support/electron-stand-in.ts', import.meta.url), 'utf8')
    const programs = {
      'electron.js': standIn,
      'page.js': page,
      'worker.js': pointedAt(
        { explicit: server, implicit: server },
        programOf('Electron', 0),
        './octoftp/index.js',
      ),
      'main.js': pointedAt({ explicit: server, implicit: server }, programOf('Electron', 1)),
      'preload.cjs': programOf('Electron', 2),
    }
    for (const [name, code] of Object.entries(programs)) {
      const text = code.replace("'electron'", "'./electron.js'")
      await writeFile(
        join(dirname(library.path), name),
        compiled(text, name.endsWith('cjs') ? ts.ModuleKind.CommonJS : ts.ModuleKind.ESNext),
      )
    }
    return run(join(dirname(library.path), 'main.js'), {})
  }

  const PAGE_SCRIPT = `
    downloads.onNews(({ id, progress, ...end }) => console.log(progress ? 'progress' : JSON.stringify(end)))
    await downloads.start('passwd').catch((error) => console.log(error.message))
    globalThis.id = await downloads.start('disk.iso')`

  it('fetches what the page may ask for, and tells it', async () => {
    const running = await startPage(PAGE_SCRIPT)
    await untilTrue(() => running.output().includes('{'))
    running.child.kill('SIGTERM')
    expect(await running.ended).toBe(0)
    expect(running.output()).toMatch(/^There is no such file\n(progress\n)+\{"bytes":20000003\}\n$/)
    expect((await readFile(join(running.cwd, 'disk.iso'))).equals(CONTENT)).toBe(true)
  })

  it('stops what the page wants no more', async () => {
    server.options.bytesPerSecond = 500_000
    try {
      const running = await startPage(`${PAGE_SCRIPT}
        downloads.onNews(({ progress }) => progress?.bytes > 0 && downloads.stop(id))`)
      await untilTrue(() => running.output().includes('{'))
      running.child.kill('SIGTERM')
      expect(await running.ended).toBe(0)
      expect(running.output()).toMatch(/progress\n\{"error":"AbortError/)
    } finally {
      server.options.bytesPerSecond = FAST
    }
  })

  it('keeps what has come when it quits', async () => {
    server.options.bytesPerSecond = 1_000_000
    try {
      const running = await startPage(`${PAGE_SCRIPT}
        downloads.onNews(({ progress }) => progress?.bytes > 4e6 && console.log('enough'))`)
      await untilTrue(() => running.output().includes('enough'))
      running.child.kill('SIGTERM')
      expect(await running.ended).toBe(0)
      expect(running.output()).toContain('AbortError') // The worker had the time for it.
      expect((await readdir(running.cwd)).sort()).toEqual([
        'disk.iso.octoftp-journal',
        'disk.iso.octoftp-part',
      ])
    } finally {
      server.options.bytesPerSecond = FAST
    }
  })
})

describe('S3', () => {
  let s3: S3Server
  let environment: NodeJS.ProcessEnv

  beforeEach(async () => {
    s3 = await S3Server.start()
    environment = {
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', // of Node 20
    }
  })
  afterEach(() => s3[Symbol.asyncDispose]())

  it('in parts, and whole', async () => {
    const running = await startWith({ environment }, 'S3')
    await expectEnd(running)
    expect(running.output()).toMatch(/(\/pub\/disk.iso \d+\n){3}copied\n$/)
    expect(s3.objects.get('/releases/disk.iso')?.equals(CONTENT)).toBe(true)
  })

  it('ends by a signal while S3 does not answer', async () => {
    s3.isSilent = true
    const running = await startWith({ environment }, 'S3')
    await untilTrue(() => s3.unanswered > 0)
    running.child.kill('SIGTERM')
    expect(await running.ended).toBe(1)
    expect(running.errors()).toContain('Error: The program is to end')
    expect(s3.objects.size).toBe(0)
  })

  it('gives up by itself where S3 never answers', async () => {
    s3.isSilent = true
    const running = await startWith({ environment, instead: { '60_000': '500' } }, 'S3')
    expect(await running.ended).toBe(1)
    expect(running.errors()).toContain('socket timed out after 500 ms')
    expect(s3.objects.size).toBe(0)
  })

  describe('the way back', () => {
    const OLD = Buffer.from('older')

    beforeEach(() => {
      server.files.set('/pub/back.iso', OLD)
      s3.objects.set('/releases/disk.iso', CONTENT)
      let from = ''
      server.options.on = {
        STOR: async (session, name) => {
          session.reply('150 go on')
          const data = await session.openData()
          if ('refusal' in data) return session.reply(data.refusal)
          const content = await data.readToEnd().catch(() => Buffer.from('a part of it'))
          server.files.set(session.resolve(name), content)
          session.reply('226 stored')
        },
        RNFR: (session, name) => {
          from = session.resolve(name)
          session.reply('350 and now?')
        },
        RNTO: (session, name) => {
          server.files.set(session.resolve(name), server.files.get(from) ?? OLD)
          server.files.delete(from)
          session.reply('250 renamed')
        },
        DELE: (session, name) => {
          server.files.delete(session.resolve(name))
          session.reply('250 gone')
        },
      }
    })
    afterEach(() => {
      delete server.options.on
      server.files.delete('/pub/back.iso')
    })

    const back = (): Promise<Running> =>
      startWith({ environment, at: 1, instead: { '//pub/disk.iso': '//pub/back.iso' } }, 'S3')
    const names = (): string[] => [...server.files.keys()].sort()

    it('brings the whole', async () => {
      const before = names()
      const running = await back()
      await expectEnd(running)
      expect(running.output()).toBe(`${CONTENT.length} bytes\n`)
      expect((server.files.get('/pub/back.iso') as Buffer).equals(CONTENT)).toBe(true)
      expect(names()).toEqual(before)
    })

    it('leaves the older file as it is where the object is cut', async () => {
      const before = names()
      s3.isCutting = true
      const running = await back()
      expect(await running.ended).toBe(1)
      expect(server.files.get('/pub/back.iso')).toEqual(OLD)
      expect(names()).toEqual(before)
    })
  })
})
