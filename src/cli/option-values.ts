/** Values of options, read from what was typed. Each throws a `UsageError` that says what is allowed. */
import { UsageError } from './failures.ts'
import { parseSize } from './text/sizes.ts'

export function connectionCount(text: string): number | 'auto' {
  return text === 'auto' ? text : whole(text, 1, 64, 'a number from 1 to 64, or auto')
}

/** Bytes a second. */
export function rate(text: string): number {
  const bytes = parseSize(text)
  if (bytes === undefined || bytes < 1)
    throw new UsageError('it has to be a speed, such as 500k, 2M or 1.5MiB/s')
  return bytes
}

export function seconds(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new UsageError('it has to be a number of seconds, above 0')
  return value
}

export function count(text: string): number {
  return whole(text, 0, Number.MAX_SAFE_INTEGER, 'a whole number, 0 or more')
}

/** Like {@link count}, or none at all. */
export function countOrAll(text: string): number {
  return text === 'all' ? Infinity : whole(text, 0, Number.MAX_SAFE_INTEGER, 'a whole number, or all')
}

export function date(text: string): Date {
  const value = new Date(text)
  if (Number.isNaN(value.getTime()))
    throw new UsageError('it has to be a date, such as 2026-01-31 or 2026-01-31T12:00Z')
  return value
}

/** An option that may be given several times. */
export function each(text: string, previous: unknown): readonly string[] {
  return [...((previous as readonly string[] | undefined) ?? []), text]
}

export interface ChecksumOption {
  /** Compare with that of the server. */
  readonly auto: boolean
  /** Hexadecimal, by algorithm. */
  readonly expected: Readonly<Record<string, string>>
}

/** `auto`, or `sha256=…`; several times for several algorithms. */
export function checksum(text: string, previous: unknown): ChecksumOption {
  const { auto, expected } = (previous as ChecksumOption | undefined) ?? { auto: false, expected: {} }
  if (text === 'auto') return { auto: true, expected }
  const [, algorithm, value] = /^(sha-?512|sha-?256|sha-?1|md5|crc-?32)[=:]([\da-f]+)$/i.exec(text) ?? []
  if (algorithm === undefined || value === undefined) {
    throw new UsageError('it has to be auto, or ALGORITHM=HEX with sha512, sha256, sha1, md5 or crc32')
  }
  return { auto, expected: { ...expected, [algorithm.toLowerCase().replace('-', '')]: value } }
}

function whole(text: string, least: number, most: number, allowed: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`it has to be ${allowed}`)
}
