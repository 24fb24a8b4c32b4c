/**
 * Whether the end in `XCRC path start end` counts. No paper says, servers differ (ProFTPD: it does not), and a
 * wrong guess gives a checksum of something else. So the server shows it: there are only 256 checksums of one byte.
 */
import { createHash } from 'node:crypto'
import type { ChecksumAlgorithm } from '../protocol/checksum.ts'
import { lateModule } from '../util/late-modules.ts'

/** How the checksum of the part of a file from one number to the other is asked for. */
export type AskPart = (from: number, to: number) => Promise<string | undefined>

/** `undefined` where the server makes no checksums of parts. */
export async function countingOf(
  algorithm: ChecksumAlgorithm,
  ask: AskPart,
  at: number,
): Promise<'exclusive' | 'inclusive' | undefined> {
  const ofOneByte = new Set(Array.from({ length: 256 }, (_, byte) => checksumOfByte(algorithm, byte)))
  const isOneByte = (value: string | undefined): boolean => value !== undefined && ofOneByte.has(value)
  if (isOneByte(await ask(at, at + 1))) return 'exclusive'
  return isOneByte(await ask(at, at)) ? 'inclusive' : undefined
}

function checksumOfByte(algorithm: ChecksumAlgorithm, byte: number): string {
  const bytes = Uint8Array.of(byte)
  if (algorithm === 'crc32') return lateModule('node:zlib').crc32(bytes).toString(16).padStart(8, '0')
  return createHash(algorithm).update(bytes).digest('hex')
}
