/** One call from "a vsftpd with TLS" to a server that accepts connections. */
import { X509Certificate } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, isIPv6, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { certificate as testCertificate, type Certificate } from '../support/certificates.ts'
import { sessionAccount } from './accounts.ts'
import { installedFile, whyUnavailable } from './installation.ts'
import { ftpSrv } from './kinds/ftp-srv.ts'
import type { Kind } from './kinds/kind.ts'
import { proftpd } from './kinds/proftpd.ts'
import { pureFtpd } from './kinds/pure-ftpd.ts'
import { pyftpdlib } from './kinds/pyftpdlib.ts'
import { vsftpd } from './kinds/vsftpd.ts'
import { canMount } from './mounts.ts'
import { runServer, type ServerProcess } from './process.ts'
import type { Launch, RunningServer, ServerKind, ServerOptions, Setup } from './types.ts'

const kinds: Readonly<Record<ServerKind, Kind>> = {
  vsftpd,
  proftpd,
  'pure-ftpd': pureFtpd,
  pyftpdlib,
  'ftp-srv': ftpSrv,
}

/** Why this kind of server has no such thing on any machine, or undefined if it does. */
export function whyRefused(kind: ServerKind, options: ServerOptions): string | undefined {
  if (options.multipath === true && kind !== 'pyftpdlib') return 'it stops under mptcpize'
  return kinds[kind].refuses(options, canMount())
}

/** Asks the system for a port. Another process may take it before the server does: the start is then repeated. */
export async function freePort(address: string): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject).listen(0, address, resolve)
  })
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** A folder that sessions of another account can reach. */
export function scratchFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'octoftp-server-')))
  chmodSync(folder, 0o755)
  return folder
}

/** A root inside it, that sessions may write into. */
function freshRoot(scratch: string): string {
  const root = join(scratch, 'root')
  mkdirSync(root)
  giveToSessions(root)
  return root
}

function giveToSessions(path: string): void {
  const { uid, gid } = sessionAccount()
  if (process.getuid?.() === 0) chownSync(path, uid, gid)
}

function writeCertificates(scratch: string, { key, cert, ca }: Certificate): void {
  writeFileSync(join(scratch, 'ca.pem'), ca)
  writeFileSync(join(scratch, 'key.pem'), key, { mode: 0o600 })
  writeFileSync(join(scratch, 'cert.pem'), cert)
  writeFileSync(join(scratch, 'bundle.pem'), key + cert, { mode: 0o600 })
}

function certificateKind(cert: string): 'rsa' | 'ec' {
  return new X509Certificate(cert).publicKey.asymmetricKeyType === 'ec' ? 'ec' : 'rsa'
}

async function prepare(options: ServerOptions, certificate: Certificate): Promise<Setup> {
  const address = options.address ?? '127.0.0.1'
  // In a network of its own every port is free.
  const port = await freePort(options.networkOf === undefined ? address : '127.0.0.1')
  const scratch = scratchFolder()
  writeCertificates(scratch, certificate)
  return {
    tls: options.tls ?? 'none',
    requireReuse: options.requireReuse ?? false,
    tlsVersion: options.tlsVersion,
    bytesPerSecondPerConnection: options.bytesPerSecondPerConnection,
    maxConnections: options.maxConnections ?? 200,
    readOnly: options.readOnly ?? false,
    anonymous: options.anonymous ?? false,
    user: options.user ?? 'octo',
    password: options.password ?? 'open sesame',
    passivePorts: options.passivePorts,
    root: options.root ?? freshRoot(scratch),
    address,
    port,
    scratch,
    keyFile: join(scratch, 'key.pem'),
    certificateFile: join(scratch, 'cert.pem'),
    bundleFile: join(scratch, 'bundle.pem'),
    certificateKind: certificateKind(certificate.cert),
    account: sessionAccount(),
    ownMounts: canMount(),
  }
}

/** `mptcpize run` does the same, with a library that is installed. */
function inSurroundings(launch: Launch, { multipath = false, networkOf }: ServerOptions): Launch {
  const preloaded = multipath ? { LD_PRELOAD: installedFile('mptcpize', 'libmptcpwrap.so.0') } : {}
  const entered = networkOf === undefined ? [] : ['nsenter', `--net=/proc/${networkOf}/ns/net`, '--']
  return { ...launch, command: [...entered, ...launch.command], env: { ...launch.env, ...preloaded } }
}

function readLogs(files: readonly string[]): string {
  return files
    .map((file) => {
      try {
        return readFileSync(file, 'utf8')
      } catch {
        return '' // nothing was logged yet
      }
    })
    .join('')
}

class Server implements RunningServer {
  readonly kind: ServerKind
  readonly tls: Setup['tls']
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly root: string
  readonly ca: string
  readonly #setup: Setup
  readonly #process: ServerProcess
  readonly #logFiles: readonly string[]
  #stopped: Promise<void> | undefined
  #lastLog: string | undefined

  constructor(kind: ServerKind, setup: Setup, launch: Launch, process: ServerProcess, ca: string) {
    this.kind = kind
    this.tls = setup.tls
    this.host = setup.address
    this.port = setup.port
    this.user = setup.user
    this.password = setup.password
    this.root = setup.root
    this.ca = ca
    this.#setup = setup
    this.#process = process
    this.#logFiles = launch.logFiles ?? []
  }

  get pid(): number {
    return this.#process.pid
  }

  get scratch(): string {
    return this.#setup.scratch
  }

  get url(): string {
    const scheme = { none: 'ftp', explicit: 'ftpes', implicit: 'ftps' }[this.tls]
    return `${scheme}://${isIPv6(this.host) ? `[${this.host}]` : this.host}:${this.port}`
  }

  log(): string {
    return this.#lastLog ?? this.#process.output() + readLogs(this.#logFiles)
  }

  write(path: string, data: string | Uint8Array): string {
    const file = join(this.root, path)
    this.makeDirectory(dirname(path))
    writeFileSync(file, data)
    giveToSessions(file)
    return file
  }

  makeDirectory(path: string): string {
    const folder = join(this.root, path)
    const first = mkdirSync(folder, { recursive: true })
    for (let made = folder; first !== undefined && made.length >= first.length; made = dirname(made))
      giveToSessions(made)
    return folder
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    await this.#process.stop(() => (this.#lastLog = this.log()))
    rmSync(this.#setup.scratch, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

export const portTaken = /in use|EADDRINUSE|could not bind/i

/** @returns the server, or what it said when it did not come up */
async function tryStart(kind: ServerKind, options: ServerOptions): Promise<Server | string> {
  const certificate = options.certificate ?? (await testCertificate())
  const setup = await prepare(options, certificate)
  const launch = inSurroundings(kinds[kind].launch(setup), options)
  const process = await runServer(launch, setup.scratch)
  const server = new Server(kind, setup, launch, process, certificate.ca)
  const failed = process.ended.then((status) => `exit status ${status}\n${server.log()}`)
  const failure = await Promise.race([failed, process.listening(setup.port).then(() => undefined)])
  if (failure === undefined) return server
  await process.stop(() => undefined)
  rmSync(setup.scratch, { recursive: true, force: true })
  return failure
}

/**
 * Starts a server on a free port. When the promise resolves it accepts connections; `stop()` ends it, and so
 * does the death of this process, however it comes.
 *
 * @throws Error with the reason where this machine or this kind of server cannot do what is asked (ask
 * {@link whyUnavailable} and {@link whyRefused} first), or with the server's log if it did not start.
 */
export async function startServer(kind: ServerKind, options: ServerOptions = {}): Promise<RunningServer> {
  const reason = whyUnavailable(kind) ?? whyRefused(kind, options)
  if (reason !== undefined) throw new Error(`${kind} cannot be started: ${reason}`)
  let started: Server | string = ''
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    started = await tryStart(kind, options)
    if (typeof started !== 'string') return started
    if (!portTaken.test(started)) break
  }
  throw new Error(`${kind} did not start: ${started}`)
}
