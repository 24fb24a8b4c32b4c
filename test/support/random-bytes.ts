import { createCipheriv, createHash } from 'node:crypto'

/** `size` bytes without pattern, always the same for one seed. */
export function randomBytes(size: number, seed: string | number = 0): Buffer {
  const key = createHash('sha256').update(String(seed)).digest().subarray(0, 16)
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}
