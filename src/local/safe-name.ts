/**
 * Which names of a server can be names of local files, and which would lead elsewhere. Pure.
 *
 * A backslash or a drive letter is refused only where it means something: on Linux `a\b` and `C:` are names like any
 * other. Bytes that are not UTF-8 are kept by `decodeName` as lone surrogates; Linux takes them as those bytes,
 * macOS (APFS) refuses them, and Windows would make another name of them.
 */
import { encodeText } from '../protocol/text.ts'

/** In bytes of UTF-8 (ext4, XFS, APFS), on Windows in UTF-16 units (NTFS). */
const LONGEST_NAME = 255

const LONE_SURROGATE = /\p{Surrogate}/u
// eslint-disable-next-line no-control-regex -- Windows refuses them, and a console acts on them.
const NOT_ON_WINDOWS = /[<>"|?*\u0000-\u001f]/
/** They mean the device in every folder, whatever stands behind a dot, and with blanks before that. */
const WINDOWS_DEVICE = /^(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³]|CONIN\$|CONOUT\$) *(?:\.|$)/i

/** Why `name` is no name of one thing in a directory but a path, or nothing; `undefined` if it is one. */
export function escapingName(name: string, platform: NodeJS.Platform): string | undefined {
  if (name === '') return 'it is empty'
  if (name === '.' || name === '..') return 'it means another directory'
  if (name.includes('/')) return 'it holds a slash'
  if (name.includes('\0')) return 'it holds a NUL'
  if (platform !== 'win32') return undefined
  if (name.includes('\\')) return 'it holds a backslash, which separates directories on Windows'
  if (name.includes(':')) return 'it holds a colon, which is for drives and alternate streams on Windows'
  return undefined
}

/**
 * Why `name`, which a server has sent, cannot be the name of a local file: it would lead elsewhere, mean a device, or is
 * not to be had on that system. `undefined` if it can. Mirrors ask it of every name; ask it before a name from a listing
 * becomes a part of a local path.
 * @param platform that of this process by default
 * @returns a reason for people, such as `'it holds a slash'`
 */
export function unsafeName(name: string, platform: NodeJS.Platform = process.platform): string | undefined {
  const escaping = escapingName(name, platform)
  if (escaping !== undefined) return escaping
  if (platform === 'win32') return unsafeOnWindows(name)
  if (platform === 'darwin' && name.includes(':')) return 'it holds a colon, which macOS shows as a slash'
  return unsafeBytes(name, platform)
}

function unsafeOnWindows(name: string): string | undefined {
  if (LONE_SURROGATE.test(name)) return NOT_UTF_8
  if (NOT_ON_WINDOWS.test(name)) return 'it holds a character that Windows does not allow in names'
  // Windows leaves them out, which makes it the name of another file.
  if (/[. ]$/.test(name)) return 'it ends in a dot or a blank, which Windows leaves out'
  if (WINDOWS_DEVICE.test(name)) return 'it is the name of a device on Windows'
  return name.length > LONGEST_NAME ? TOO_LONG : undefined
}

function unsafeBytes(name: string, platform: NodeJS.Platform): string | undefined {
  if (platform !== 'linux' && LONE_SURROGATE.test(name)) return NOT_UTF_8
  // No character of UTF-16 takes more than three bytes.
  if (name.length * 3 <= LONGEST_NAME && !LONE_SURROGATE.test(name)) return undefined
  try {
    return encodeText(name).length > LONGEST_NAME ? TOO_LONG : undefined
  } catch {
    return 'it holds half a character, which stands for no bytes'
  }
}

const TOO_LONG = 'it is too long'
const NOT_UTF_8 = 'it is not UTF-8, as names have to be on this system'
