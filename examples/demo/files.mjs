import { createHash, randomFill } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'

const BLOCK_BYTES = 2 ** 20

/** Random, so that bytes at the wrong place cannot look right. */
async function* randomBlocks(size) {
  for (let made = 0; made < size; made += BLOCK_BYTES) {
    yield await promisify(randomFill)(Buffer.allocUnsafe(Math.min(BLOCK_BYTES, size - made)))
  }
}

export async function makeRandomFile(path, size, signal) {
  await pipeline(randomBlocks(size), createWriteStream(path), { signal })
}

/** Of the whole file, as it lies on the disk; in hex. */
export async function sha256(path, signal) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: BLOCK_BYTES }), hash, { signal })
  return hash.digest('hex')
}
