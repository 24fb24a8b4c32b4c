/** Killed with SIGKILL at any instant, again and again: each run goes on, and the file is right in the end. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { fakeFtpServer, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { firstDifference } from '../support/first-difference.ts'
import { patternFile } from '../support/pattern-file.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { PASSWORD, REMOTE, serving, USER } from './support/attempt.ts'
import { expectClaimsTrue } from './support/claims.ts'
import { killAll, prepareProgram, type Program } from './support/child-process.ts'
import { untilTrue } from '../support/eventually.ts'

const MIB = 1_048_576
const KILLS = 12
/** So much that no number of kills is enough to finish it. */
const SOURCE = patternFile(256 * MIB + 4_321, 'killed')
/** Bytes a second of four connections; uneven, so that there is something to steal. */
const RATES = [6_000_000, 4_000_000, 1_500_000, 500_000]
const RATE = RATES.reduce((sum, rate) => sum + rate)
/** What a kill may cost: a second's worth, and what is in the buffers. */
const PER_KILL = RATE + RATES.length * MIB
/** Before a seam that waits for its comparison, so many bytes are not claimed any more. */
const SEAMS_BYTES = 16 * 4_096
/** From the first byte of a run to its kill, in milliseconds: from before the first checkpoint to behind several. */
const LONGEST_LIFE_MS = 1_800
/** One in so many runs is killed before it has asked for a byte, or while it opens what is there. */
const EARLY_ONE_IN = 4
const LATEST_EARLY_MS = 300

const seed = Number(process.env['OCTOFTP_TEST_SEED'] ?? Date.now() % 1_000_000)

/** Downloads `$URL` to `$TARGET`, and says how it ended. */
const SCRIPT = `
  import { download } from './octoftp/index.js'
  const { URL: url, TARGET: target } = process.env
  const result = await download(url, target, { connections: 4, keepPartial: true })
  process.stdout.write(JSON.stringify(result))
`

let program: Program
let folder: TemporaryDirectory
let target: string
let server: FakeFtpServer
let running: ChildProcess | undefined

beforeAll(async () => {
  program = await prepareProgram(SCRIPT)
})

afterAll(() => program[Symbol.asyncDispose]())

beforeEach(async () => {
  folder = await temporaryDirectory()
  target = folder.at('file.bin')
  server = await fakeFtpServer(serving(SOURCE))
})

afterEach(async () => {
  await kill()
  await server.close()
  await folder[Symbol.asyncDispose]()
})

function start(): ChildProcess {
  const url = `ftp://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/${REMOTE}`
  running = spawn(process.execPath, [program.path], {
    env: { ...process.env, URL: url, TARGET: target },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return running
}

async function kill(): Promise<void> {
  if (running !== undefined) await killAll([running])
  running = undefined
}

const bytesSent = (): number => server.retrievals.reduce((sum, retrieval) => sum + retrieval.bytesSent, 0)

/** The connections of the next run have these rates, whatever came before. */
function pace(rates: readonly number[]): void {
  server.options.bytesPerSecond = [...server.commands.map(() => 1), ...rates]
}

/** Waits until it is time. */
async function instant(random: () => number): Promise<void> {
  if (random() < 1 / EARLY_ONE_IN) return sleep(random() * LATEST_EARLY_MS)
  const before = bytesSent()
  await untilTrue(() => bytesSent() > before)
  await sleep(random() * LONGEST_LIFE_MS)
}

test(`${KILLS} times, seed ${seed}: nothing is claimed that is not there, and little is fetched twice`, async () => {
  const random = randomNumbers(seed)
  let claimed = 0
  for (let kills = 0; kills < KILLS; kills++) {
    pace(RATES)
    const child = start()
    await instant(random)
    expect(child.exitCode, 'it ended by itself').toBeNull()
    await kill()
    const now = await expectClaimsTrue(target, SOURCE)
    expect(now, 'what was claimed is claimed no more').toBeGreaterThanOrEqual(claimed - SEAMS_BYTES)
    claimed = now
  }
  expect(claimed, 'no run got anywhere').toBeGreaterThan(0)
  // What was sent and is not there has to be fetched again.
  expect(bytesSent() - claimed).toBeLessThan(KILLS * PER_KILL)

  pace([200_000_000])
  const child = start()
  const output = child.stdout?.setEncoding('utf8').toArray()
  await once(child, 'close')
  const result = JSON.parse(((await output) ?? []).join('')) as { bytes: number; resumedBytes: number }
  expect(result).toMatchObject({ bytes: SOURCE.size, resumedBytes: claimed })
  expect(await firstDifference(target, SOURCE)).toBeUndefined()
  expect((await readdir(folder.path)).filter((name) => !LITTER.test(name))).toEqual(['file.bin'])
  expect(bytesSent()).toBeLessThan(SOURCE.size + KILLS * PER_KILL)
}, 120_000)

/** Names that stand for a fraction of a millisecond; a kill within it leaves them. */
const LITTER = /^\.octoftp-[\da-f-]{36}$|^[\da-f]{32}\.octoftp-lock$/

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
function randomNumbers(start: number): () => number {
  let state = start | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
