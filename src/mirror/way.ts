/** By which directories of the source a mirror has come to one of them, and what they really are. Pure. */
import type { FtpProtocolError } from '../errors.ts'
import { DEEPEST, depthError } from '../operations/walk-place.ts'

/** What tells a directory from others, whatever it is called. Unknown is `undefined`. */
export interface Identity {
  /** Its path on the server, links resolved. */
  readonly real: string | undefined
  /** As listings tell it. */
  readonly unique: string | undefined
}

export interface Way extends Identity {
  /** From the root of the mirror. */
  readonly path: string
  readonly above: Way | undefined
}

export const UNKNOWN: Identity = Object.freeze({ real: undefined, unique: undefined })

/** What is below a directory, of which nothing else is known. */
export function below({ real }: Way, name: string, unique: string | undefined): Identity {
  if (real === undefined) return { real, unique }
  return { real: real.endsWith('/') ? real + name : `${real}/${name}`, unique }
}

/** The directory on the way in which a directory is, or which it is once more: to enter it would have no end. */
export function cameThrough(way: Way, { real, unique }: Identity): Way | undefined {
  for (let at: Way | undefined = way; at !== undefined; at = at.above) {
    if (unique !== undefined && at.unique === unique) return at
    if (real !== undefined && at.real !== undefined && isAtOrAbove(real, at.real)) return at
  }
  return undefined
}

function isAtOrAbove(directory: string, path: string): boolean {
  return directory === path || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`)
}

/** Why a directory is not entered; `undefined` if it is not too deep, or `maxDepth` says how deep is. */
export function depthRefusal(path: string, maxDepth: number): FtpProtocolError | undefined {
  return maxDepth === Infinity && path.split('/').length > DEEPEST ? depthError(path) : undefined
}
