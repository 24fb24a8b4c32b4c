import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { VirtualFile } from './pattern-file.ts'

const PIECE = 1 << 20

/**
 * The offset at which a file on disk first differs from what it should be; `undefined` if it is equal to its
 * last byte. A file that is too short or too long differs where the shorter one ends.
 */
export async function firstDifference(path: string, expected: VirtualFile): Promise<number | undefined> {
  const handle = await open(path)
  try {
    return await compare(handle, expected)
  } finally {
    await handle.close()
  }
}

async function compare(handle: FileHandle, expected: VirtualFile): Promise<number | undefined> {
  const read = Buffer.allocUnsafe(PIECE)
  const wanted = Buffer.allocUnsafe(PIECE)
  for (let at = 0; ;) {
    const { bytesRead } = await handle.read(read, 0, PIECE, at)
    const should = expected.content(at, Math.min(PIECE, Math.max(0, expected.size - at)), wanted)
    const length = Math.min(bytesRead, should.length)
    const is = read.subarray(0, length)
    if (!is.equals(should.subarray(0, length))) return at + is.findIndex((byte, i) => byte !== should[i])
    at += length
    if (length > 0) continue
    return bytesRead === should.length ? undefined : at
  }
}
