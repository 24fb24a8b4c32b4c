/** Saved connections: in a file of our own, and in OctopusFTP's, which is only read. Where both have a name, ours goes first. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { LocalFailure, UsageError } from '../failures.ts'
import { changeRecords, connectionOf, readRecords, type SavedConnection } from './connections-file.ts'

export interface FoundConnection {
  readonly name: string
  readonly connection: SavedConnection
  readonly file: string
}

export interface SavedConnections {
  /** In the order of their names. */
  readonly connections: readonly FoundConnection[]
  /** Why others cannot be used, for people: one that is damaged is no reason to do without the rest. */
  readonly troubles: readonly string[]
}

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

/** All of them. Never rejects. */
export async function savedConnections(): Promise<SavedConnections> {
  const found = new Map<string, FoundConnection>()
  const troubles: string[] = []
  for (const file of new Set([octopusFile(), connectionsFile()])) {
    try {
      for (const [name, record] of Object.entries(await readRecords(file))) {
        const connection = connectionOf(record)
        if (connection === undefined) troubles.push(`"${name}" in ${file} has no host`)
        else found.set(name, { name, connection, file })
      }
    } catch (error) {
      troubles.push((error as Error).message)
    }
  }
  return {
    connections: [...found.values()].sort((a, b) => a.name.localeCompare(b.name)),
    troubles,
  }
}

/** @throws UsageError where there is none of this name */
export async function savedConnection(name: string): Promise<SavedConnection> {
  const { connections, troubles } = await savedConnections()
  const found = connections.find((one) => one.name === name)
  if (found !== undefined) return found.connection
  const missing = `No connection "${name}" is saved (octoftp connections list shows them); a URL begins with ftp://, ftpes:// or ftps://`
  throw new UsageError([missing, ...troubles].join('. '))
}

export async function saveConnection(name: string, connection: SavedConnection): Promise<void> {
  checkName(name)
  await changeRecords(ownFile(), (records) => ({ ...records, [name]: connection }))
}

/** Removes one of our own file. */
export async function removeConnection(name: string): Promise<void> {
  const file = ownFile()
  const { connections } = await savedConnections()
  await changeRecords(file, (records) => {
    if (Object.hasOwn(records, name))
      return Object.fromEntries(Object.entries(records).filter(([one]) => one !== name))
    const elsewhere = connections.find((one) => one.name === name)
    const where = elsewhere === undefined ? '' : `; there is one in ${elsewhere.file}, which is only read`
    throw new UsageError(`No connection "${name}" is saved in ${file}${where}`)
  })
}

/** A name stands before a colon, where a single letter would be a drive. */
export function checkName(name: string): void {
  if (/^[\w.@-]{2,}$/.test(name)) return
  throw new UsageError('The name of a connection has two or more of these: letters, digits, . _ - @')
}

/** To be written. */
function ownFile(): string {
  const file = connectionsFile()
  if (resolve(file) !== octopusFile()) return file
  throw new LocalFailure(`${file} is that of OctopusFTP, and only read: name another by OCTOFTP_CONNECTIONS`)
}
