/** A mirror that has nothing to do: two trees that are equal, found so. */
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerKind } from '../../test/servers/index.ts'
import type { Contest } from '../harness/contest.ts'
import { emptyFolder } from '../harness/files.ts'
import { whatDiffers, writeHollowCopy, writeHollowFile, type Tree, type TreeFile } from '../harness/tree.ts'
import { named, serverVersion } from './downloads.ts'
import type { Scenario, ScenarioCase, ScenarioSetup } from './scenario.ts'
import { BETTER_PEER, contestOf, openSource, waysWith } from './trees.ts'

const FILES = 10_000
const FOLDERS = 100
const KINDS: readonly ServerKind[] = ['vsftpd', 'proftpd']

export const secondRun: Scenario = {
  name: 'second-run',
  title: 'nothing to do over 10,000 files in 100 folders',
  about: [
    'Over loopback. The target has every name with its size and its time, and other bytes: so it shows what is fetched again,',
    "and that should be 0. vsftpd's LIST tells the day of a file alone, ProFTPD's MLSD the second.",
    `Target: at most lftp's time. ${BETTER_PEER}`,
  ],
  server: async () => (await Promise.all(KINDS.map(serverVersion))).join(' and '),
  cases: KINDS.map((kind): ScenarioCase => {
    return { name: kind, title: `${kind}, 8 connections`, open: (setup) => open(kind, setup) }
  }),
}

async function open(
  kind: ServerKind,
  { workspace, clients, files = FILES }: ScenarioSetup,
): Promise<Contest & AsyncDisposable> {
  const ways = waysWith(named(clients, ['octoftp', 'lftp', 'rclone']))
  const shape = { folders: Math.min(FOLDERS, files), files }
  const { tree, path, opened, close } = await openSource({ workspace, place: { kind }, shape })
  const local = join(workspace.targets, 'tree')
  return {
    ...contestOf('down', { ways, opened, path, local }),
    clear: () => {
      if (whatDiffers(tree, local) !== undefined) {
        emptyFolder(workspace.targets)
        writeHollowCopy(tree, local)
      }
      for (const file of fetchedAgain(tree, local)) writeHollowFile(join(local, file.path), file)
    },
    check: () => Promise.resolve(whatDiffers(tree, local)),
    observe: () => Promise.resolve({ 'fetched again': fetchedAgain(tree, local).length }),
    [Symbol.asyncDispose]: close,
  }
}

function fetchedAgain({ files }: Tree, local: string): TreeFile[] {
  return files.filter(({ path }) => firstByte(join(local, path)) !== 0)
}

/** @returns undefined for an empty file, which none here is */
function firstByte(path: string): number | undefined {
  const byte = Buffer.alloc(1)
  const file = openSync(path, 'r')
  try {
    return readSync(file, byte) === 1 ? byte[0] : undefined
  } finally {
    closeSync(file)
  }
}
