/** One cell of the TLS matrix: what program.mjs is told, and what it reports; run under one Node. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ServerSecurity } from '../servers/types.ts'

const PROGRAM = fileURLToPath(new URL('./program.mjs', import.meta.url))
/** Tells a cell that hangs from one that ends, however busy the machine is. Milliseconds. */
export const CELL_TIMEOUT_MS = 180_000

/** A file of the server, by its path and what it holds. */
export interface ServerFile {
  readonly path: string
  readonly sha256: string
}

export interface Cell {
  /** Of this cell among those that use the same server. */
  readonly id: string
  /** The library's `index.js`, as a `file:` URL. */
  readonly library: string
  readonly server: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly password: string
    readonly security: ServerSecurity
  }
  /** PEM of the authority to trust. */
  readonly ca: string
  /** The server's folder, in which the cell looks after its uploads. */
  readonly root: string
  /** A folder for what is downloaded. */
  readonly folder: string
  readonly files: {
    readonly listed: { readonly path: string; readonly names: readonly string[] }
    readonly small: ServerFile
    readonly segmented: ServerFile
    readonly large: { readonly path: string }
  }
  /** How many data connections are made at least. */
  readonly dataConnections: number
  /** How many operations run at a time. */
  readonly lanes: number
}

export interface Report {
  /** The version of Node that it ran under. */
  readonly node: string
  /** How many of each kind ended as they should. */
  readonly operations: Readonly<Record<'list' | 'small' | 'segmented' | 'upload' | 'aborted', number>>
  readonly dataConnections: number
  /** Those of them whose handshake was done. */
  readonly secured: number
  /** Those of them that resumed a session. */
  readonly resumed: number
  /** Sessions and tickets that came from the server, by whatever connection. */
  readonly sessionsGiven: number
  /** Data connections that a segmented download ended before the server had sent everything. */
  readonly earlyEnds: number
  readonly protocols: readonly string[]
  readonly controlConnections: number
  /** Why control connections were lost. */
  readonly lost: readonly string[]
  /** Replies by which the server took no data connection, or no login. */
  readonly refused: readonly string[]
  /** Why something was tried again. */
  readonly retries: readonly string[]
  /** Operations that did not end as they should. */
  readonly failures: readonly string[]
  /** Files and listings that were not what they should be. */
  readonly wrong: readonly string[]
}

/** Runs a cell to its end. Rejects with what it wrote if there is no report. */
export async function runCell(node: string, cell: Cell): Promise<Report> {
  const child = spawn(node, [PROGRAM, JSON.stringify(cell)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: CELL_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = await new Promise<string>((resolve, reject) =>
    child.once('error', reject).once('close', (code, signal) => resolve(String(code ?? signal))),
  )
  if (ended !== '0') throw new Error(`The program ended with ${ended}: ${output}${errors}`)
  return JSON.parse(output) as Report
}
