/** What holds the process and what does not can only be seen in a process that would like to end. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, expect, test } from 'vitest'

const SOURCES = [
  'errors.ts',
  'pool/events.ts',
  'pool/lease.ts',
  'pool/ledger.ts',
  'pool/own-failure.ts',
  'pool/pool.ts',
  'util/abort.ts',
  'util/deferred.ts',
  'util/listener.ts',
  'util/near-name.ts',
  'util/timer.ts',
  'util/validate.ts',
]

/** Run in front of every script: a pool whose second login is refused, each resource a timer of an hour. */
const PRELUDE = `
import { Pool } from './pool/pool.js'
let openings = 0
const pool = new Pool({
  max: 4,
  hooks: {
    async open() {
      openings += 1
      if (openings > 1) throw new Error('421')
      return { timer: setTimeout(() => {}, 3_600_000) }
    },
    check: async () => true,
    // As with a socket, only the resource's own handle holds the process while the reply is on its way.
    async close({ timer }) {
      await new Promise((resolve) => setTimeout(resolve, 50).unref())
      clearTimeout(timer)
    },
    idle: ({ timer }, isIdle) => { isIdle ? timer.unref() : timer.ref() },
  },
  onLimited: () => process.stdout.write('limited '),
})
const controller = new AbortController()
const lease = await pool.acquire()
const waiting = pool.acquire(controller.signal).catch(() => process.stdout.write('cancelled '))
await new Promise(setImmediate)
`

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool-process-'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  for (const name of SOURCES) {
    const source = await readFile(fileURLToPath(new URL(`../../src/${name}`, import.meta.url)), 'utf8')
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
      },
    })
    const path = join(folder, name.replace(/ts$/, 'js'))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, outputText)
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs a script to its own end; one that does not end is killed, and tells by its code. */
async function run(script: string): Promise<{ code: number | null; output: string }> {
  const path = join(folder, 'script.js')
  await writeFile(path, PRELUDE + script)
  const child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 10_000 })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, output }
}

test('an idle pool, its probe due in two minutes, lets the process end', { timeout: 20_000 }, async () => {
  const script = `
    controller.abort()
    await waiting
    lease.release()
    process.stdout.write('end')`
  expect(await run(script)).toEqual({ code: 0, output: 'limited cancelled end' })
})

test(
  'close holds the process until the last goodbye, and then lets it end',
  { timeout: 20_000 },
  async () => {
    const script = `
    lease.release()
    const second = await waiting
    second.release()
    await pool.close()
    process.stdout.write('closed')`
    expect(await run(script)).toEqual({ code: 0, output: 'limited closed' })
  },
)
