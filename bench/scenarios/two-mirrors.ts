/** Two mirrors of unlike speeds as one source, and one of them that dies half-way. */
import { startShapedServer, type ShapedServer } from '../servers/shaped-server.ts'
import type { Contest } from '../harness/contest.ts'
import { downloadContest, makeSource, named, type Way } from './downloads.ts'
import type { Scenario, ScenarioSetup } from './scenario.ts'

const MB = 1_000_000
const SIZE = 200 * 2 ** 20
const CONNECTIONS = 8
/** Four connections to each. */
const FAST = 12 * MB
const SLOW = 4 * MB
/** Of octoftp's peers only this one fetches one file from several FTP servers. */
const CLIENTS = ['octoftp', 'aria2']

export const twoMirrors: Scenario = {
  name: 'two-mirrors',
  title: '200 MiB from two mirrors of 12 and 4 MB/s',
  about: [
    'From two servers of our own, each with a rate for all of its connections. Ideal: the bytes over the sum of the rates;',
    'where the slower one ends when it has sent 20 MB, the rest by the faster one alone.',
  ],
  server: async () => Promise.resolve('bench/servers/shaped-ftp.ts'),
  cases: [
    { name: 'both', title: '8 connections, both to the end', open: (setup) => openCase(setup, undefined) },
    {
      name: 'one-dies',
      title: '8 connections, the slower one dies half-way',
      open: (setup) => openCase(setup, 20 * MB),
    },
  ],
}

async function openCase(
  { workspace, clients, size = SIZE }: ScenarioSetup,
  diesAfter: number | undefined,
): Promise<Contest & AsyncDisposable> {
  const source = await makeSource(workspace, size)
  const fast = await start(workspace.served, FAST)
  // At the end of each run another one is started on the same port, unless that is taken.
  const slow = new MortalServer(workspace.served, SLOW, diesAfter)
  await slow.begin()
  const idealSeconds =
    diesAfter === undefined
      ? size / (FAST + SLOW)
      : diesAfter / SLOW + (size - diesAfter - (diesAfter / SLOW) * FAST) / FAST
  const prepare = async (): Promise<void> => {
    await fast.begin()
    await slow.begin()
  }
  const ways = named(clients, CLIENTS).map((client): Way => {
    return { client, connections: CONNECTIONS, idealSeconds, prepare }
  })
  return downloadContest({
    ...{ workspace, source, login: fast, mirrors: [slow], ways },
    close: async () => {
      await fast[Symbol.asyncDispose]()
      await slow.stop()
    },
  })
}

function start(root: string, totalBytesPerSecond: number, port?: number): Promise<ShapedServer> {
  const rates = Array.from({ length: CONNECTIONS * 2 }, () => totalBytesPerSecond)
  return startShapedServer({ root, rates, totalBytesPerSecond, port })
}

/** Ends when it has sent so many bytes, and is there again for the next run. */
class MortalServer {
  readonly host = '127.0.0.1'
  readonly user = 'bench'
  readonly password = 'bench'
  readonly #root: string
  readonly #rate: number
  readonly #diesAfter: number | undefined
  #server: ShapedServer | undefined
  #dying: Promise<void> = Promise.resolve()
  port = 0

  constructor(root: string, rate: number, diesAfter: number | undefined) {
    this.#root = root
    this.#rate = rate
    this.#diesAfter = diesAfter
  }

  async begin(): Promise<void> {
    if (this.#diesAfter !== undefined) await this.stop()
    const server = (this.#server ??= await start(this.#root, this.#rate, this.port))
    this.port = server.port
    await server.begin()
    if (this.#diesAfter === undefined) return
    this.#dying = server
      .sent(this.#diesAfter)
      .then(() => server[Symbol.asyncDispose]())
      .catch(() => {}) // stopped before
  }

  async stop(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
    await this.#dying
    this.#server = undefined
  }
}
