/** The package as it is published: built, packed, and installed by npm into a folder of its own. */
import { execFile } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryDirectory } from './temporary-directory.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const runFile = promisify(execFile)
const shell = process.platform === 'win32'

export interface InstalledPackage extends AsyncDisposable {
  /** What the tarball holds. */
  readonly files: readonly { readonly path: string; readonly size: number }[]
  /** The folder that it is installed into. */
  readonly project: string
}

export async function installedPackage(): Promise<InstalledPackage> {
  const folder = await temporaryDirectory()
  const source = folder.at('source')
  await mkdir(source)
  // The last two are there to be left out.
  for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'src', 'docs'])
    await cp(join(root, name), join(source, name), { recursive: true })
  const tsup = join(root, 'node_modules/tsup/dist/cli-default.js')
  await runFile(process.execPath, [tsup, '--silent', '--out-dir', join(source, 'dist')], { cwd: root })
  const packing = ['pack', '--json', '--ignore-scripts', '--pack-destination', '..']
  const { stdout } = await runFile('npm', packing, { cwd: source, shell })
  const [{ filename, files }] = JSON.parse(stdout) as [Pick<InstalledPackage, 'files'> & { filename: string }]
  const project = folder.at('project')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{ "private": true }')
  const installing = ['install', '--offline', '--no-audit', '--no-fund', `../${filename}`]
  await runFile('npm', installing, { cwd: project, shell })
  return { files, project, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}
