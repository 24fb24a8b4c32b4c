/**
 * A file of saved connections, ours or OctopusFTP's:
 *
 *   { "work": { "host": "ftp.example.org", "port": 21, "user": "octo", "password": "", "ssl": true } }
 *
 * `ssl` is explicit TLS; `implicit` beside it makes it implicit, which OctopusFTP does not know. What else is in it stays
 * when it is written. It is written under the name of its lock, which is then renamed: whoever reads sees the old ones or
 * the new ones, and of several that change it one waits for the other.
 */
import { mkdir, open, readFile, realpath, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LocalFailure } from '../failures.ts'

export interface SavedConnection {
  readonly host: string
  readonly port: number
  readonly user: string
  /** Empty: none is saved. */
  readonly password: string
  readonly ssl: boolean
  readonly implicit?: boolean
}

/** By name, as they are in the file. */
export type Records = Readonly<Record<string, unknown>>

const LOOK_MS = 50
/** A change takes some milliseconds. */
const PATIENCE_MS = 5_000

/**
 * None where there is no file.
 *
 * @throws LocalFailure that quotes nothing of the file: there may be passwords in it
 */
export async function readRecords(file: string): Promise<Records> {
  const wrong = (what: string): LocalFailure =>
    new LocalFailure(`${file} holds no saved connections: ${what}. Mend it or move it away`)
  let value: unknown
  try {
    value = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    if (error instanceof SyntaxError) throw wrong('it is no JSON')
    throw new LocalFailure(`The saved connections cannot be read: ${(error as Error).message}`)
  }
  if (!isObject(value)) throw wrong('it is no object')
  return value
}

/** `undefined` where it has no host. OctopusFTP writes what was typed: a port may be text. */
export function connectionOf(record: unknown): SavedConnection | undefined {
  if (!isObject(record) || typeof record['host'] !== 'string' || record['host'] === '') return undefined
  const { host, port, user, password, ssl, implicit } = record
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

/** Writes what `change` makes of it. A file that cannot be read is never written. */
export async function changeRecords(named: string, change: (records: Records) => Records): Promise<void> {
  // Where it is a link, what that leads to is written.
  const file = await realpath(named).catch(() => named)
  const lock = `${file}.lock`
  const handle = await locked(lock)
  try {
    const text = JSON.stringify(change(await readRecords(file)), undefined, 2)
    await handle.writeFile(`${text}\n`)
    await handle.sync()
    await handle.close()
    await rename(lock, file)
  } catch (error) {
    await handle.close().catch(() => {}) // It may be closed.
    await rm(lock, { force: true })
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : notSaved(error)
  }
}

async function locked(lock: string): Promise<FileHandle> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      await mkdir(dirname(lock), { recursive: true, mode: 0o700 })
      return await open(lock, 'wx', 0o600)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw notSaved(error)
    }
    if (performance.now() > deadline) {
      throw new LocalFailure(
        `The connections cannot be saved: another octoftp is saving some. If there is none, one has been killed: remove ${lock}`,
      )
    }
    await delay(LOOK_MS)
  }
}

function notSaved(error: unknown): LocalFailure {
  return new LocalFailure(`The connections cannot be saved: ${(error as Error).message}`)
}

function isObject(value: unknown): value is Records {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
