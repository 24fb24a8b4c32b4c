/** Trees for clients to fetch, send or list, and whether they did it rightly. */
import { randomFillSync } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sha256, writeRandomFile } from './files.ts'

/** What a tree is like. */
export interface TreeShape {
  readonly folders: number
  /** How deep the folders are nested, each in one of as many as every one has. @default 1 */
  readonly depth?: number
  /** Small ones of about 4 KB, spread over the folders in turn. */
  readonly files: number
  /** Bytes of more files, in the folders in turn. */
  readonly large?: readonly number[]
}

/** A tree that has been made. */
export interface Tree {
  readonly folder: string
  /** Below `folder`, names joined by `/`, in the order in which they were made. */
  readonly folders: readonly string[]
  readonly files: readonly TreeFile[]
  /** Of all files. */
  readonly bytes: number
  /** Contents that are compared: of some small files, and of all large ones. */
  readonly samples: ReadonlyMap<string, string>
}

export interface TreeFile {
  readonly path: string
  readonly size: number
  /** Of the last change; no two have the same. */
  readonly modifiedSeconds: number
}

const SMALL_BYTES = 4096
/** Some below, some above. */
const SIZE_SPREAD = 512
const SAMPLES = 50
/** Long ago, so that LIST tells the day alone, as it does of most files of people. */
const FIRST_TIME_SECONDS = Date.UTC(2024, 0, 1) / 1000
const BETWEEN_TIMES_SECONDS = 61

export async function makeTree(folder: string, shape: TreeShape): Promise<Tree> {
  const { folders, files } = namesOf(shape)
  mkdirSync(folder)
  for (const path of folders) mkdirSync(join(folder, path))
  const noise = randomFillSync(Buffer.allocUnsafe(2 * SMALL_BYTES))
  for (const file of files) writeTreeFile(join(folder, file.path), file, noise)
  const samples = new Map<string, string>()
  const step = Math.ceil(shape.files / SAMPLES)
  for (const [index, { path }] of files.entries()) {
    if (index % step === 0 || index >= shape.files) samples.set(path, await sha256(join(folder, path)))
  }
  return { folder, folders, files, bytes: files.reduce((sum, { size }) => sum + size, 0), samples }
}

function namesOf({ folders: count, depth = 1, files: smallFiles, large = [] }: TreeShape): {
  readonly folders: readonly string[]
  readonly files: readonly TreeFile[]
} {
  const each = Math.ceil(count ** (1 / depth))
  const folders: string[] = []
  for (let index = 0; index < count; index++) {
    const above = folders[Math.floor(index / each) - 1]
    const name = `folder-${index}`
    folders.push(above === undefined ? name : `${above}/${name}`)
  }
  const smallSize = (index: number): number => SMALL_BYTES - SIZE_SPREAD / 2 + ((index * 37) % SIZE_SPREAD)
  const sizes = [...Array.from({ length: smallFiles }, (_, index) => smallSize(index)), ...large]
  const files = sizes.map((size, index) => {
    const path = `${folders[index % count] ?? ''}/file-${index}.dat`
    return { path, size, modifiedSeconds: FIRST_TIME_SECONDS + index * BETWEEN_TIMES_SECONDS }
  })
  return { folders, files }
}

/** Small files share their noise, but the first bytes are each one's own. */
function writeTreeFile(at: string, { path, size, modifiedSeconds }: TreeFile, noise: Buffer): void {
  if (size > noise.length) writeRandomFile(at, size)
  else writeFileSync(at, Buffer.concat([Buffer.from(path), noise]).subarray(0, size), { mode: 0o644 })
  utimesSync(at, modifiedSeconds, modifiedSeconds)
}

/** A tree with the same names, sizes and times, and nothing but zeros in the files. */
export function writeHollowCopy({ folders, files }: Tree, folder: string): void {
  mkdirSync(folder)
  for (const path of folders) mkdirSync(join(folder, path))
  for (const file of files) writeHollowFile(join(folder, file.path), file)
}

export function writeHollowFile(at: string, { size, modifiedSeconds }: TreeFile): void {
  mkdirSync(dirname(at), { recursive: true })
  writeFileSync(at, Buffer.alloc(size), { mode: 0o644 })
  utimesSync(at, modifiedSeconds, modifiedSeconds)
}

/** @returns what is wrong with the names and the sizes of a copy, or undefined */
export function whatDiffers({ folders, files }: Tree, copy: string): string | undefined {
  if (!existsSync(copy)) return 'no tree'
  const expected = new Map<string, number | undefined>(files.map(({ path, size }) => [path, size]))
  for (const path of folders) expected.set(path, undefined)
  for (const entry of readdirSync(copy, { recursive: true, withFileTypes: true })) {
    const at = join(entry.parentPath, entry.name)
    const path = at.slice(copy.length + 1)
    if (!expected.has(path)) return `${path} is too much`
    const size = entry.isDirectory() ? undefined : statSync(at).size
    if (size !== expected.get(path)) return `${path}: ${size} bytes instead of ${expected.get(path)}`
    expected.delete(path)
  }
  const [missing] = expected.keys()
  return missing === undefined ? undefined : `${expected.size} are missing, the first is ${missing}`
}

/** @returns what is wrong with the contents of a copy that has all the names, or undefined */
export async function whatReadsWrong({ samples }: Tree, copy: string): Promise<string | undefined> {
  for (const [path, expected] of samples) {
    if ((await sha256(join(copy, path))) !== expected) return `${path}: wrong bytes`
  }
  return undefined
}
