/** Directories on the way of a walk, and where links lead. Pure. */
import { FtpProtocolError } from '../errors.ts'
import type { Entry } from '../listing/entry.ts'
import { printable } from '../protocol/text.ts'

export interface Place {
  /** Empty for the directory of the login. */
  readonly path: string
  /** 0 where the walk begins. */
  readonly depth: number
  readonly above: Place | undefined
  /** As its entry tells it; not of a link, of which some tell its own, and some (ProFTPD) that of what it leads to. */
  readonly unique: string | undefined
  /** Of a link that may lead to a directory, and where its entry says that it leads. */
  readonly link: { readonly target: string | undefined } | undefined
  /** The directory that it is, links above it resolved; `undefined` where nobody has asked. */
  readonly real: string | undefined
}

/** The path of a name in a directory, as servers on Unix write it. */
export function pathIn(directory: string, name: string): string {
  return directory === '' || directory.endsWith('/') ? directory + name : `${directory}/${name}`
}

/** Where an entry of a directory leads. */
export function placeOf(entry: Entry, path: string, above: Place): Place {
  const { name, target } = entry
  const link = entry.type === 'symlink' ? { target } : undefined
  const unique = link === undefined ? entry.unique : undefined
  const real = above.real === undefined ? undefined : pathIn(above.real, name)
  return { path, depth: above.depth + 1, above, unique, link, real }
}

/**
 * The directory above a place, that the place is as well: a server that tells of links what they lead to (pyftpdlib)
 * shows it by the same `unique` (RFC 3659 §7.5.2).
 */
export function sameAbove(place: Place): Place | undefined {
  if (place.unique === undefined) return undefined
  let above = place.above
  while (above !== undefined && above.unique !== place.unique) above = above.above
  return above
}

/** Where a link in `directory` leads by what it says itself, `.` and `..` resolved. */
export function resolvedTarget(directory: string, target: string): string {
  const names: string[] = []
  for (const name of `${target.startsWith('/') ? '' : directory}/${target}`.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return `/${names.join('/')}`
}

/** Deeper than any tree of people; a link that the server does not tell could go on for ever. */
export const DEEPEST = 64
const LONGEST_SHOWN = 200

export function loopError(place: Place, above: Place): FtpProtocolError {
  const [shown, same] = [place, above].map(({ path }) => printable(path, LONGEST_SHOWN))
  return endless(`"${shown}" is "${same}" once more: it is not entered`, place.path)
}

export function depthError(path: string): FtpProtocolError {
  const message = `The directories are nested deeper than ${DEEPEST}: option "maxDepth" allows more, or less without an error`
  return endless(message, path)
}

export function widthError(place: Place, most: number): FtpProtocolError {
  return endless(`More than ${most} directories wait to be listed: the rest is not entered`, place.path)
}

function endless(message: string, path: string): FtpProtocolError {
  const received = printable(path, LONGEST_SHOWN)
  return new FtpProtocolError('ERR_FTP_LISTING_TOO_LARGE', message, { received })
}
