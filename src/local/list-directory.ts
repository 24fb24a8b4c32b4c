/** What is in a local directory, with what a mirror compares. */
import { lstatSync, type Stats } from 'node:fs'
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { decodeName } from '../protocol/text.ts'
import { allOf } from './all-of.ts'
import { hasCode, isMissing, readError } from './local-error.ts'
import { isOwnName } from './names.ts'
import type { PromptCalls } from './prompt-calls.ts'
import { parentOf } from './real-directories.ts'
import { systemPath } from './system-path.ts'
import type { TreeEntry } from './tree-entry.ts'

/** Four threads of Node's serve them; the others wait in a queue, which must not grow with the directory. */
const LOOKS_AT_ONCE = 16
/** Where they are made at once: then others in the process have their turn. */
const LOOKS_IN_TURN = 100

export interface Listed {
  readonly root: string
  readonly relativePath: string
  readonly followLinks: boolean
  readonly prompt: PromptCalls
}

/** `undefined` where the directory is missing. */
export async function listDirectory(listed: Listed): Promise<TreeEntry[] | undefined> {
  const path = join(listed.root, listed.relativePath)
  try {
    const names = (await readdir(systemPath(path), { encoding: 'buffer' })).map(decodeName)
    const wanted = names.filter((name) => !isOwnName(name))
    const seen = await seenAtOnce(path, wanted, listed.prompt)
    const others = wanted.filter((name) => !seen.has(name))
    const entries = await allOf(others, LOOKS_AT_ONCE, (name) => unlessGone(entryOf(path, name, listed)))
    return [...seen.values(), ...entries.filter((entry) => entry !== undefined)]
  } catch (error) {
    if (isMissing(error)) return undefined
    throw readError(error, path)
  }
}

/** One thing in a directory; `undefined` where it is missing. */
export async function lookAt(directory: string, name: string): Promise<TreeEntry | undefined> {
  try {
    return await unlessGone(
      entryOf(directory, name, { root: directory, relativePath: '', followLinks: false }),
    )
  } catch (error) {
    throw readError(error, join(directory, name))
  }
}

/** What can be told of at once: what is no link, and has not gone. */
async function seenAtOnce(
  directory: string,
  names: readonly string[],
  prompt: PromptCalls,
): Promise<ReadonlyMap<string, TreeEntry>> {
  const seen = new Map<string, TreeEntry>()
  if (!(await prompt.mayBeAt(directory))) return seen
  for (const [index, name] of names.entries()) {
    if (prompt.isResting) break
    if (index % LOOKS_IN_TURN === LOOKS_IN_TURN - 1) await nextTurn()
    const path = systemPath(join(directory, name))
    const facts = prompt.make(() => lstatSync(path, { throwIfNoEntry: false }))
    if (facts !== undefined && !facts.isSymbolicLink()) seen.set(name, describe(name, facts))
  }
  return seen
}

/** What is removed between the look into the directory and the look at itself is not there. */
async function unlessGone(entry: Promise<TreeEntry>): Promise<TreeEntry | undefined> {
  try {
    return await entry
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function entryOf(directory: string, name: string, listed: Omit<Listed, 'prompt'>): Promise<TreeEntry> {
  const path = join(directory, name)
  const facts = await lstat(systemPath(path))
  if (!facts.isSymbolicLink()) return describe(name, facts)
  const behind = listed.followLinks ? await followed(path, listed) : undefined
  if (behind !== undefined) return describe(name, behind)
  const target = decodeName(await readlink(systemPath(path), { encoding: 'buffer' }))
  return { ...describe(name, facts), target }
}

function describe(name: string, facts: Stats): TreeEntry {
  const type = typeOf(facts)
  const size = type === 'file' ? facts.size : undefined
  const modifiedMs = Math.floor(facts.mtimeMs)
  return { name, type, size, modifiedMs, precision: 'millisecond', target: undefined }
}

function typeOf(facts: Stats): TreeEntry['type'] {
  if (facts.isFile()) return 'file'
  if (facts.isDirectory()) return 'directory'
  return facts.isSymbolicLink() ? 'symlink' : 'other'
}

/** What the link leads to; `undefined` where that is nothing, or a directory that the listing has come through. */
async function followed(
  path: string,
  { root, relativePath }: Omit<Listed, 'prompt'>,
): Promise<Stats | undefined> {
  try {
    const facts = await stat(systemPath(path))
    if (!facts.isDirectory()) return facts
    const real = await realText(path)
    for (let above = relativePath; ; above = parentOf(above)) {
      if ((await realText(join(root, above))) === real) return undefined
      if (above === '') return facts
    }
  } catch (error) {
    if (hasCode(NOWHERE, error)) return undefined
    throw error
  }
}

async function realText(path: string): Promise<string> {
  return decodeName(await realpath(systemPath(path), { encoding: 'buffer' }))
}

/** A link to what is missing, to itself, or to what is not ours to see. */
const NOWHERE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM'])
