import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { VirtualFile } from './pattern-file.ts'

const PIECE = 1 << 20

/** The digest of a file on disk, in hex. */
export async function hashOf(path: string, algorithm: string = 'sha256'): Promise<string> {
  const hash = createHash(algorithm)
  await pipeline(createReadStream(path, { highWaterMark: PIECE }), hash)
  return hash.digest('hex')
}

/** The digest a file would have if it were written out. */
export function hashOfVirtual(file: VirtualFile, algorithm: string = 'sha256'): string {
  const hash = createHash(algorithm)
  const buffer = Buffer.allocUnsafe(PIECE)
  for (let at = 0; at < file.size; at += PIECE) {
    hash.update(file.content(at, Math.min(PIECE, file.size - at), buffer))
  }
  return hash.digest('hex')
}
