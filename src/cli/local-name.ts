/** Which names on a server can be those of files here. Pure. */
import { posix, win32 } from 'node:path'

/** Whatever stands behind a dot. */
const WINDOWS_DEVICE = /^(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³]) *(?:\.|$)/i

/** The last name in `path`, which is one of a server; `undefined` where a file cannot have it on `platform`. */
export function localName(path: string, platform: NodeJS.Platform = process.platform): string | undefined {
  const name = path.split('/').at(-1) ?? ''
  const isWindows = platform === 'win32'
  if (name === '' || name === '.' || name === '..' || name.includes('\0')) return undefined
  if ((isWindows ? win32 : posix).basename(name) !== name) return undefined
  return isWindows && (name.includes(':') || WINDOWS_DEVICE.test(name)) ? undefined : name
}
