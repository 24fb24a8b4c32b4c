/** Removal of a directory with everything in it, links as links; or a count of what that would remove. */
import { lstat, readdir, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeName } from '../protocol/text.ts'
import { allOf } from './all-of.ts'
import { isMissing } from './local-error.ts'
import { systemPath } from './system-path.ts'

/** What is done with each that is found, a directory after what is in it. */
interface Work {
  readonly toDirectory: (path: string) => Promise<void>
  readonly toOther: (path: string) => Promise<void>
}

const REMOVE: Work = {
  toDirectory: (path) => rmdir(systemPath(path)),
  toOther: (path) => unlink(systemPath(path)),
}

const COUNT: Work = {
  toDirectory: () => Promise.resolve(),
  toOther: () => Promise.resolve(),
}

const AT_ONCE = 16

/** How many files, links and directories are gone, itself among them; 0 where nothing stands there. */
export function removeTree(path: string): Promise<number> {
  return visit(path, REMOVE)
}

/** How many {@link removeTree} would remove. */
export function countTree(path: string): Promise<number> {
  return visit(path, COUNT)
}

async function visit(path: string, work: Work): Promise<number> {
  try {
    const facts = await lstat(systemPath(path))
    return await (facts.isDirectory() ? visitDirectory(path, work) : visitOther(path, work))
  } catch (error) {
    if (isMissing(error)) return 0
    throw error
  }
}

async function visitDirectory(path: string, work: Work): Promise<number> {
  const names = await readdir(systemPath(path), { encoding: 'buffer', withFileTypes: true })
  const within = names.map((entry) => ({
    path: join(path, decodeName(entry.name)),
    isDirectory: entry.isDirectory(),
  }))
  const others = within.filter(({ isDirectory }) => !isDirectory)
  const counts = await allOf(others, AT_ONCE, (entry) => visitOther(entry.path, work))
  // One after the other, or the number at once would grow with the depth.
  for (const entry of within) if (entry.isDirectory) counts.push(await visit(entry.path, work))
  await work.toDirectory(path)
  return counts.reduce((sum, count) => sum + count, 1)
}

async function visitOther(path: string, work: Work): Promise<number> {
  try {
    await work.toOther(path)
    return 1
  } catch (error) {
    // Another program was faster.
    if (isMissing(error)) return 0
    throw error
  }
}
