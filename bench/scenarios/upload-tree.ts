/** Many small files sent. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Contest } from '../harness/contest.ts'
import { makeTree, whatDiffers, whatReadsWrong, type TreeShape } from '../harness/tree.ts'
import { whyNoLink, type LinkOptions } from '../network/link.ts'
import { openPlace } from '../network/place.ts'
import { named, vsftpdVersion } from './downloads.ts'
import type { Scenario, ScenarioSetup } from './scenario.ts'
import { BETTER_PEER, clearFor, CONNECTIONS, contestOf, FAR, waysWith } from './trees.ts'

const FILES = 1_000
/** The server may write here; the root is ours. */
const FOLDER = 'arrived'
const NAME = 'tree'

export const uploadTree: Scenario = {
  name: 'upload-tree',
  title: '1,000 files of about 4 KB in 20 folders sent 50 ms away',
  about: [
    'To vsftpd behind a link in user space (bench/network/link.c): 50 ms there and back, 200 Mbit/s.',
    `Target: at most 0.75 × \`lftp mirror -R -P 8\`, which also sets permissions unless it is told not to. ${BETTER_PEER}`,
  ],
  timeoutSeconds: 300,
  whyImpossible: whyNoLink,
  server: vsftpdVersion,
  cases: [
    { name: 'upload-8', title: `plain, ${CONNECTIONS} connections`, open: (setup) => open(FAR, setup) },
  ],
}

async function open(
  distance: LinkOptions,
  { workspace, clients, files = FILES }: ScenarioSetup,
): Promise<Contest & AsyncDisposable> {
  const shape: TreeShape = { folders: 20, files }
  const source = join(workspace.scratch, NAME)
  const tree = await makeTree(source, shape)
  const arrived = join(workspace.served, FOLDER)
  mkdirSync(arrived, { recursive: true })
  // The server's sessions run under another account.
  chmodSync(arrived, 0o777)
  const opened = await openPlace({ kind: 'vsftpd', distance }, workspace)
  const ways = waysWith(named(clients, ['octoftp', 'lftp', 'rclone']))
  const copy = join(arrived, NAME)
  return {
    ...contestOf('up', { ways, opened, path: `/${FOLDER}/${NAME}`, local: source }),
    clear: () => clearFor(tree, arrived, workspace),
    check: async () => whatDiffers(tree, copy) ?? (await whatReadsWrong(tree, copy)),
    [Symbol.asyncDispose]: async () => {
      await opened.close()
      rmSync(source, { recursive: true })
      rmSync(arrived, { recursive: true })
    },
  }
}
