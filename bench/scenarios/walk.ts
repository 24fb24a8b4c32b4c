/** Directories listed one below the other: round trips again, and no file is touched. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Contest } from '../harness/contest.ts'
import type { Tree, TreeShape } from '../harness/tree.ts'
import { whyNoLink, type LinkOptions } from '../network/link.ts'
import { named, vsftpdVersion } from './downloads.ts'
import type { Scenario, ScenarioCase, ScenarioSetup } from './scenario.ts'
import { BETTER_PEER, contestOf, FAR, openSource, waysWith } from './trees.ts'

const FOLDERS = 10_000
/** Lftp lists one directory after the other: of all of them it would take half an hour. */
const FEWER_FOLDERS = 1_000
const PEERS = ['octoftp', 'lftp', 'rclone']

const about = [
  'From vsftpd; octoftp has 8 connections, rclone 8 checkers, and `lftp find` one connection. What each prints is compared',
  `name by name with what is there. ${BETTER_PEER}`,
]

export const walk: Scenario = {
  name: 'walk',
  title: '10,000 directories of one file each, three levels deep',
  about,
  timeoutSeconds: 600,
  server: vsftpdVersion,
  cases: [caseOf('loopback', 'over loopback', undefined, FOLDERS, PEERS)],
}

export const walkFar: Scenario = {
  name: 'walk-far',
  title: 'directories of one file each, three levels deep, 50 ms away',
  about: [...about, 'Behind a link in user space (bench/network/link.c): 50 ms there and back, 200 Mbit/s.'],
  timeoutSeconds: 900,
  whyImpossible: whyNoLink,
  server: vsftpdVersion,
  cases: [
    caseOf('far-1000', '1,000 directories', FAR, FEWER_FOLDERS, PEERS),
    caseOf('far-10000', '10,000 directories', FAR, FOLDERS, ['octoftp', 'rclone']),
  ],
}

function caseOf(
  name: string,
  title: string,
  distance: LinkOptions | undefined,
  usualFolders: number,
  names: readonly string[],
): ScenarioCase {
  return { name, title, open: (setup) => open(setup, { distance, usualFolders, names }) }
}

interface Journey {
  readonly distance: LinkOptions | undefined
  readonly usualFolders: number
  readonly names: readonly string[]
}

async function open(
  { workspace, clients, files }: ScenarioSetup,
  { distance, usualFolders, names }: Journey,
): Promise<Contest & AsyncDisposable> {
  const folders = files ?? usualFolders
  const shape: TreeShape = { folders, depth: 3, files: folders }
  const source = await openSource({ workspace, place: { kind: 'vsftpd', distance }, shape })
  const { tree, path, opened, close } = source
  const output = join(workspace.scratch, 'walked')
  const ways = waysWith(named(clients, names))
  return {
    ...contestOf('walk', { ways, opened, path, local: workspace.targets, output }),
    clear: () => rmSync(output, { force: true }),
    check: () => Promise.resolve(whatIsMissing(tree, path, readFileSync(output, 'utf8'))),
    [Symbol.asyncDispose]: close,
  }
}

/** @returns what is wrong with the paths that a client has printed, or undefined */
function whatIsMissing({ folders, files }: Tree, root: string, printed: string): string | undefined {
  const expected = new Set([...folders, ...files.map(({ path }) => path)])
  const seen = new Set<string>()
  for (const line of printed.split('\n')) {
    // Some print the root with it, and a slash behind directories.
    const path = (line.startsWith(root) ? line.slice(root.length) : line)
      .replace(/^\//, '')
      .replace(/\/$/, '')
    if (path === '') continue
    if (!expected.has(path)) return `${path} is not there`
    if (seen.has(path)) return `${path} is told twice`
    seen.add(path)
  }
  return seen.size === expected.size
    ? undefined
    : `${expected.size - seen.size} of ${expected.size} are missing`
}
