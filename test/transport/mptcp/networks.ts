/**
 * Network namespaces, with two paths between two of them. Each lives as long as a process in it, which ends when a pipe
 * to this process closes: nothing is left behind, also where the tests are killed.
 *
 *   near   10.9.1.1 ── path 1 ── 10.9.1.2   far
 *          10.9.2.1 ── path 2 ── 10.9.2.2
 */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { promisify } from 'node:util'
import { untilTrue } from '../../support/eventually.ts'

const runFile = promisify(execFile)

/** Of each path. */
const RATE = '16mbit'

/** What {@link joinByTwoPaths} does, on a small scale. */
const TRIAL = `
  ip mptcp limits show &&
  ip link add path1 type veth peer name path2 &&
  tc qdisc add dev path1 root tbf rate ${RATE} burst 64k latency 50ms`

/** Why there are no such networks to be had here, or `undefined` if there are. */
export function whyNoNetworks(): string | undefined {
  const tried = spawnSync('unshare', ['--net', 'sh', '-c', TRIAL], { encoding: 'utf8' })
  if (tried.status === 0) return undefined
  return `no network namespaces with Multipath TCP: ${tried.error?.message ?? tried.stderr.trim()}`
}

export class Network implements AsyncDisposable {
  /** A process in it. */
  readonly pid: number
  readonly #end: () => Promise<void>

  private constructor(pid: number, end: () => Promise<void>) {
    this.pid = pid
    this.#end = end
  }

  static async create(): Promise<Network> {
    const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] })
    await once(holder, 'spawn')
    const gone = once(holder, 'exit')
    const network = new Network(holder.pid ?? 0, async () => {
      holder.stdin.destroy()
      await gone
    })
    const ours = readlinkSync('/proc/self/ns/net')
    await untilTrue(() => readlinkSync(`/proc/${network.pid}/ns/net`) !== ours)
    await network.run('ip', 'link', 'set', 'lo', 'up')
    return network
  }

  /** A command line that runs in it. */
  command(...command: string[]): [string, ...string[]] {
    return ['nsenter', `--net=/proc/${this.pid}/ns/net`, '--', ...command]
  }

  /** Runs a program in it; gives what it prints. */
  async run(...command: string[]): Promise<string> {
    const [program, ...parameters] = this.command(...command)
    return (await runFile(program, parameters)).stdout
  }

  /** How many bytes have come in by a device. */
  async received(device: string): Promise<number> {
    const [{ stats64 }] = JSON.parse(await this.run('ip', '-j', '-s', 'link', 'show', device)) as [LinkFacts]
    return stats64.rx.bytes
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end()
  }
}

interface LinkFacts {
  readonly stats64: { readonly rx: { readonly bytes: number } }
}

/** Joins two networks by two paths; their devices are `path1` and `path2` in both. */
export async function joinByTwoPaths(near: Network, far: Network): Promise<void> {
  for (const path of ['1', '2']) {
    const device = `path${path}`
    const other = ['peer', 'name', device, 'netns', `${far.pid}`]
    await near.run('ip', 'link', 'add', device, 'type', 'veth', ...other)
    for (const [network, host] of [
      [near, '1'],
      [far, '2'],
    ] as const) {
      await network.run('ip', 'address', 'add', `10.9.${path}.${host}/24`, 'dev', device)
      await network.run('ip', 'link', 'set', device, 'up')
      const shape = ['tbf', 'rate', RATE, 'burst', '64k', 'latency', '50ms']
      await network.run('tc', 'qdisc', 'add', 'dev', device, 'root', ...shape)
    }
  }
  for (const network of [near, far]) {
    await network.run('ip', 'mptcp', 'limits', 'set', 'subflow', '4', 'add_addr_accepted', '4')
  }
  // With a port of its own: a server's data listener is closed by the time that the second path is asked for.
  await far.run('ip', 'mptcp', 'endpoint', 'add', '10.9.2.2', 'dev', 'path2', 'signal', 'port', '4000')
}
