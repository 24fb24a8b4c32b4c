/** Ten thousand calls one after the other, and five hundred at once: sockets, memory and listeners stay what they are. */
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { treeServer } from '../mirror/support/tree-server.ts'
import { runScript } from './support/child-process.ts'

const FILES = { '/tree/a': Buffer.alloc(2_000, 'a'), '/tree/b': Buffer.alloc(10, 'b') }
const CONNECTIONS = 4
const WARM_UP = 2_000
const ONE_AFTER_THE_OTHER = 10_000
const AT_ONCE = 500
/** Of a heap that is collected: what is compiled meanwhile. One promise with its listeners left by each call is more. */
const MOST_BYTES = 3_000_000
/** Some ten times what it takes: it tells a hang from an end. */
const LONGEST_MS = 280_000

interface Told {
  /** Of the calls, but for those for what is missing. */
  readonly failures: readonly string[]
  readonly warnings: readonly string[]
  readonly stats: { readonly leased: number; readonly waiting: number; readonly open: number }
  /** The most connections at any time. */
  readonly mostOpen: number
  /** The most listeners on the signal that all calls share, while they ran, and at the end. */
  readonly mostOnSignal: number
  readonly onSignal: number
  /** Of everything that is open, at the end and at the beginning. */
  readonly descriptors: readonly [before: number, after: number]
  readonly heap: readonly [before: number, after: number]
}

const PROGRAM = `
  import { getEventListeners } from 'node:events'
  import { readdirSync } from 'node:fs'
  import { FtpClient } from './octoftp/index.js'
  const { PORT, TARGET, WARM_UP, CALLS, AT_ONCE } = process.env
  const warnings = []
  process.on('warning', ({ name }) => warnings.push(name))
  const { signal } = new AbortController()
  const ftp = new FtpClient({
    host: '127.0.0.1', port: Number(PORT), security: 'none', maxConnections: ${CONNECTIONS},
  })
  const inSession = async () => {
    const session = await ftp.session({ signal })
    await session.noop({ signal }).finally(() => session.release())
  }
  const often = [
    () => ftp.stat('/tree/a', { signal }),
    () => ftp.size('/tree/b', { signal }),
    () => ftp.size('/tree/missing', { signal }),
    () => ftp.readFile('/tree/b', { signal }),
    () => inSession(),
  ]
  const seldom = [
    (number) => ftp.listAll('/tree', { signal }),
    (number) => ftp.download('/tree/a', TARGET + number, { signal, connections: 1 }),
    (number) => ftp.writeFile('/tree/new', 'new', { signal }),
  ]
  const failures = []
  let [made, mostOpen, mostOnSignal] = [0, 0, 0]
  const call = async () => {
    const number = made++
    const make = number % 10 === 0 ? seldom[(number / 10) % seldom.length] : often[number % often.length]
    await make(number % 1_000).catch((error) => failures.push(error.message))
    const { open, opening } = ftp.stats()
    mostOpen = Math.max(mostOpen, open + opening)
    mostOnSignal = Math.max(mostOnSignal, getEventListeners(signal, 'abort').length)
  }
  const run = async (calls, atOnce) => {
    for (let done = 0; done < calls; done += atOnce)
      await Promise.all(Array.from({ length: atOnce }, () => call()))
  }
  const held = async () => {
    await new Promise((resolve) => setTimeout(resolve, 100))
    for (let round = 0; round < 3; round++) {
      globalThis.gc()
      await new Promise((resolve) => setImmediate(resolve))
    }
    return process.memoryUsage().heapUsed
  }
  const descriptors = () => process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
  const count = Number(AT_ONCE)
  await run(Number(WARM_UP), count)
  const before = [descriptors(), await held()]
  await run(Number(CALLS), count)
  const after = [descriptors(), await held()]
  process.stdout.write(JSON.stringify({
    failures, warnings, mostOpen, mostOnSignal, stats: ftp.stats(),
    onSignal: getEventListeners(signal, 'abort').length,
    descriptors: [before[0], after[0]], heap: [before[1], after[1]],
  }))
  await ftp.close()
`

async function make(calls: number, atOnce: number): Promise<Told> {
  await using folder = await temporaryDirectory()
  await using server = await treeServer({ files: FILES })
  const { output, errorOutput, code } = await runScript(folder, PROGRAM, {
    env: {
      ...{ PORT: String(server.port), TARGET: folder.at('file-') },
      ...{ WARM_UP: String(WARM_UP), CALLS: String(calls), AT_ONCE: String(atOnce) },
    },
    wrap: (node, script) => [node, '--expose-gc', script],
    longestMs: LONGEST_MS,
  })
  expect(errorOutput).toBe('')
  expect(code).toBe(0)
  expect(server.maxControlConnections).toBeLessThanOrEqual(CONNECTIONS)
  expect(server.logins.length, 'no connection was given up for another').toBeLessThanOrEqual(CONNECTIONS)
  return JSON.parse(output) as Told
}

test.each([
  [ONE_AFTER_THE_OTHER, 1],
  [4 * AT_ONCE, AT_ONCE],
])('%i calls, %i at once', { timeout: 300_000 }, async (calls, atOnce) => {
  const told = await make(calls, atOnce)
  expect(told).toMatchObject({ failures: [], warnings: [], stats: { leased: 0, waiting: 0 }, onSignal: 0 })
  expect(told.stats.open).toBe(Math.min(atOnce, CONNECTIONS))
  expect(told.mostOpen).toBeLessThanOrEqual(CONNECTIONS)
  expect(told.mostOnSignal).toBeLessThanOrEqual(1)
  expect(told.descriptors[1]).toBeLessThanOrEqual(told.descriptors[0])
  expect(told.heap[1] - told.heap[0]).toBeLessThan(MOST_BYTES)
})
