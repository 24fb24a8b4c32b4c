/** Two paths to a server: both carry bytes of one connection, and a transfer outlives either of them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { MptcpConnection } from '../../../src/mptcp.ts'
import type { RunningServer } from '../../servers/types.ts'
import { useServer } from '../../servers/vitest.ts'
import { randomBytes } from '../../support/random-bytes.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { whyNoMultipath } from './available.ts'
import type { FetchReport, FetchRequest } from './fetch.ts'
import { joinByTwoPaths, Network, whyNoNetworks } from './networks.ts'

const MIB = 2 ** 20
const CONTENT = randomBytes(4 * MIB, 'two paths')
/** Seconds long, so that a path dies while it is on its way. */
const LONG = randomBytes(12 * MIB, 'a path dies')
const PROGRAM = fileURLToPath(new URL('./fetch.ts', import.meta.url))
const missing = whyNoMultipath() ?? whyNoNetworks()

interface Scene {
  readonly near: Network
  readonly server: RunningServer
  /** What the server has as `a.bin`. */
  readonly content: Buffer
}

async function twoPaths(multipath: boolean, content: Buffer = CONTENT): Promise<Scene> {
  const [near, far] = [await network(), await network()]
  await joinByTwoPaths(near, far)
  const server = await useServer('pyftpdlib', { multipath, networkOf: far.pid, address: '10.9.1.2' })
  server.write('a.bin', content)
  return { near, server, content }
}

async function network(): Promise<Network> {
  const made = await Network.create()
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made
}

/** Fetches the file in the near network; gives what came of it when the bytes are right. */
async function fetched(
  { near, server, content }: Scene,
  onProgress: (bytes: number) => void = () => {},
): Promise<NonNullable<FetchReport['outcome']>> {
  await using folder = await temporaryDirectory()
  const { host, port, user, password } = server
  const request: FetchRequest = { host, port, user, password, remote: 'a.bin', local: folder.at('a.bin') }
  const loader = ['--import', import.meta.resolve('tsx')]
  const [program, ...parameters] = near.command(process.execPath, ...loader, PROGRAM, JSON.stringify(request))
  const child = spawn(program, parameters, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let outcome: FetchReport['outcome']
  child.on('message', (report: FetchReport) => {
    outcome = report.outcome
    onProgress(report.bytes)
  })
  await once(child, 'exit')
  if (outcome?.result === undefined) throw new Error(outcome?.error ?? 'it ended without a word')
  expect((await readFile(folder.at('a.bin'))).equals(content)).toBe(true)
  return outcome
}

describe.skipIf(missing)(`two paths to a server (${missing ?? 'they are there'})`, () => {
  test('one connection uses both', async () => {
    const scene = await twoPaths(true)
    const { connections, lost } = await fetched(scene)
    expect(lost).toEqual([])
    expect(connections.map(told)).toEqual(['control mptcp', 'data mptcp'])
    expect(await scene.near.received('path1')).toBeGreaterThan(MIB / 2)
    expect(await scene.near.received('path2')).toBeGreaterThan(MIB / 2)
  })

  test.each([
    ['the path of the first packet', 'path1', 'path2'],
    ['the path that was added', 'path2', 'path1'],
  ])('a transfer outlives %s, on the connections that it has', async (_which, dying, other) => {
    const scene = await twoPaths(true, LONG)
    const { near } = scene
    let death: Promise<number> | undefined
    const kill = async (): Promise<number> => {
      await near.run('ip', 'link', 'set', dying, 'down')
      return near.received(other)
    }
    const { connections, lost } = await fetched(scene, (bytes) => {
      if (bytes > MIB) death ??= kill()
    })
    const atDeath = await death
    expect(lost).toEqual([])
    expect(connections.map(told)).toEqual(['control mptcp', 'data mptcp'])
    expect((await near.received(other)) - (atDeath ?? NaN)).toBeGreaterThan(MIB)
  })

  test('a server without it: the first path alone', async () => {
    const scene = await twoPaths(false)
    const { connections } = await fetched(scene)
    expect(connections.map(told)).toEqual(['control tcp', 'data tcp'])
    expect(await scene.near.received('path2')).toBeLessThan(MIB / 2)
  })

  test('a system without it: plain TCP, and why', async () => {
    const scene = await twoPaths(true)
    await scene.near.run('sh', '-c', 'echo 0 >/proc/sys/net/mptcp/enabled')
    const { connections } = await fetched(scene)
    expect(connections.map(told)).toEqual(['control tcp', 'data tcp'])
    expect(connections[0]?.reason).toBe('this system has no Multipath TCP for us (ENOPROTOOPT)')
  })
})

function told({ purpose, protocol }: MptcpConnection): string {
  return `${purpose} ${protocol}`
}
