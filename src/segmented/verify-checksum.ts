/**
 * Whether a finished file is the right one by its checksums: those that the caller expects, and the server's.
 *
 * Reads the local file once for all of them. Knows no session: it is handed the question to the server.
 */
import { inspect } from 'node:util'
import { FtpError, FtpTransferError } from '../errors.ts'
import { hashFile, type HashProgress } from '../local/hash-file.ts'
import { CHECKSUM_ALGORITHMS, CHECKSUM_DIGITS, type ChecksumAlgorithm } from '../protocol/checksum.ts'
import { onAbort } from '../util/abort.ts'
import { optionsObject } from '../util/validate.ts'

type Digests = Partial<Record<ChecksumAlgorithm, string>>

/** Digests in hexadecimal, in any case. */
export type ExpectedChecksums = Readonly<Partial<Record<ChecksumAlgorithm, string | undefined>>>

export interface ChecksumOptions {
  /** `'auto'` compares with the server's own checksum where it offers one, whatever else is expected. @default false */
  readonly checksum?: false | 'auto' | undefined
  /** Checksums known from elsewhere: every one that is given must match. @default none */
  readonly expect?: ExpectedChecksums | undefined
}

export interface ChecksumSettings {
  readonly checksum: false | 'auto'
  /** Lower case. */
  readonly expect: ExpectedChecksums
}

/** Throws a `TypeError` or `RangeError` that names the option: `verify.expect.sha256`. */
export function checksumSettings({ checksum, expect }: ChecksumOptions): ChecksumSettings {
  const given = optionsObject(expect, 'verify.expect', CHECKSUM_DIGITS)
  const digests: Digests = {}
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const digest = given[algorithm]
    if (digest !== undefined) digests[algorithm] = checkedDigest(algorithm, digest)
  }
  return Object.freeze({ checksum: checkedMode(checksum), expect: Object.freeze(digests) })
}

function checkedMode(value: unknown): false | 'auto' {
  if (value === undefined || value === false || value === 'auto') return value ?? false
  const message = `Option "verify.checksum" is ${inspect(value, { depth: 0 })}; it must be false or 'auto'`
  throw typeof value === 'string' ? new RangeError(message) : new TypeError(message)
}

function checkedDigest(algorithm: ChecksumAlgorithm, value: unknown): string {
  const digits = CHECKSUM_DIGITS[algorithm]
  const allowed = `it must be a string of ${digits} hexadecimal digits`
  if (typeof value !== 'string')
    throw new TypeError(`Option "verify.expect.${algorithm}" is ${inspect(value, { depth: 0 })}; ${allowed}`)
  if (/^[\da-f]+$/i.test(value) && value.length === digits) return value.toLowerCase()
  const shown = value.length > 150 ? `${value.slice(0, 147)}...` : value
  throw new RangeError(
    `Option "verify.expect.${algorithm}" is '${shown}' (${value.length} characters); ${allowed}`,
  )
}

export interface ServerChecksum {
  readonly algorithm: ChecksumAlgorithm
  /** Hexadecimal, in any case. */
  readonly value: string
}

export interface ChecksumVerification {
  readonly settings: ChecksumSettings
  /** The local path of the finished file. */
  readonly file: string
  /** The remote path, for errors. */
  readonly path?: string | undefined
  /**
   * Asks the server for the checksum of the whole file by the algorithm, or by the strongest it has where
   * `undefined`. `undefined` where it cannot tell. It heeds the signal.
   */
  readonly ask: (
    algorithm: ChecksumAlgorithm | undefined,
    signal: AbortSignal,
  ) => Promise<ServerChecksum | undefined>
  /** What the server will be asked for, if it is known (`strongestShared`): both sides then read at once. */
  readonly offered?: ChecksumAlgorithm | undefined
  readonly signal?: AbortSignal | undefined
  /** Of the reading of the local file. */
  readonly onProgress?: ((progress: HashProgress) => void) | undefined
}

/** What was compared; of several the caller's own, and of those the strongest. A mismatch is never a result. */
export type ChecksumResult =
  | {
      readonly state: 'matched'
      readonly algorithm: ChecksumAlgorithm
      readonly value: string
      readonly origin: 'expected' | 'server'
    }
  | { readonly state: 'unavailable' | 'not asked' }

/**
 * Rejects with `ERR_FTP_CHECKSUM_MISMATCH` for a wrong file, `ERR_FTP_LOCAL_FILE` where it cannot be read, or with
 * the signal's reason. A server that cannot be asked, or that is lost on the way, is `'unavailable'`.
 */
export async function verifyChecksum(verification: ChecksumVerification): Promise<ChecksumResult> {
  const { settings, signal } = verification
  const expected = CHECKSUM_ALGORITHMS.filter((algorithm) => settings.expect[algorithm] !== undefined)
  const [strongest] = expected
  if (strongest === undefined && settings.checksum === false) return { state: 'not asked' }
  signal?.throwIfAborted()
  const { server, digests } = await bothSides(verification, expected)
  for (const algorithm of expected) {
    compare(verification, { algorithm, value: settings.expect[algorithm] ?? '' }, digests, 'expected')
  }
  if (server !== undefined) compare(verification, server, digests, 'server')
  const algorithm = strongest ?? server?.algorithm
  const value = algorithm && digests[algorithm]
  if (algorithm === undefined || value === undefined) return { state: 'unavailable' }
  return { state: 'matched', algorithm, value, origin: strongest === undefined ? 'server' : 'expected' }
}

interface Sides {
  readonly server: ServerChecksum | undefined
  readonly digests: Digests
}

/** Asks and reads; whichever fails first ends the other, and both are over when this is. */
async function bothSides(
  verification: ChecksumVerification,
  expected: readonly ChecksumAlgorithm[],
): Promise<Sides> {
  const { settings, offered, signal } = verification
  const ending = new AbortController()
  const stopListening = onAbort(signal, (reason) => ending.abort(reason))
  const orEnd = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      ending.abort(error)
      throw error
    }
  }
  try {
    const asking = settings.checksum === 'auto' ? askServer(verification, ending.signal) : undefined
    // Without knowing what it will tell, the file would have to be read a second time for it.
    const first = offered === undefined && asking !== undefined ? (await asking)?.algorithm : offered
    const wanted = asking === undefined || first === undefined ? expected : [...expected, first]
    const reading = orEnd(read(verification, wanted, ending.signal))
    const [told, sum] = await Promise.allSettled([asking && orEnd(asking), reading])
    signal?.throwIfAborted()
    if (sum.status === 'rejected') throw sum.reason
    if (told.status === 'rejected') throw told.reason
    return await completed(verification, { server: told.value, digests: sum.value }, ending.signal)
  } finally {
    stopListening()
  }
}

/** A server may answer by another algorithm than it offered. */
async function completed(
  verification: ChecksumVerification,
  sides: Sides,
  signal: AbortSignal,
): Promise<Sides> {
  const { server, digests } = sides
  if (server === undefined || digests[server.algorithm] !== undefined) return sides
  return { server, digests: { ...digests, ...(await read(verification, [server.algorithm], signal)) } }
}

/** The file is whole by all other counts: a connection that is lost now makes it no worse. */
async function askServer(
  { ask, offered }: ChecksumVerification,
  signal: AbortSignal,
): Promise<ServerChecksum | undefined> {
  try {
    return await ask(offered, signal)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof FtpError) return undefined
    throw error
  }
}

async function read(
  { file, onProgress }: ChecksumVerification,
  algorithms: readonly ChecksumAlgorithm[],
  signal: AbortSignal,
): Promise<Digests> {
  return algorithms.length === 0 ? {} : await hashFile(file, algorithms, { signal, onProgress })
}

function compare(
  { file, path = file }: ChecksumVerification,
  { algorithm, value }: ServerChecksum,
  digests: Digests,
  origin: 'expected' | 'server',
): void {
  const [expected, actual] = [value.toLowerCase(), digests[algorithm]]
  if (actual === expected) return
  const other = origin === 'server' ? `the server says ${expected}` : `${expected} was expected`
  const message = `The ${algorithm} of ${path} is ${String(actual)}, where ${other}`
  throw new FtpTransferError('ERR_FTP_CHECKSUM_MISMATCH', message, { path, expected, actual })
}
