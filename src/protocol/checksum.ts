/**
 * The checksum commands of servers, none of which is an RFC: HASH (draft-bryan-ftpext-hash-02), MD5 and MMD5
 * (draft-twine-ftpmd5-00), and XCRC, XMD5, XSHA… by custom. Which of them gives which algorithm, how a path goes
 * out, and what the replies mean. Pure.
 */
import type { ServerFeatures } from './features.ts'
import { isCompletion, type Reply } from './reply.ts'

/** Checksums that both Node and servers can make. `crc32` is that of zlib, gzip and ZIP. */
export type ChecksumAlgorithm = 'crc32' | 'md5' | 'sha1' | 'sha256' | 'sha512'

/** Hexadecimal digits of each. */
export const CHECKSUM_DIGITS: Readonly<Record<ChecksumAlgorithm, number>> = Object.freeze({
  crc32: 8,
  md5: 32,
  sha1: 40,
  sha256: 64,
  sha512: 128,
})

/** All of them, the best choice first: SHA-512 is no safer than SHA-256 here, and slower on most machines. */
export const CHECKSUM_ALGORITHMS: readonly ChecksumAlgorithm[] = Object.freeze([
  'sha256',
  'sha512',
  'sha1',
  'md5',
  'crc32',
])

export function isChecksumAlgorithm(value: unknown): value is ChecksumAlgorithm {
  return CHECKSUM_ALGORITHMS.includes(value as ChecksumAlgorithm)
}

/** One way to ask a server for one algorithm. */
export type ChecksumCommand =
  | {
      readonly verb: 'HASH'
      /** The algorithm as the server spells it, for `OPTS HASH`. */
      readonly name: string
      /** The algorithm in force after a login, as the server spells it; `undefined` where FEAT does not say. */
      readonly current: string | undefined
    }
  | { readonly verb: Exclude<ChecksumVerb, 'HASH'> }

export type ChecksumVerb =
  'HASH' | 'XSHA512' | 'XSHA256' | 'XSHA1' | 'XSHA' | 'XMD5' | 'XCRC' | 'MD5' | 'MMD5'

const VERBS: Readonly<Record<ChecksumAlgorithm, readonly Exclude<ChecksumVerb, 'HASH'>[]>> = {
  crc32: ['XCRC'],
  md5: ['XMD5', 'MD5', 'MMD5'],
  sha1: ['XSHA1', 'XSHA'],
  sha256: ['XSHA256'],
  sha512: ['XSHA512'],
}

/**
 * How this server can be asked for `algorithm`, the best way first; none where FEAT lists none: a server that
 * has no such command may take a long path for one and answer anything.
 */
export function checksumCommands(features: ServerFeatures, algorithm: ChecksumAlgorithm): ChecksumCommand[] {
  const names = hashNames(features)
  const name = names.all.find((listed) => algorithmNamed(listed) === algorithm)
  const commands: ChecksumCommand[] = VERBS[algorithm]
    .filter((verb) => features.has(verb))
    .map((verb) => ({ verb }))
  return name === undefined ? commands : [{ verb: 'HASH', name, current: names.current }, ...commands]
}

/** The best algorithm that this server offers (SHA-256, SHA-512, SHA-1, MD5, CRC32), if it offers any. */
export function strongestShared(features: ServerFeatures): ChecksumAlgorithm | undefined {
  return CHECKSUM_ALGORITHMS.find((algorithm) => checksumCommands(features, algorithm).length > 0)
}

/** `HASH SHA-256;SHA-512;SHA-1*;MD5`: the star is on the one in force (draft-bryan-ftpext-hash-02 §3.1). */
function hashNames(features: ServerFeatures): { all: string[]; current: string | undefined } {
  const listed = (features.value('HASH') ?? '').split(/[;\s]+/).filter((name) => name !== '')
  const bare = (name: string): string => name.replaceAll('*', '')
  const current = listed.find((name) => name.includes('*'))
  return { all: listed.map(bare).filter((name) => name !== ''), current: current && bare(current) }
}

/** `SHA-256`, `sha256` or `SHA_256`; `undefined` for one that is not ours (`WHIRLPOOL`). */
export function algorithmNamed(name: string): ChecksumAlgorithm | undefined {
  const plain = name.toLowerCase().replace(/[-_]/g, '')
  if (plain === 'sha') return 'sha1'
  if (plain === 'crc') return 'crc32'
  return isChecksumAlgorithm(plain) ? plain : undefined
}

/** What a 213 to HASH says: `SHA-256 0-49 <hex> filename.ext`. */
export interface HashAnswer {
  readonly name: string
  /** The bytes that were hashed, as the server counts them; `undefined` where it does not say. */
  readonly range: { readonly start: number; readonly end: number } | undefined
  /** Lower case. */
  readonly value: string
}

// Drafts before draft-ietf-ftpext2-hash-01, as FileZilla Server and Cerberus have them, know no range; FileZilla
// Server leaves the name out, too.
const HASH_ANSWER = /^(\S+) (?:(\d+)-(\d+) )?([\da-f]+)(?: .*)?$/is

/** `undefined` for any other reply, and for a digest that is not as long as its algorithm makes it. */
export function parseHashReply(reply: Reply): HashAnswer | undefined {
  if (!isCompletion(reply)) return undefined
  // The answer is behind lines that keep the connection busy (§3), and those that ProFTPD announces it by.
  for (const line of textLines(reply).reverse()) {
    const [, name = '', start, end, hex = ''] = HASH_ANSWER.exec(line) ?? []
    const algorithm = algorithmNamed(name)
    const value = algorithm && digest(hex, algorithm)
    if (value === undefined) continue
    const range = start === undefined ? undefined : { start: Number(start), end: Number(end) }
    return { name, range, value }
  }
  return undefined
}

/**
 * The digest in the reply to an X command, MD5 or MMD5, in lower case; a CRC32 with the zeros that some servers
 * leave out. `undefined` if there is none, or two that differ.
 *
 *   250 F321A3…    250-Computing SHA1 digest    250 XCRC 1A2B3C4D    213 f321a3…    251 "a.bin" A6D1E8…
 *                  250 F321A3…
 *
 * @param path as it was sent: its name may be a digest, too, and servers repeat it
 */
export function parseDigestReply(
  reply: Reply,
  algorithm: ChecksumAlgorithm,
  path: string,
): string | undefined {
  if (!isCompletion(reply)) return undefined
  const found = new Set<string>()
  for (const line of textLines(reply)) {
    const value = digestAlone(line, algorithm) ?? digestAlone(withoutPath(line, path), algorithm)
    if (value !== undefined) found.add(value)
  }
  const [value] = found
  return found.size === 1 ? value : undefined
}

/** A line that is a digest, with or without the name of what it is before it. */
function digestAlone(text: string, algorithm: ChecksumAlgorithm): string | undefined {
  const [, label = '', hex = ''] = /^(?:([a-z][\w-]*)[\s:=]+)?(?:0x)?([\da-f]+)$/i.exec(text) ?? []
  if (label !== '' && algorithmNamed(label.replace(/^x/i, '')) !== algorithm) return undefined
  return digest(hex, algorithm)
}

/** Servers put the path before the digest (draft-twine-ftpmd5-00), or behind it, bare or in quotes. */
function withoutPath(text: string, path: string): string {
  const forms = [path, `"${path}"`]
  for (const form of forms) {
    if (text.startsWith(`${form} `)) return text.slice(form.length).trim()
    if (text.endsWith(` ${form}`)) return text.slice(0, -form.length).trim()
  }
  // As the server calls it: only in quotes can its end be known.
  return text.replace(/^"[^"]*"\s|\s"[^"]*"$/, '').trim()
}

function digest(hex: string, algorithm: ChecksumAlgorithm): string | undefined {
  const digits = CHECKSUM_DIGITS[algorithm]
  if (hex === '' || !/^[\da-f]+$/i.test(hex)) return undefined
  const whole = algorithm === 'crc32' ? hex.padStart(digits, '0') : hex
  return whole.length === digits ? whole.toLowerCase() : undefined
}

function textLines(reply: Reply): string[] {
  return reply.lines.map((line) => line.replace(/^\d{3}-/, '').trim())
}

const BLANK = 0x20
const QUOTE = 0x22
const COMMA = 0x2c

/**
 * The forms in which a path can stand behind an X command, MD5 or MMD5, the likeliest first. These commands take
 * a range behind the path (`XCRC a.bin 0 9`), so that one with blanks is quoted: ProFTPD and Serv-U want it so,
 * while others take a quote for a part of the name and want it bare. None where no form would be safe: bare,
 * `report 5 9` is a part of `report`, and a comma separates the paths of an MMD5.
 */
export function checksumPaths(verb: ChecksumVerb, path: Uint8Array): Uint8Array[] {
  if (verb === 'MMD5' && path.includes(COMMA)) return []
  if (!path.includes(BLANK)) return [path]
  const bare = endsInNumber(path) ? [] : [path]
  return path.includes(QUOTE) ? bare : [Uint8Array.of(QUOTE, ...path, QUOTE), ...bare]
}

function endsInNumber(path: Uint8Array): boolean {
  const last = path.subarray(path.lastIndexOf(BLANK) + 1)
  return last.every((byte) => byte >= 0x30 && byte <= 0x39)
}

/** What a deadline for a checksum grows by: servers hash at 20 MB a second at the very least. */
const BYTES_PER_SECOND = 20_000_000

/** How long a server may take to hash `bytes`, in milliseconds: `baseMs` and 1,000 for each 20 MB. */
export function checksumDeadline(baseMs: number, bytes: number): number {
  return baseMs + Math.ceil((bytes / BYTES_PER_SECOND) * 1_000)
}
