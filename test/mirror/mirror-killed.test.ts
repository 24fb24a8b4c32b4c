/** Killed with SIGKILL at any instant, again and again: the next run goes on, and nothing of ours is left in the end. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { killAll, prepareProgram, type Program } from '../hazards/support/child-process.ts'
import { sharedServer } from '../servers/vitest.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { inspect, plant, type Tree } from './support/trees.ts'

const KILLS = 6
/** From before the first command to behind the end of a run that is not killed; it takes some seconds. */
const LONGEST_LIFE_MS = 2_500
const RATE = 5_000_000

/** Mirrors by `$OPTIONS`, and says how it ended. */
const SCRIPT = `
  import { FtpClient } from './octoftp/index.js'
  const { url, user, password, side, remote, local, options } = JSON.parse(process.env.OPTIONS)
  const ftp = new FtpClient(url, { user, password, maxConnections: 4 })
  const transfer = side === 'down' ? ftp.mirrorDown(remote, local, options) : ftp.mirrorUp(local, remote, options)
  const { failures } = await transfer
  process.stdout.write(JSON.stringify(failures.map(({ path, error }) => path + ': ' + error.message)))
  await ftp.close()
`

const seed = Number(process.env['OCTOFTP_TEST_SEED'] ?? Date.now() % 1_000_000)
const TREE: Tree = tree()

const server = sharedServer('proftpd')
let program: Program
let running: ChildProcess | undefined

beforeAll(async () => {
  program = await prepareProgram(SCRIPT)
})

afterAll(() => program[Symbol.asyncDispose]())

afterEach(kill)

function tree(): Tree {
  const files: Record<string, Buffer> = {
    'large 1': randomBytes(3_000_000, 'large 1'),
    'sub/large 2': randomBytes(5_000_000, 'large 2'),
  }
  for (let index = 0; index < 300; index++) {
    files[`d${index % 17}/f${index}`] = randomBytes((index * 331) % 20_000, index)
  }
  return files
}

function start(options: object): ChildProcess {
  running = spawn(process.execPath, [program.path], {
    env: { ...process.env, OPTIONS: JSON.stringify(options) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return running
}

async function kill(): Promise<void> {
  if (running !== undefined) await killAll([running])
  running = undefined
}

test.each(['down', 'up'] as const)(
  `%s, seed ${seed}`,
  async (side) => {
    await using folder = await temporaryDirectory()
    const { url, user, password, root } = server()
    const remote = `${side}/tree`
    const there = server().makeDirectory(remote)
    const local = folder.at('tree')
    mkdirSync(local)
    const [source, target] = side === 'down' ? [there, local] : [local, there]
    plant(source, TREE)
    plant(target, { 'extra/x': 'x', 'd1/f1': 'older' })
    const expected = inspect(source)
    const facts = { url, user, password, side, remote, local }
    const random = randomNumbers(seed)
    for (let kills = 0; kills < KILLS; kills++) {
      const child = start({ ...facts, options: { bytesPerSecond: RATE, delete: true, maxDelete: 1_000 } })
      await sleep(random() * LONGEST_LIFE_MS)
      // One that has come to its end before has done so well.
      expect([null, 0]).toContain(child.exitCode)
      await kill()
      // What has the name of a file down here is one, whole; what is sent has its name from the first byte.
      if (side === 'up') continue
      for (const [path, { type, content }] of Object.entries(inspect(target))) {
        const isWhole = content === expected[path]?.content || path === 'extra/x' || path === 'd1/f1'
        if (type === 'file' && !path.includes('octoftp')) expect(isWhole, path).toBe(true)
      }
    }
    const child = start({ ...facts, options: { delete: true, maxDelete: 1_000 } })
    const output = child.stdout?.setEncoding('utf8').toArray()
    await once(child, 'close')
    expect(((await output) ?? []).join('')).toBe('[]')
    expect(inspect(source)).toEqual(expected)
    expect(inspect(target)).toEqual(expected)
    expect(Object.keys(inspect(root)).filter((path) => path.includes('octoftp'))).toEqual([])
    expect(Object.keys(inspect(folder.path)).filter((path) => path.includes('octoftp'))).toEqual([])
  },
  90_000,
)

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
