/** The tarball, installed by npm into a folder of its own: what programs that use it see. */
import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeFtpServer } from './support/fake-ftp-server.ts'
import { installedPackage, type InstalledPackage } from './support/installed-package.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const runFile = promisify(execFile)
const shell = process.platform === 'win32'

let installed: InstalledPackage
let project: string

beforeAll(async () => {
  installed = await installedPackage()
  project = installed.project
}, 300_000)
afterAll(() => installed[Symbol.asyncDispose]())

it('brings nothing but itself', async () => {
  const names = await readdir(join(project, 'node_modules'))
  expect(names.filter((name) => !name.startsWith('.'))).toEqual(['octoftp'])
})

describe.each([
  ['download.mjs', "import { download } from 'octoftp'; import { httpProxy } from 'octoftp/proxy'"],
  ['download.cjs', "const { download } = require('octoftp'); const { httpProxy } = require('octoftp/proxy')"],
])('%s', (name, load) => {
  it('fetches a file', async () => {
    const content = Buffer.from('first things first')
    const server = await fakeFtpServer({ files: { '/first.txt': content } })
    try {
      const text = `${load}
        const target = '${name}.txt'
        download('${server.url('/first.txt')}', target).then((result) =>
          console.log(result.bytes, typeof httpProxy))`
      await writeFile(join(project, name), text)
      const { stdout, stderr } = await runFile(process.execPath, [name], { cwd: project })
      expect([stdout, stderr]).toEqual([`${content.length} function\n`, ''])
      expect(await readFile(join(project, `${name}.txt`))).toEqual(content)
    } finally {
      await server.close()
    }
  })
})

it('has its program where npm puts programs', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  const { stdout } = await runFile('npx', ['--offline', 'octoftp', '--version'], { cwd: project, shell })
  expect(stdout).toBe(`${version}\n`)
})

const RIGHT = `
  import { FtpClient, type DownloadResult, type Entry } from 'octoftp'
  import { socksProxy } from 'octoftp/proxy'
  export async function use(): Promise<[DownloadResult, Entry[]]> {
    const ftp = new FtpClient('ftpes://ftp.example.org', { connect: socksProxy('socks5://127.0.0.1') })
    return [await ftp.download('/disk.iso', 'disk.iso', { connections: 'auto' }), await ftp.listAll('/')]
  }`
/** The types are there, and not `any`. */
const WRONG = `
  import { FtpClient } from 'octoftp'
  export const text: string = new FtpClient('ftp://ftp.example.org').size('/disk.iso')`

describe.each([
  ['nodenext', ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext, 'mts'],
  ['nodenext, from CommonJS', ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext, 'cts'],
  ['node16, from ESM', ts.ModuleKind.Node16, ts.ModuleResolutionKind.Node16, 'mts'],
  ['bundler', ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler, 'ts'],
])('TypeScript, %s', (name, module, moduleResolution, extension) => {
  it('finds the types, and sees a mistake', async () => {
    const paths = await Promise.all(
      Object.entries({ right: RIGHT, wrong: WRONG }).map(async ([which, text]) => {
        const path = join(project, `${which}-${name.replaceAll(/\W/g, '-')}.${extension}`)
        await writeFile(path, text)
        return path
      }),
    )
    const program = ts.createProgram(paths, {
      ...{ module, moduleResolution, target: ts.ScriptTarget.ES2022, lib: ['lib.es2022.d.ts'] },
      // Its own types are checked, too.
      ...{ strict: true, noEmit: true, skipLibCheck: false },
      ...{ types: ['node'], typeRoots: [join(root, 'node_modules/@types')] },
    })
    const found = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => ({
      file: file?.fileName,
      message: ts.flattenDiagnosticMessageText(messageText, '\n'),
    }))
    expect(found).toEqual([
      { file: paths[1], message: expect.stringContaining('Promise<number | undefined>') as string },
    ])
  })
})
