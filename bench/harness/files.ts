/** Files for clients to fetch, and whether they fetched them rightly. */
import { createHash, randomFillSync, type BinaryLike } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  existsSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** Random bytes: nothing on the way can compress them, and a piece in a wrong place shows. */
export function writeRandomFile(path: string, size: number): void {
  const chunk = Buffer.allocUnsafe(1 << 20)
  const file = openSync(path, 'w', 0o644)
  try {
    for (let left = size; left > 0; left -= chunk.length) {
      writeSync(file, randomFillSync(chunk), 0, Math.min(left, chunk.length))
    }
  } finally {
    closeSync(file)
  }
}

/**
 * A virtual machine gives freed memory back to its host and gets it again page by page, which costs whoever
 * touches it first up to ten times the copy itself. So all that a run will need is touched before it.
 */
export function warmMemory(path: string, bytes: number): void {
  const chunk = Buffer.alloc(1 << 20, 0x55)
  const file = openSync(path, 'w', 0o600)
  try {
    for (let left = bytes; left > 0; left -= chunk.length) writeSync(file, chunk)
  } finally {
    closeSync(file)
    rmSync(path)
  }
}

export function emptyFolder(path: string): void {
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true })
}

/** @returns what is wrong with a fetched file, or undefined */
export async function whatIsWrong(
  target: string,
  size: number,
  expected: string,
): Promise<string | undefined> {
  if (!existsSync(target)) return 'no file'
  const actual = statSync(target).size
  if (actual !== size) return `${actual} bytes instead of ${size}`
  return (await sha256(target)) === expected ? undefined : 'wrong bytes'
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(
    createReadStream(path, { highWaterMark: 1 << 20 }),
    async (chunks: AsyncIterable<BinaryLike>) => {
      for await (const chunk of chunks) hash.update(chunk)
    },
  )
  return hash.digest('hex')
}
