/** Links with a delay and a loss: how many connections are right there, and whether `'auto'` finds out. */
import type { Client } from '../clients/clients.ts'
import type { Contest } from '../harness/contest.ts'
import { payloadBytesPerSecond, whyNoLink, type LinkOptions } from '../network/link.ts'
import { openPlace } from '../network/place.ts'
import { numbersAndAuto } from './automatic.ts'
import { downloadContest, makeSource, named, vsftpdVersion, type Way } from './downloads.ts'
import type { Scenario, ScenarioCase, ScenarioSetup } from './scenario.ts'

const SIZE = 100 * 2 ** 20
const PEERS = ['curl', 'lftp', 'aria2', 'axel']

interface Distance extends LinkOptions {
  readonly name: string
  readonly title: string
}

const distances: readonly Distance[] = [
  { name: '50ms', title: '50 ms, 200 Mbit/s', roundTripMs: 50, megabitsPerSecond: 200 },
  {
    name: '100ms-loss',
    title: '100 ms, 200 Mbit/s, 0.5 % loss',
    roundTripMs: 100,
    megabitsPerSecond: 200,
    lossPercent: 0.5,
  },
]

export const longDistance: Scenario = {
  name: 'long-distance',
  title: '100 MiB over a long distance',
  about: [
    'From vsftpd behind a link in user space (bench/network/link.c): delay, rate, 100 ms of queue, loss in both directions.',
    'Ideal: the bytes over what packets of 1500 bytes leave of the rate. "÷ best": against the best fixed number.',
  ],
  whyImpossible: whyNoLink,
  server: vsftpdVersion,
  cases: distances.map((distance): ScenarioCase => {
    const { name, title } = distance
    return { name, title, open: (setup) => openCase(distance, setup) }
  }),
}

async function openCase(
  distance: Distance,
  { workspace, clients, numbers, size = SIZE }: ScenarioSetup,
): Promise<Contest & AsyncDisposable> {
  const source = await makeSource(workspace, size)
  const { login, within, close } = await openPlace({ kind: 'vsftpd', distance }, workspace)
  return downloadContest({
    ...{ workspace, source, login },
    ways: waysOf(clients, numbers, size / payloadBytesPerSecond(distance)),
    comparison: '÷ best',
    ...{ within, close },
  })
}

/** Octoftp with each number, then by itself; the peers with eight. */
function waysOf(clients: readonly Client[], numbers: readonly number[], idealSeconds: number): Way[] {
  return [
    ...numbersAndAuto(clients, numbers, () => idealSeconds),
    ...named(clients, PEERS).map((client) => ({ client, connections: 8, idealSeconds })),
  ]
}
