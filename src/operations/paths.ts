/** Paths as servers on Unix write them, as text or as bytes. Pure. */
import type { TextCodec } from '../protocol/text-codec.ts'
import type { RemotePath } from '../session/session.ts'

const SLASH = 0x2f

/** `a/b/c`: `a`, `a/b`. */
export function pathsAbove(path: RemotePath): RemotePath[] {
  const isSlash = (at: number): boolean => (typeof path === 'string' ? path[at] === '/' : path[at] === SLASH)
  const above: RemotePath[] = []
  for (let at = 1; at < path.length; at++) {
    const isEndOfName = isSlash(at) && !isSlash(at - 1) && at < path.length - 1
    if (isEndOfName) above.push(path.slice(0, at))
  }
  return above
}

/** The last name in a path, as text; `/` for the root. */
export function lastName(path: RemotePath, codec: TextCodec): string {
  const text = typeof path === 'string' ? path : codec.decode(path)
  const name = text.split('/').findLast((part) => part !== '')
  return name ?? '/'
}

/** The directory in which the last name is; `undefined` for the directory of the login. */
export function directoryOf(path: RemotePath): RemotePath | undefined {
  return pathsAbove(path).at(-1) ?? (isRooted(path) ? '/' : undefined)
}

function isRooted(path: RemotePath): boolean {
  return typeof path === 'string' ? path.startsWith('/') : path[0] === SLASH
}

/** A name in a directory. */
export function joined(directory: RemotePath, name: string, codec: TextCodec): RemotePath {
  if (typeof directory === 'string')
    return directory.endsWith('/') ? directory + name : `${directory}/${name}`
  return Uint8Array.of(...directory, ...(directory.at(-1) === SLASH ? [] : [SLASH]), ...codec.encode(name))
}

/** Whether it names something in its own directory. Another would lead elsewhere, or to the directory itself. */
export function isNameInDirectory(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/')
}
