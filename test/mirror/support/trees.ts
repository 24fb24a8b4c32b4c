/** Trees on disk, as data: what is made of them, and what is there. Names may be bytes that are no text. */
import type { Stats } from 'node:fs'
import { chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { textCodec } from '../../../src/protocol/text-codec.ts'
import { sessionAccount } from '../../servers/accounts.ts'

const { decode, encode } = textCodec('utf-8')

/** By path, from the root, names joined by `/`: the bytes of a file, `null` for a directory. */
export type Tree = Readonly<Record<string, string | Buffer | null>>

/** What is there at a path: a digest of a file's bytes, or where a link leads. */
export interface Found {
  readonly type: 'file' | 'directory' | 'symlink' | 'other'
  readonly content: string
  /** In seconds. Of files alone. */
  readonly modified: number | undefined
}

export const LONG_AGO = new Date('2020-02-29T12:34:56Z')

/** Makes files and directories below `root`; each file has the time `modified`. Servers may change them. */
export function plant(root: string, tree: Tree, modified: Date = LONG_AGO): void {
  makeDirectories(Buffer.from(root))
  for (const [path, content] of Object.entries(tree)) {
    const at = pathOf(root, path)
    makeDirectories(content === null ? at : parentOf(at))
    if (content === null) continue
    writeFileSync(at, content)
    utimesSync(at, modified, modified)
    giveToSessions(at)
  }
}

/** Makes a symbolic link. */
export function plantLink(root: string, path: string, target: string): void {
  makeDirectories(parentOf(pathOf(root, path)))
  symlinkSync(target, pathOf(root, path))
}

/** All that is below `root`, by path. */
export function inspect(root: string): Record<string, Found> {
  const found: Record<string, Found> = {}
  const look = (directory: Buffer, path: string): void => {
    for (const bytes of readdirSync(directory, { encoding: 'buffer' })) {
      const at = Buffer.concat([directory, Buffer.from('/'), bytes])
      const relative = path === '' ? decode(bytes) : `${path}/${decode(bytes)}`
      const facts = lstatSync(at)
      found[relative] = describe(at, facts)
      if (facts.isDirectory()) look(at, relative)
    }
  }
  look(Buffer.from(root), '')
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The same without times. */
export function contents(root: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(inspect(root)).map(([path, { type, content }]) => [path, `${type} ${content}`]),
  )
}

export function pathOf(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), encode(path)])
}

export function removeAt(root: string, path: string): void {
  const at = pathOf(root, path)
  if (lstatSync(at).isDirectory()) rmSync(at, { recursive: true })
  else unlinkSync(at)
}

function describe(at: Buffer, facts: Stats): Found {
  if (facts.isSymbolicLink()) return { type: 'symlink', content: readlinkSync(at), modified: undefined }
  if (facts.isDirectory()) return { type: 'directory', content: '', modified: undefined }
  if (!facts.isFile()) return { type: 'other', content: '', modified: undefined }
  const bytes = readFileSync(at)
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  return { type: 'file', content: `${bytes.length} ${digest}`, modified: Math.floor(facts.mtimeMs / 1_000) }
}

/** Those above it too. */
function makeDirectories(at: Buffer): void {
  if (isThere(at)) return
  makeDirectories(parentOf(at))
  mkdirSync(at)
  giveToSessions(at)
}

function isThere(at: Buffer): boolean {
  return lstatSync(at, { throwIfNoEntry: false }) !== undefined
}

function parentOf(at: Buffer): Buffer {
  return at.subarray(0, at.lastIndexOf(0x2f))
}

function giveToSessions(at: Buffer): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = sessionAccount()
  chownSync(at, uid, gid)
}
