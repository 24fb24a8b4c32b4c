/** What is published: its manifest, the files in it, and that it loads wherever it says it does. */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as octoftp from '../src/index.ts'
import { installedPackage, type InstalledPackage } from './support/installed-package.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const runFile = promisify(execFile)

interface Manifest {
  readonly [name: string]: unknown
  readonly exports: Readonly<Record<string, unknown>>
}

async function readManifest(): Promise<Manifest> {
  return JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
}

describe('the manifest', () => {
  it('asks for nothing at run time', async () => {
    const manifest = await readManifest()
    for (const name of ['dependencies', 'optionalDependencies', 'bundleDependencies']) {
      expect(manifest[name] ?? {}, name).toEqual({})
    }
    const scripts = Object.keys(manifest['scripts'] as object)
    expect(scripts.filter((name) => /^(pre|post)?install$/.test(name))).toEqual([])
  })

  it('says what the package is', async () => {
    expect(await readManifest()).toMatchObject({
      name: 'octoftp',
      license: 'MIT',
      type: 'module',
      sideEffects: false,
      engines: { node: '>=20.19' },
      exports: {
        '.': { types: './dist/index.d.ts', default: './dist/index.js' },
        './proxy': { types: './dist/proxy.d.ts', default: './dist/proxy.js' },
        './mptcp': { types: './dist/mptcp.d.ts', default: './dist/mptcp.js' },
        './package.json': './package.json',
      },
    })
  })
})

describe('the package', () => {
  let installed: InstalledPackage
  let packed: string

  beforeAll(async () => {
    installed = await installedPackage()
    packed = join(installed.project, 'node_modules', 'octoftp')
  }, 300_000)
  afterAll(() => installed[Symbol.asyncDispose]())

  it('holds what it needs and nothing else', () => {
    const { files } = installed
    // What the entries share has a name with a hash in it; the command line is loaded piece by piece.
    const paths = files
      .map(({ path }) => path)
      .filter((path) => !/^dist\/cli-[\w-]+\.js$/.test(path))
      .map((path) => path.replace(/-[\w-]{8}(?=\.(?:d\.ts|js|js\.map)$)/, '-HASH'))
    expect(files.length - paths.length).toBeGreaterThan(3)
    expect(paths.sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/chunk-HASH.js',
      'dist/chunk-HASH.js',
      'dist/chunk-HASH.js',
      'dist/chunk-HASH.js.map',
      'dist/chunk-HASH.js.map',
      'dist/chunk-HASH.js.map',
      'dist/cli.js',
      'dist/ftp-proxy-HASH.d.ts',
      'dist/index.d.ts',
      'dist/index.js',
      'dist/index.js.map',
      'dist/mptcp.d.ts',
      'dist/mptcp.js',
      'dist/mptcp.js.map',
      'dist/proxy.d.ts',
      'dist/proxy.js',
      'dist/proxy.js.map',
      'package.json',
    ])
    expect(files.filter(({ size }) => size === 0)).toEqual([])
  })

  it('has every file that its exports name', async () => {
    const { exports } = await readManifest()
    const targets = Object.values(exports).flatMap((entry) =>
      typeof entry === 'string' ? entry : Object.values(entry as Record<string, string>),
    )
    for (const target of targets) await readFile(join(packed, target))
    expect(targets).toHaveLength(7)
  })

  it.each(['index', 'proxy', 'mptcp'])('is ES modules, without a top-level await: %s', async (entry) => {
    const text = await readFile(join(packed, `dist/${entry}.js`), 'utf8')
    expect(topLevelAwaits(text)).toEqual([])
    expect(topLevelAwaits('export const a = await b\nfor await (const c of d) e()')).toHaveLength(2)
    expect(text).toMatch(/^export \{$/m)
    // Not at the beginning of a line: what is bundled may be wrapped.
    expect(text).not.toMatch(/^module\.exports\b|__toCommonJS/m)
    const imported = [...text.matchAll(/^(?:import|\}) .*from ["'](.*)["'];?$/gm)].map(([, name]) => name)
    expect(imported.length).toBeGreaterThan(0)
    expect(imported.filter((name = '') => !isBuiltin(name) && !name.startsWith('./chunk-'))).toEqual([])
  })

  it.each([
    ['proxy', 'socksProxy', "socksProxy('socks5://127.0.0.1')", 'socks'],
    ['mptcp', 'mptcp', 'mptcp()', 'koffi'],
  ])(
    'has one class of each error, whichever entry makes it; and says what is missing: %s',
    async (entry, name, connect, missing) => {
      const program = `
      import { FtpClient, FtpConnectionError } from 'octoftp'
      import { ${name} } from 'octoftp/${entry}'
      // Elsewhere nothing is needed.
      Object.defineProperty(process, 'platform', { value: 'linux' })
      const client = new FtpClient('ftp://192.0.2.1', { connect: ${connect} })
      const error = await client.connect().catch((reason) => reason)
      console.log(error instanceof FtpConnectionError, error.retryable, error.message)`
      const parameters = ['--input-type=module', '--eval', program]
      const { stdout } = await runFile(process.execPath, parameters, { cwd: installed.project })
      expect(stdout).toMatch(
        new RegExp(`^true false .*needs the package "${missing}".*npm install ${missing}\n$`),
      )
    },
  )

  it('has a command line that uses the library beside it, and holds no second one', async () => {
    const { bin } = await readManifest()
    expect(bin).toEqual({ octoftp: './dist/cli.js' })
    const names = (await readdir(join(packed, 'dist'))).filter((name) => /^cli.*\.js$/.test(name))
    const texts = await Promise.all(names.map((name) => readFile(join(packed, 'dist', name), 'utf8')))
    const imported = texts.flatMap((text) =>
      [...text.matchAll(/^(?:import|\}) ?.*from ["'](.*)["'];?$/gm)].map(([, name = '']) => name),
    )
    const others = imported.filter((name) => !isBuiltin(name) && !name.startsWith('./cli-'))
    expect([...new Set(others)]).toEqual(['./index.js'])
    expect(texts.join('\n')).not.toMatch(/class FtpError\b|class FtpClient\b/)
    const all = await readdir(join(packed, 'dist'))
    const ofLibrary = all.filter((name) => /^(?:index|chunk-.*)\.js$/.test(name))
    const library = await Promise.all(ofLibrary.map((name) => readFile(join(packed, 'dist', name), 'utf8')))
    expect(library.join('\n')).toMatch(/class FtpError\b|FtpError = class/)
  })

  it('names the license of whatever is bundled', async () => {
    const license = await readFile(join(packed, 'LICENSE'), 'utf8')
    const dist = join(packed, 'dist')
    const texts = await Promise.all(
      (await readdir(dist))
        .filter((name) => name.endsWith('.js'))
        .map((name) => readFile(join(dist, name), 'utf8')),
    )
    const bundled = texts.flatMap((text) =>
      [...text.matchAll(/^\/\/ .*node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//gm)].map(([, name = '']) => name),
    )
    expect(bundled.length).toBeGreaterThan(5)
    expect([...new Set(bundled)].filter((name) => !license.includes(`${name} (http`))).toEqual([])
  })

  it('runs as a program, which tells its version', async () => {
    const { version } = await readManifest()
    const { stdout } = await runFile(process.execPath, [join(packed, 'dist/cli.js'), '--version'])
    expect(stdout).toBe(`${String(version)}\n`)
  })

  const names = Object.keys(octoftp).sort()

  it.each([
    ['import', "import * as octoftp from 'octoftp'; export {}", '--input-type=module'],
    ['require', "const octoftp = require('octoftp')", '--input-type=commonjs'],
  ])('loads by %s, without a warning, and lets the process end', async (_how, load, type) => {
    const program = `${load}; console.log(JSON.stringify(Object.keys(octoftp)))`
    const { stdout, stderr } = await runFile(process.execPath, [type, '--eval', program], {
      cwd: installed.project,
    })
    const loaded = JSON.parse(stdout) as string[]
    expect(loaded.filter((name) => name !== 'default' && name !== '__esModule').sort()).toEqual(names)
    expect(stderr).toBe('')
  })

  it('loads without a side effect on the process', async () => {
    const program = `
      const count = () => process.eventNames().map((name) => [name, process.listenerCount(name)])
      const before = JSON.stringify([count(), Object.keys(globalThis)])
      await import('octoftp')
      console.log(before === JSON.stringify([count(), Object.keys(globalThis)]))`
    const parameters = ['--input-type=module', '--eval', program]
    const { stdout } = await runFile(process.execPath, parameters, { cwd: installed.project })
    expect(stdout.trim()).toBe('true')
  })
})

/** The text of each `await` outside of every function. */
function topLevelAwaits(text: string): string[] {
  const source = ts.createSourceFile('index.mjs', text, ts.ScriptTarget.Latest)
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return
    const isAwait =
      ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined)
    if (isAwait) found.push(node.getText(source))
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

describe('the repository', () => {
  const forbidden: readonly (readonly [string, RegExp])[] = [
    ['a folder of one machine', /(?<![\w.])\/(?:home|Users|work|root)\/\w/],
    // In brackets, so that this file does not hold what it looks for.
    ['a package registry', /registry\.npmjs\.|artifactor[y]|verdacci[o]|\bjfro[g]/i],
  ]
  const withNewOnes = ['--cached', '--others', '--exclude-standard']

  it('names no machine and no registry', async () => {
    const { stdout } = await runFile('git', ['ls-files', '-z', ...withNewOnes], { cwd: root })
    const files = stdout.split('\0').filter((name) => name !== '')
    expect(files.length).toBeGreaterThan(50)
    const found: string[] = []
    for (const file of files) {
      const text = await readFile(join(root, file), 'utf8').catch(() => '')
      for (const [what, pattern] of forbidden) {
        const match = pattern.exec(text)
        if (match !== null) found.push(`${file}: ${what}: ${match[0]}`)
      }
    }
    expect(found).toEqual([])
  })

  it('has a lock file that installs from wherever npm is set to', async () => {
    const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { resolved?: string; integrity?: string }>
    }
    const packages = Object.entries(lock.packages)
    expect(packages.length).toBeGreaterThan(100)
    expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  })
})
