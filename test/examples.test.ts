/**
 * What the documents say is so: their examples compile and run, and their tables hold what the code holds.
 *
 * Examples are the `ts` fences of README.md and docs/. Each is a whole program. All are compiled; all but those
 * marked `no-run` are run, each in a process and a folder of its own, with `ftp.example.org` being a server here.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { verdict } from '../examples/demo/text.mjs'
import { DEFAULTS } from '../src/index.ts'
import { certificate } from './support/certificates.ts'
import { documents, examples, pointedAt, textOf, type Example } from './support/documents.ts'
import { fakeFtpServer, type FakeFtpServer } from './support/fake-ftp-server.ts'
import { randomBytes } from './support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from './support/temporary-directory.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const index = join(root, 'src/index.ts')
const runFile = promisify(execFile)

const programs = examples.filter(({ language }) => language === 'ts')

describe('examples', () => {
  it('are in a language that is checked here, or nothing to be run', () => {
    expect([...new Set(examples.map(({ language }) => language))].sort()).toEqual(['sh', 'text', 'ts'])
    expect(programs.length).toBeGreaterThan(8)
  })

  it('compile', () => {
    expect(complaints(programs)).toEqual([])
  })

  it('would not compile if they were wrong', () => {
    const code =
      "import { download } from 'octoftp'\nawait download('ftp://ftp.example.org/a', 'a', { conections: 4 })\n"
    const [complaint] = complaints([{ name: 'docs/wrong.md:1', language: 'ts', isRun: true, code }])
    expect(complaint).toMatch(/^docs\/wrong\.md:1 .*'conections' does not exist/)
  })
})

/** What TypeScript says of the examples, under the settings of the tests. */
function complaints(checked: readonly Example[]): string[] {
  // The files are not there: they are read from here, at places from where `node_modules` can be seen.
  const sources = new Map(checked.map((example, at) => [join(root, `example-${at}.mts`), example]))
  const host = ts.createCompilerHost(compilerOptions)
  host.fileExists = (name) => sources.has(name) || ts.sys.fileExists(name)
  host.readFile = (name) => sources.get(name)?.code ?? ts.sys.readFile(name)
  const program = ts.createProgram([...sources.keys()], compilerOptions, host)
  return [...sources].flatMap(([file, { name }]) => {
    const source = program.getSourceFile(file)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return found.map(({ messageText }) => `${name} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
  })
}

const compilerOptions = readCompilerOptions()

function readCompilerOptions(): ts.CompilerOptions {
  const file = join(root, 'tsconfig.test.json')
  const { config } = ts.readConfigFile(file, (name) => ts.sys.readFile(name)) as { config: unknown }
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  // Electron is too large to be installed for a page.
  return {
    ...options,
    paths: { ...options.paths, electron: [join(root, 'test/support/electron-stand-in.ts')] },
  }
}

const CONTENT = randomBytes(3 * 2 ** 20, 'examples')

describe('examples run', () => {
  let folder: TemporaryDirectory
  let explicit: FakeFtpServer
  let implicit: FakeFtpServer

  beforeAll(async () => {
    folder = await temporaryDirectory()
    await symlink(join(root, 'node_modules'), folder.at('node_modules'), 'junction')
    await writeFile(folder.at('authority.pem'), (await certificate()).ca)
    const files = { '/pub/disk.iso': CONTENT, '/pub/notes.txt': CONTENT }
    explicit = await fakeFtpServer({ files })
    implicit = await fakeFtpServer({ files, security: 'implicit' })
  })
  afterAll(async () => {
    await explicit.close()
    await implicit.close()
    await folder[Symbol.asyncDispose]()
  })

  it.each(programs.filter(({ isRun }) => isRun))('$name', async ({ name, code }) => {
    const cwd = folder.at(name.replaceAll(/\W/g, '-'))
    await mkdir(cwd)
    const program = folder.at(`${basename(cwd)}.mts`)
    await writeFile(program, pointedAt({ explicit, implicit }, code))
    const { stdout, stderr } = await run(program, cwd)
    expect(stderr).toBe('')
    expect(stdout).not.toMatch(/ERR_FTP_(?!NOT_FOUND)/)
    // Whatever it fetched is what the server has, and it left nothing else.
    for (const file of await readdir(cwd))
      expect((await readFile(join(cwd, file))).equals(CONTENT), file).toBe(true)
  })

  /** Rejects unless it ends by itself, with 0. */
  function run(program: string, cwd: string): Promise<{ stdout: string; stderr: string }> {
    const loader = import.meta.resolve('tsx')
    const env = {
      ...process.env,
      NODE_EXTRA_CA_CERTS: folder.at('authority.pem'),
      FTP_PASSWORD: 'open sesame',
    }
    return runFile(process.execPath, ['--import', loader, program], { cwd, env, timeout: 25_000 })
  }
})

describe('the tables', () => {
  const program = ts.createProgram([index], compilerOptions)
  const types = program.getTypeChecker()

  /** A type or interface that index.ts, or another file of src/, exports. */
  function type(name: string, file: string = index): ts.Type {
    const source = program.getSourceFile(file)
    const module = source && types.getSymbolAtLocation(source)
    const symbol = module && types.getExportsOfModule(module).find((exported) => exported.name === name)
    if (symbol === undefined) throw new Error(`${file} exports no ${name}`)
    const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0
    return types.getDeclaredTypeOfSymbol(isAlias ? types.getAliasedSymbol(symbol) : symbol)
  }

  function properties(name: string): string[] {
    return types.getPropertiesOfType(type(name)).map((property) => property.name)
  }

  /** What the event `entry` may tell of. */
  function actionsOfMirrors(): string[] {
    const [action] = types
      .getPropertiesOfType(type('MirrorEntryEvent', join(root, 'src/transfer/events.ts')))
      .filter(({ name }) => name === 'action')
    const found = action && types.getTypeOfSymbol(action)
    return found?.isUnion() === true
      ? found.types.map((member) => (member as ts.StringLiteralType).value)
      : []
  }

  function literals(name: string, file: string): unknown[] {
    const found = type(name, file)
    return (found.isUnion() ? found.types : [found]).map((member) => (member as ts.StringLiteralType).value)
  }

  describe('of docs/options.md', () => {
    const client = table('docs/options.md', '\n## Clients\n')
    const download = table('docs/options.md', '\n## Downloads\n')
    const timeouts = table('docs/options.md', '\n## Timeouts\n')

    it('name every option, and no other', () => {
      const ofClient = properties('FtpClientOptions')
      const ofDownload = properties('OneShotDownloadOptions').filter((name) => !ofClient.includes(name))
      expect(firstNames(client).sort()).toEqual(ofClient.sort())
      expect(firstNames(download).sort()).toEqual(ofDownload.sort())
      expect(firstNames(timeouts).sort()).toEqual(properties('Timeouts').sort())
    })

    it.each([
      ['the client', client, DEFAULTS],
      ['a download', download, DEFAULTS.download],
      ['timeouts', timeouts, DEFAULTS.timeouts],
    ])('tell the defaults of %s', (_name, rows, defaults) => {
      const plain = Object.entries(defaults).filter(([, value]) => typeof value !== 'object')
      expect(plain.length).toBeGreaterThan(3)
      const told = plain.map(([name]) => [name, rows.find(([first]) => first === `\`${name}\``)?.at(-1)])
      expect(told).toEqual(plain.map(([name, value]) => [name, `\`${written(value)}\``]))
    })
  })

  it('of retries in docs/downloads.md tells the defaults', () => {
    const example = examples.find(
      ({ name, code }) => name.startsWith('docs/downloads.md') && code.includes('retry: {'),
    )
    for (const [name, value] of Object.entries(DEFAULTS.retry)) {
      expect(example?.code).toContain(`${name}: ${written(value)},`)
    }
  })

  it('of events and progress in docs/downloads.md name each, and no other', () => {
    expect(firstNames(table('docs/downloads.md', '## The transfer')).sort()).toEqual(
      properties('TransferEvents').sort(),
    )
    expect(firstNames(table('docs/downloads.md', '## Progress')).sort()).toEqual(
      properties('TransferProgress').sort(),
    )
  })

  it('of the events of a client in docs/observing.md names each, and no other', () => {
    const told = firstNames(table('docs/observing.md', '\n## Events\n'))
    expect(told.sort()).toEqual(properties('ClientEvents').sort())
  })

  describe('of docs/trees.md', () => {
    const options = table('docs/trees.md', 'listed at all, rejects.')
    const ofClient = properties('FtpClientOptions').filter((name) => name !== 'bytesPerSecond')

    it('name every option, result and event of a mirror, and no other', () => {
      const all = properties('OneShotMirrorOptions').filter((name) => !ofClient.includes(name))
      expect(firstNames(options).sort()).toEqual(all.sort())
      const results = firstNames(table('docs/trees.md', '\n## Failures\n'))
      expect(results.filter((name) => name !== 'result').sort()).toEqual(properties('MirrorResult').sort())
      const actions = table('docs/trees.md', '\n## Events\n').flatMap(([first = '']) =>
        first.match(/[\w-]+/g),
      )
      expect(actions.sort()).toEqual(actionsOfMirrors().sort())
    })

    it('tell the defaults', () => {
      const real = Object.entries(DEFAULTS.mirror).filter(([, value]) => typeof value !== 'object')
      const told = real.map(([name]) => [name, options.find(([first]) => first === `\`${name}\``)?.at(-1)])
      expect(told).toEqual(real.map(([name, value]) => [name, `\`${written(value)}\``]))
    })
  })

  it('of options and events in docs/queue.md name each, and no other', () => {
    const ofQueue = firstNames(table('docs/queue.md', 'closes no client.'))
    expect(ofQueue.sort()).toEqual(properties('TransferQueueOptions').sort())
    const ofItem = firstNames(table('docs/queue.md', 'are added later | |'))
    expect(ofItem.sort()).toEqual(properties('QueuedTransferOptions').sort())
    const told = firstNames(table('docs/queue.md', '\n## Events\n'))
    expect(told.sort()).toEqual(properties('TransferQueueEvents').sort())
  })

  it('of the state of a pool in docs/pool.md names each, and no other', () => {
    const told = firstNames(table('docs/pool.md', '\n## Looking in\n'))
    expect(told.sort()).toEqual(properties('PoolStats').sort())
  })

  it('of the verbs of a session in docs/sessions.md names each, and no other', () => {
    const verbs = table('docs/sessions.md', '\n## The verbs\n').map(
      ([first = '']) => /^`(\w+)\(/.exec(first)?.[1],
    )
    const inner = new Set(['abort', 'release', 'idleSince'])
    const all = properties('FtpSession').filter((name) => /^[a-z]\w*$/i.test(name) && !inner.has(name))
    expect(verbs.sort()).toEqual(all.sort())
  })

  describe('of codes in docs/errors.md', () => {
    const classes = ['Reply', 'Connection', 'Timeout', 'Tls', 'Protocol', 'Transfer']
    const rows = (name: string): string[][] => table('docs/errors.md', `\n## Ftp${name}Error\n`)

    it.each(classes)('name every code of an Ftp%sError, and no other', (name) => {
      const codes = literals(`Ftp${name}ErrorCode`, join(root, 'src/errors.ts'))
      expect(firstNames(rows(name))).toEqual(codes)
      for (const row of rows(name)) expect(row.every((cell) => cell !== '') && row.length === 3).toBe(true)
    })

    it('leave out no class', () => {
      const all = literals('FtpErrorCode', join(root, 'src/errors.ts'))
      // A code may be of two classes.
      expect([...new Set(classes.flatMap((name) => firstNames(rows(name))))].sort()).toEqual(all.sort())
    })

    it('call a code reserved when nothing raises it, and only then', () => {
      const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && name !== 'errors.ts')
        .map((name) => readFileSync(join(root, 'src', name), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, ''))
        .join()
      // A timeout has one code, which its class fills in.
      const isRaised = (code: string): boolean => sources.includes(`'${code}'`) || code === 'ERR_FTP_TIMEOUT'
      const told = classes
        .flatMap(rows)
        .map(([code = '', meaning]) => [code, meaning?.startsWith('*reserved*')])
      expect(told).toEqual(told.map(([code]) => [code, !isRaised(String(code).replaceAll('`', ''))]))
    })
  })

  /** As it stands in code. */
  function written(value: unknown): string {
    if (typeof value === 'string') return `'${value}'`
    return String(value)
      .replace(/(?<=\d)(?=(\d{3})+$)/g, '_')
      .replace(/^(\d)_(\d{3})$/, '$1$2')
  }
})

it('no link leads nowhere', () => {
  const links = documents.flatMap(({ name, text }) =>
    [...text.matchAll(/\]\((?!https?:)([^)#]*)(#[^)]*)?\)/g)].map(([link, file = '', anchor = '']) => {
      const to = file === '' ? name : join(dirname(name), file)
      const isThere = existsSync(join(root, to)) && (anchor === '' || anchors(textOf(to)).includes(anchor))
      return { link: `${name} ${link.slice(1)}`, isThere }
    }),
  )
  expect(links.length).toBeGreaterThan(15)
  expect(links.filter(({ isThere }) => !isThere)).toEqual([])
})

/** As GitHub makes them of headings. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(
    ([, heading = '']) =>
      `#${heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-')}`,
  )
}

describe('the demo', () => {
  let folder: TemporaryDirectory
  let env: NodeJS.ProcessEnv

  beforeAll(async () => {
    folder = await temporaryDirectory()
    await chmod(folder.path, 0o755) // the server's account has to get in
    env = { ...process.env, TMPDIR: folder.path, TEMP: folder.path }
  })
  afterAll(() => folder[Symbol.asyncDispose]())

  /** tsx keeps what it has compiled. */
  async function leftovers(): Promise<string[]> {
    return (await readdir(folder.path)).filter((name) => !name.startsWith('tsx-'))
  }

  it('does what the README says, by the command in it', { timeout: 120_000 }, async () => {
    const options = { cwd: root, env, shell: process.platform === 'win32' }
    const { stdout } = await runFile('npm', ['run', 'demo', '--', '--tls', '--size', '8'], options)
    // A quarter each, unless one that is done early takes what another has not begun.
    const shares = [...stdout.matchAll(/^#\d .* \d+\.\d MiB +(\d+\.\d) % .*TLSv1\.3, resumed$/gm)]
    expect(shares.reduce((sum, [, percent]) => sum + Number(percent), 0)).toBeCloseTo(100, 0)
    const [sent, received] = [...stdout.matchAll(/([\da-f]{64}) {2}\w+$/gm)].map(([, digest]) => digest)
    expect(received).toBe(sent)
    expect(stdout).toContain('The file that arrived is the file that was sent.')
    expect(await leftovers()).toEqual([])
  })

  it('fails if the files differ', () => {
    const said = vi.spyOn(console, 'error').mockReturnValue()
    vi.spyOn(console, 'log').mockReturnValue()
    onTestFinished(() => void vi.restoreAllMocks())
    expect(verdict('a1', 'a1')).toBe(0)
    expect(said).not.toHaveBeenCalled()
    expect(verdict('a1', 'b2')).toBe(1)
    expect(said).toHaveBeenCalledOnce()
  })

  it('leaves nothing behind on Ctrl-C', async () => {
    const child = spawn(process.execPath, [join(root, 'examples/demo.mjs'), '--size', '200'], { env })
    const ended = once(child, 'exit')
    child.stdout.on('data', (text: Buffer) => {
      if (text.includes('file ')) child.kill('SIGINT')
    })
    expect(await ended).toEqual([130, null])
    expect(await leftovers()).toEqual([])
  })
})

/** The rows of the table that follows `heading`, cell by cell. */
function table(document: string, heading: string): string[][] {
  const behind = textOf(document).split(heading)[1] ?? ''
  const [lines = ''] = behind.slice(behind.indexOf('\n|')).trim().split('\n\n')
  const rows = lines.split('\n').slice(2)
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** The names in code quotes in the first cells. */
function firstNames(rows: readonly string[][]): string[] {
  return rows.flatMap(([first = '']) => [...first.matchAll(/`(\w+)`/g)].map(([, name = '']) => name))
}
