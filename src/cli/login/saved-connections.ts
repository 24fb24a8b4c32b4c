/**
 * Saved connections: a file of our own, and OctopusFTP's, which is only read. Where both have a name, ours goes first.
 *
 *   { "work": { "host": "ftp.example.org", "port": 21, "user": "octo", "password": "", "ssl": true } }
 *
 * `ssl` is explicit TLS; `implicit` beside it makes it implicit, which OctopusFTP does not know. A file that cannot be
 * read is never written.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { LocalFailure, UsageError } from '../failures.ts'

export interface SavedConnection {
  readonly host: string
  readonly port: number
  readonly user: string
  /** Empty: none is saved. */
  readonly password: string
  readonly ssl: boolean
  readonly implicit?: boolean
}

export interface FoundConnection {
  readonly name: string
  readonly connection: SavedConnection
  readonly file: string
}

type Connections = Readonly<Record<string, SavedConnection>>

/** Where they are saved: by `OCTOFTP_CONNECTIONS`, or in the folder that the system has for such files. */
export function connectionsFile(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment['OCTOFTP_CONNECTIONS']
  if (named !== undefined && named !== '') return named
  const { XDG_CONFIG_HOME: configured = '', APPDATA: roaming = '' } = environment
  if (process.platform === 'win32' && roaming !== '') return join(roaming, 'octoftp', 'connections.json')
  return join(configured === '' ? join(homedir(), '.config') : configured, 'octoftp', 'connections.json')
}

function octopusFile(): string {
  return join(homedir(), '.octopusftp', 'connections.json')
}

/** All of them, by name. */
export async function savedConnections(): Promise<FoundConnection[]> {
  const found = new Map<string, FoundConnection>()
  for (const file of [octopusFile(), connectionsFile()]) {
    for (const [name, connection] of Object.entries(await readConnections(file)))
      found.set(name, { name, connection, file })
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name))
}

export async function saveConnection(name: string, connection: SavedConnection): Promise<void> {
  checkName(name)
  const file = connectionsFile()
  await writeConnections(file, { ...(await readConnections(file)), [name]: connection })
}

/** Removes one of our own file. */
export async function removeConnection(name: string): Promise<void> {
  const file = connectionsFile()
  const { [name]: removed, ...others } = await readConnections(file)
  if (!isObject(removed)) {
    const elsewhere = (await savedConnections()).find((one) => one.name === name)
    const where = elsewhere === undefined ? '' : `; there is one in ${elsewhere.file}, which is only read`
    throw new UsageError(`No connection "${name}" is saved in ${file}${where}`)
  }
  await writeConnections(file, others)
}

/** A name stands before a colon, where a single letter would be a drive. */
export function checkName(name: string): void {
  if (/^[\w.@-]{2,}$/.test(name)) return
  throw new UsageError('The name of a connection has two or more of these: letters, digits, . _ - @')
}

async function readConnections(file: string): Promise<Connections> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new LocalFailure(`The saved connections cannot be read: ${(error as Error).message}`)
  }
  return parseConnections(text, file)
}

/** @throws LocalFailure that quotes nothing of it: there may be passwords in it */
function parseConnections(text: string, file: string): Connections {
  const wrong = (what: string): LocalFailure =>
    new LocalFailure(`${file} holds no saved connections: ${what}. Mend it or move it away`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrong('it is no JSON')
  }
  if (!isObject(value)) throw wrong('it is no object')
  const entries = Object.entries(value).map(([name, given]) => {
    if (!isObject(given) || typeof given['host'] !== 'string' || given['host'] === '')
      throw wrong(`"${name}" has no host`)
    return [name, connectionOf(given, given['host'])]
  })
  return Object.fromEntries(entries) as Connections
}

/** OctopusFTP writes what was typed: a port may be text. */
function connectionOf(given: Readonly<Record<string, unknown>>, host: string): SavedConnection {
  const { port, user, password, ssl, implicit } = given
  const number = Number(port)
  return {
    host,
    port: Number.isInteger(number) && number > 0 && number < 65_536 ? number : implicit === true ? 990 : 21,
    user: typeof user === 'string' ? user : '',
    password: typeof password === 'string' ? password : '',
    ssl: ssl === true,
    ...(implicit === true && { implicit }),
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Under another name first: whoever reads it sees the old ones or the new ones. */
async function writeConnections(file: string, connections: Connections): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify(connections, undefined, 2)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw new LocalFailure(`The connections cannot be saved: ${(error as Error).message}`)
  }
}
