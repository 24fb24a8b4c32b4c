/** Paths as servers on Unix write them, as text or as bytes. Pure. */
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
