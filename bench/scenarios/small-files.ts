/** Many small files: what round trips cost, and over loopback what everything else does. */
import type { Contest } from '../harness/contest.ts'
import { whyNoLink, type LinkOptions } from '../network/link.ts'
import { named, serverVersion } from './downloads.ts'
import type { Scenario, ScenarioCase, ScenarioSetup } from './scenario.ts'
import {
  BETTER_PEER,
  CONNECTIONS,
  FAR,
  fetchContest,
  waysWith,
  type TreeWay,
  type TreeWork,
} from './trees.ts'

const FILES = 1_000
/** Of the peers, where octoftp chooses for itself. */
const NUMBERS = [8, 16, 32]
const PEERS = ['octoftp', 'lftp', 'rclone']
/** From far away basic-ftp takes minutes: one round trip after another, over one connection. */
const NEAR_PEERS = [...PEERS, 'basic-ftp']
/** It keeps the TLS sessions of all its connections in one place, and ProFTPD refuses data connections with a wrong one. */
const NOT_RESUMING = ['rclone']
const RCLONE = 'rclone may have more connections, for its checkers, and speaks TLS 1.2.'

const servers = async (): Promise<string> =>
  (await Promise.all([serverVersion('vsftpd'), serverVersion('proftpd')])).join(' and ')

export const smallFiles: Scenario = {
  name: 'small-files',
  title: '1,000 files of about 4 KB in 20 folders, 50 ms away',
  about: [
    'Behind a link in user space (bench/network/link.c): 50 ms there and back, 200 Mbit/s. TLS: session reuse required.',
    `Target: at most 0.75 × the better peer. ${BETTER_PEER} ${RCLONE}`,
  ],
  timeoutSeconds: 300,
  whyImpossible: whyNoLink,
  server: servers,
  cases: [
    ...casesAt(FAR, PEERS),
    { name: 'auto', title: "vsftpd, plain, 'auto', and peers with 8, 16 and 32", open: openAutomatic },
  ],
}

export const smallFilesLoopback: Scenario = {
  name: 'small-files-loopback',
  title: '1,000 files of about 4 KB in 20 folders over loopback',
  about: [
    'Source and target in memory. TLS: session reuse required. The server runs on the same cores.',
    `Target: at most the time of the better peer. ${BETTER_PEER} ${RCLONE}`,
  ],
  server: servers,
  cases: casesAt(undefined, NEAR_PEERS),
}

function casesAt(distance: LinkOptions | undefined, names: readonly string[]): ScenarioCase[] {
  return (['vsftpd', 'proftpd'] as const).flatMap((kind) =>
    [false, true].map((isSecure): ScenarioCase => {
      const place = { kind, isSecure, distance }
      const leftOut = kind === 'proftpd' && isSecure ? NOT_RESUMING : []
      const able = names.filter((name) => !leftOut.includes(name))
      return {
        name: `${kind}-${isSecure ? 'tls' : 'plain'}`,
        title: `${kind}, ${isSecure ? 'TLS' : 'plain'}, ${CONNECTIONS} connections`,
        open: (setup) => open(setup, { place, ways: waysWith(named(setup.clients, able)), leftOut }),
      }
    }),
  )
}

function openAutomatic(setup: ScenarioSetup): Promise<Contest & AsyncDisposable> {
  const most = Math.max(...NUMBERS)
  const automatic = named(setup.clients, ['octoftp']).map((client): TreeWay => {
    return { client, connections: most, automatic: true }
  })
  const numbered = NUMBERS.flatMap((number) => waysWith(named(setup.clients, PEERS), number))
  return open(setup, { place: { kind: 'vsftpd', distance: FAR }, ways: [...automatic, ...numbered] })
}

function open(
  { workspace, files = FILES }: ScenarioSetup,
  work: Pick<TreeWork, 'place' | 'ways' | 'leftOut'>,
): Promise<Contest & AsyncDisposable> {
  return fetchContest({ workspace, shape: { folders: 20, files }, ...work })
}
