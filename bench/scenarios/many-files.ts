/** So many files that whatever is kept of each would show, in memory and in time. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contest } from '../harness/contest.ts'
import { named, vsftpdVersion } from './downloads.ts'
import type { Scenario, ScenarioSetup } from './scenario.ts'
import { fetchContest, waysWith } from './trees.ts'

const FILES = 100_000
const FOLDERS = 200

export const manyFiles: Scenario = {
  name: 'many-files',
  title: '100,000 files of about 4 KB in 200 folders over loopback',
  about: [
    'From vsftpd, 8 connections. Beside the times: milliseconds a file in the first and in the last quarter of the files, by',
    'the events that tell that one is done. Targets: at most 200 MB of memory, and the last quarter like the first.',
  ],
  timeoutSeconds: 900,
  server: vsftpdVersion,
  cases: [{ name: 'many-8', title: 'plain, 8 connections', open }],
}

async function open({
  workspace,
  clients,
  files = FILES,
}: ScenarioSetup): Promise<Contest & AsyncDisposable> {
  const output = join(workspace.scratch, 'told')
  const ways = waysWith(named(clients, ['octoftp', 'lftp'])).map((way) => ({ ...way, pacedFiles: files }))
  return fetchContest({
    ...{ workspace, place: { kind: 'vsftpd' }, shape: { folders: Math.min(FOLDERS, files), files }, ways },
    output,
    observe: () => Promise.resolve(paceTold(readFileSync(output, 'utf8'))),
  })
}

/** Of octoftp; a peer prints nothing of that kind. */
function paceTold(text: string): Record<string, number> {
  if (!text.startsWith('{')) return {}
  const { pace } = JSON.parse(text) as { pace: { firstMs: number; lastMs: number } }
  const { firstMs, lastMs } = pace
  return { 'first ¼ ms': firstMs, 'last ¼ ms': lastMs, 'last ÷ first': lastMs / firstMs }
}
