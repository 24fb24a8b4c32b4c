/**
 * A long-distance link on this machine: link.c, compiled and run. Clients run in one network namespace and
 * servers in the other, so that real TCP is on both sides.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface LinkOptions {
  /** There and back. */
  readonly roundTripMs: number
  readonly megabitsPerSecond: number
  /** Of all packets, in each direction. @default 0 */
  readonly lossPercent?: number
  /** How much waits at the slow side before packets are dropped. @default 100 */
  readonly queueMs?: number
  /** Of the losses. @default 42 */
  readonly seed?: number
}

export interface Link extends AsyncDisposable {
  /** The servers' address, as clients see it. */
  readonly serverAddress: string
  readonly forClient: (command: readonly string[]) => string[]
  readonly forServer: (command: readonly string[]) => string[]
}

const MTU = 1500
/** IP, TCP, and TCP's timestamps. */
const HEADERS = 20 + 20 + 12

/** What is left of the rate for the bytes of files. */
export function payloadBytesPerSecond({ megabitsPerSecond }: LinkOptions): number {
  return ((megabitsPerSecond * 1e6) / 8) * ((MTU - HEADERS) / MTU)
}

/** Why there can be no such link here, or undefined. */
export function whyNoLink(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need root on Linux'
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun'
  const missing = ['cc', 'nsenter'].find((program) => spawnSync(program, ['--version']).status !== 0)
  return missing === undefined ? undefined : `${missing} is not installed`
}

/** Starts a link; its program is compiled into `scratch`. It is gone when this process is. */
export async function startLink(options: LinkOptions, scratch: string): Promise<Link> {
  const program = compiled(scratch)
  const { roundTripMs, megabitsPerSecond, lossPercent = 0, queueMs = 100, seed = 42 } = options
  const settings = [roundTripMs / 2, megabitsPerSecond, lossPercent, queueMs, seed].map(String)
  const child = spawn(program, settings, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  const gone = once(child, 'exit')
  await firstLine(child, gone)
  const inside = (descriptor: number) => (command: readonly string[]) => [
    ...['nsenter', `--net=/proc/${child.pid ?? 0}/fd/${descriptor}`, '--', ...command],
  ]
  return {
    serverAddress: '10.99.0.2',
    forClient: inside(10),
    forServer: inside(11),
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      await gone
    },
  }
}

function compiled(scratch: string): string {
  const program = join(scratch, 'link')
  if (existsSync(program)) return program
  const source = fileURLToPath(new URL('./link.c', import.meta.url))
  const { status, stderr } = spawnSync('cc', ['-O2', '-Wall', '-o', program, source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`link.c does not compile: ${stderr}`)
  return program
}

export async function firstLine(child: ChildProcess, gone: Promise<unknown>): Promise<string> {
  if (child.stdout === null) throw new Error('its output is not read')
  const lines = createInterface({ input: child.stdout })
  const line = once(lines, 'line').then(([text]) => String(text))
  const ended = gone.then((): never => {
    throw new Error(`${child.spawnfile} ended before it was ready`)
  })
  return Promise.race([line, ended])
}
