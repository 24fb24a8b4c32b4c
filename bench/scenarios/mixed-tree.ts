/** Small, large and very large files in one tree: the link is to be full from beginning to end. */
import type { Contest } from '../harness/contest.ts'
import type { TreeShape } from '../harness/tree.ts'
import { payloadBytesPerSecond, whyNoLink } from '../network/link.ts'
import { named, vsftpdVersion } from './downloads.ts'
import type { Scenario, ScenarioSetup } from './scenario.ts'
import { CONNECTIONS, FAR, fetchContest, waysWith } from './trees.ts'

const FILES = 1_000
const LARGE_FILES = 20
const LARGE = 20_000_000
const LARGEST = 2 ** 30
/** For one file, by lftp. */
const SEGMENTS = 4

export const mixedTree: Scenario = {
  name: 'mixed-tree',
  title: '1,000 small files, 20 of 20 MB and one of 1 GiB, 50 ms away at 200 Mbit/s',
  about: [
    'From vsftpd behind a link in user space (bench/network/link.c). Ideal: all bytes over what packets leave of the rate.',
    'Target: at most 1.10 × the ideal.',
  ],
  timeoutSeconds: 600,
  whyImpossible: whyNoLink,
  server: vsftpdVersion,
  cases: [{ name: 'mixed-8', title: `plain, ${CONNECTIONS} connections`, open }],
}

/** Another size is that of the largest file, and no other is larger. */
async function open({
  workspace,
  clients,
  files = FILES,
  size = LARGEST,
}: ScenarioSetup): Promise<Contest & AsyncDisposable> {
  const large = [...Array.from({ length: LARGE_FILES }, () => Math.min(LARGE, size)), size]
  const shape: TreeShape = { folders: 20, files, large }
  const ways = waysWith(named(clients, ['octoftp', 'lftp'])).map((way) => ({ ...way, segments: SEGMENTS }))
  const idealSeconds = (bytes: number): number => bytes / payloadBytesPerSecond(FAR)
  return fetchContest({ workspace, place: { kind: 'vsftpd', distance: FAR }, shape, ways, idealSeconds })
}
