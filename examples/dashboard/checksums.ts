/** What a file's checksum is, and whether it is the one that was expected. */
import { hashFile, type ChecksumAlgorithm, type DownloadResult, type ExpectedChecksums } from 'octoftp'
import { Refusal } from './failures.ts'
import type { Checksum } from './model.ts'

const ALGORITHMS: Readonly<Record<number, ChecksumAlgorithm>> = {
  8: 'crc32',
  32: 'md5',
  40: 'sha1',
  64: 'sha256',
  128: 'sha512',
}

/** By the number of its digits. */
function algorithmOf(digest: string): ChecksumAlgorithm {
  const algorithm = /^[\da-f]+$/i.test(digest) ? ALGORITHMS[digest.length] : undefined
  if (algorithm !== undefined) return algorithm
  throw new Refusal(
    400,
    'A checksum has 8, 32, 40, 64 or 128 hexadecimal digits (CRC-32, MD5, SHA-1, SHA-256, SHA-512)',
  )
}

/** Without blanks and in lower case; `undefined` for none. */
export function checkedDigest(given: string | undefined): string | undefined {
  const digest = given?.replaceAll(/\s/g, '').toLowerCase() ?? ''
  if (digest === '') return undefined
  algorithmOf(digest)
  return digest
}

export function expectation(expected: string | undefined): ExpectedChecksums {
  return expected === undefined ? {} : { [algorithmOf(expected)]: expected }
}

/** Of a finished file: what the download has compared, else what is computed now. */
export async function checksumOf(
  path: string,
  expected: string | undefined,
  result: Pick<DownloadResult, 'checksum'> | undefined,
  signal: AbortSignal,
): Promise<Checksum> {
  const matched = result?.checksum
  const isWhatWasAsked = expected === undefined || matched?.value === expected
  if (matched !== undefined && isWhatWasAsked) return { ...matched, outcome: 'matched' }
  const algorithm = expected === undefined ? 'sha256' : algorithmOf(expected)
  const { [algorithm]: value } = await hashFile(path, algorithm, { signal })
  if (expected === undefined) return { algorithm, value, outcome: 'computed', origin: undefined }
  return { algorithm, value, outcome: value === expected ? 'matched' : 'differs', origin: 'expected' }
}
