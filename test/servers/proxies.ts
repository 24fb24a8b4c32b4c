/** Real proxies on free loopback ports, one call each, gone with the test that started them. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { installedFile, libraryPath, whyUnavailable } from './installation.ts'
import { runServer } from './process.ts'
import { freePort, portTaken, scratchFolder } from './start-server.ts'
import type { ProxyKind } from './types.ts'

export interface ProxyOptions {
  /** The login that it asks for. microsocks and tinyproxy only. Default: none. */
  readonly user?: string
  readonly password?: string
  /** Lines for its configuration. Not of microsocks. */
  readonly lines?: readonly string[]
}

export interface RunningProxy {
  readonly host: string
  readonly port: number
  /** What it wrote. */
  log(): string
  stop(): Promise<void>
}

interface Place {
  readonly port: number
  readonly scratch: string
}

/** Inside a test: starts a proxy for this test. */
export async function useProxy(kind: ProxyKind, options: ProxyOptions = {}): Promise<RunningProxy> {
  const proxy = await startProxy(kind, options)
  onTestFinished(() => proxy.stop())
  return proxy
}

async function startProxy(kind: ProxyKind, options: ProxyOptions = {}): Promise<RunningProxy> {
  const reason = whyUnavailable(kind)
  if (reason !== undefined) throw new Error(`${kind} cannot be started: ${reason}`)
  let failure = ''
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const started = await tryStart(kind, options)
    if (typeof started !== 'string') return started
    failure = started
    if (!portTaken.test(started)) break
  }
  throw new Error(`${kind} did not start: ${failure}`)
}

async function tryStart(kind: ProxyKind, options: ProxyOptions): Promise<RunningProxy | string> {
  const place = { port: await freePort(HOST), scratch: scratchFolder() }
  const command = [installedFile(kind, kind), ...commandLines[kind](place, options)]
  const process = await runServer({ command, env: { LD_LIBRARY_PATH: libraryPath() } }, place.scratch)
  const end = async (): Promise<void> => {
    await process.stop(() => undefined)
    rmSync(place.scratch, { recursive: true, force: true })
  }
  const failed = process.ended.then((status) => `exit status ${status}\n${process.output()}`)
  const failure = await Promise.race([failed, process.listening(place.port).then(() => undefined)])
  if (failure === undefined) return { host: HOST, port: place.port, log: () => process.output(), stop: end }
  await end()
  return failure
}

const HOST = '127.0.0.1'

const commandLines: Readonly<Record<ProxyKind, (place: Place, options: ProxyOptions) => readonly string[]>> =
  {
    microsocks({ port }, { user, password }) {
      const login = user === undefined ? [] : ['-u', user, '-P', password ?? '']
      return ['-i', HOST, '-p', `${port}`, ...login]
    },
    danted({ port, scratch }, { lines = [] }) {
      const file = configuration(scratch, [
        'logoutput: stderr',
        `internal: ${HOST} port = ${port}`,
        `external: ${HOST}`,
        'clientmethod: none',
        'socksmethod: none',
        'user.privileged: root',
        'user.unprivileged: nobody',
        'client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }',
        'socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 protocol: tcp }',
        ...lines,
      ])
      return ['-f', file, '-p', join(scratch, 'pid')]
    },
    tinyproxy({ port, scratch }, { user, password, lines = [] }) {
      const login = user === undefined ? [] : [`BasicAuth ${user} ${password}`]
      const settings = [`Port ${port}`, `Listen ${HOST}`, 'Timeout 600', 'MaxClients 100', 'LogLevel Info']
      return ['-d', '-c', configuration(scratch, [...settings, ...login, ...lines])]
    },
    'ftp-proxy'({ port, scratch }, { lines = [] }) {
      const settings = [
        'ServerType standalone',
        `Listen ${HOST}`,
        `Port ${port}`,
        `LogDestination ${join(scratch, 'log')}`,
      ]
      const more = ['[-Global-]', ...settings, `DestinationAddress ${HOST}`, 'AllowMagicUser yes']
      return ['-n', '-d', '-f', configuration(scratch, [...more, 'ForkLimit 1000', ...lines])]
    },
  }

function configuration(scratch: string, lines: readonly string[]): string {
  const file = join(scratch, 'proxy.conf')
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o644 })
  return file
}
