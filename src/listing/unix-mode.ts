/** What a line of `ls -l` begins with: `-rw-r--r--`, `drwxrwsr-x+`, `131105 lrwxrwxrwx`. */
import type { EntryType } from './entry.ts'
import { isBlank, isDigit, skipBlanks, skipDigits } from './scan.ts'

export interface UnixMode {
  readonly type: EntryType
  /** Devices have two numbers where others have a size. */
  readonly isDevice: boolean
  readonly permissions: string | undefined
  /** Behind it and its mark. */
  readonly end: number
}

/** Devices, pipes, sockets, doors, external links, and what else some `ls` knows. */
const OTHER_TYPES = 'bcpsDneCMPw?'
const DEVICES = 'bc'

/** All that `chmod` can set. */
const PERMISSIONS = 'rwxsStT-'
/** What else stands there: mandatory locking, and the attributes of DOS. */
const OTHER_LETTERS = 'lLAHR'
const LENGTH = 9
/** Some servers lose one. */
const SHORTEST = 8
/** An access control list, extended attributes, a security context. */
const MARKS = '+@.'

const PERMISSION = 1
const OTHER = 2
const KINDS = new Uint8Array(128)
for (const letter of PERMISSIONS) KINDS[letter.charCodeAt(0)] = PERMISSION
for (const letter of OTHER_LETTERS) KINDS[letter.charCodeAt(0)] = OTHER

/** `undefined` for a line that begins with none. */
export function readMode(line: string): UnixMode | undefined {
  const start = skipNumber(line)
  const type = typeOf(line.charAt(start))
  if (type === undefined) return undefined
  const lettersEnd = endOfLetters(line, start + 1)
  const length = lettersEnd - start - 1
  if (length < SHORTEST) return undefined
  const hasMark = lettersEnd < line.length && MARKS.includes(line.charAt(lettersEnd))
  const end = hasMark ? lettersEnd + 1 : lettersEnd
  // A number of links that fills its column has no blank before it.
  const next = line.charCodeAt(end)
  if (!isBlank(next) && !isDigit(next)) return undefined
  const isWhole = length === LENGTH && arePermissions(line, start + 1, lettersEnd)
  const permissions = isWhole ? line.slice(start + 1, lettersEnd) : undefined
  return { type, isDevice: DEVICES.includes(line.charAt(start)), permissions, end }
}

function endOfLetters(line: string, start: number): number {
  let end = start
  while (end < start + LENGTH && (KINDS[line.charCodeAt(end)] ?? 0) > 0) end++
  return end
}

function arePermissions(line: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (KINDS[line.charCodeAt(at)] !== PERMISSION) return false
  }
  return true
}

/** Past the number that `ls -i` and `ls -s` print before the mode. */
function skipNumber(line: string): number {
  const start = skipBlanks(line, 0)
  return skipBlanks(line, skipDigits(line, start))
}

function typeOf(letter: string): EntryType | undefined {
  if (letter === '-') return 'file'
  if (letter === 'd') return 'directory'
  if (letter === 'l') return 'symlink'
  return letter !== '' && OTHER_TYPES.includes(letter) ? 'other' : undefined
}
