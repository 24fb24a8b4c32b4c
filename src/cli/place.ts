/**
 * What people call a place on a server: a URL, or `NAME:PATH` of a saved connection. The path of either is relative to
 * the login directory; it begins at the root with a second slash in a URL, and with a first one behind `NAME:`.
 */
import { parseFtpUrl, type FtpUrl } from '../index.ts'
import { checked, UsageError } from './failures.ts'
import type { Output } from './output.ts'
import { isUrl } from './is-url.ts'
import { localName } from './local-name.ts'
import type { SavedConnection } from './login/connections-file.ts'
import { savedConnection } from './login/saved-connections.ts'

export interface Place {
  readonly url: FtpUrl
  /** What the library is given; without a password. */
  readonly href: string
  /** Of the URL or the saved connection, which say whose it is. */
  readonly password: string | undefined
  /** For people: without user and password. */
  readonly text: string
}

/** Whether it is a place on a server, rather than a local path: a file can always be written `./a:b`. */
export function isRemote(text: string): boolean {
  return isUrl(text) || SAVED.test(text)
}

const SAVED = /^([\w.@-]{2,}):(.*)$/s

/** @param warn told once if a password was readable by others */
export async function readPlace(text: string, warn: (message: string) => void): Promise<Place> {
  if (isUrl(text)) return placeOfUrl(text, warn)
  const [, name, path] = SAVED.exec(text) ?? []
  if (name === undefined || path === undefined) throw new UsageError(noPlace(text))
  const saved = await savedConnection(name)
  return placeOf(urlOfSaved(saved, path), saved.password)
}

function placeOfUrl(text: string, warn: (message: string) => void): Place {
  const url = checked(() => parseFtpUrl(text))
  if (url.password !== undefined && url.password !== '') {
    warn(
      'A password in a URL can be seen by other users of this machine, and stays in the history of the shell. Leave it out to be asked for it, or use OCTOFTP_PASSWORD, .netrc or octoftp connections',
    )
  }
  return { ...placeOf(withoutPassword(text), ''), password: url.password }
}

function placeOf(href: string, password: string): Place {
  const url = checked(() => parseFtpUrl(href))
  const text = href.replace(/^([^/]*\/\/)[^@/]*@/, '$1')
  return { url, href, text, password: password === '' ? undefined : password }
}

function withoutPassword(text: string): string {
  return text.replace(/^(\s*[a-z][a-z\d+.-]+:\/\/[^:@/]*):[^@/]*@/i, '$1@')
}

function urlOfSaved({ host, port, user, ssl, implicit }: SavedConnection, path: string): string {
  const scheme = implicit === true ? 'ftps' : ssl ? 'ftpes' : 'ftp'
  const login = user === '' ? '' : `${encodeURIComponent(user)}@`
  const address = host.includes(':') ? `[${host.replaceAll(/[[\]]/g, '')}]` : host
  return `${scheme}://${login}${address}:${port}/${path.replaceAll('%', '%25').replace(/;(?=type=)/gi, '%3B')}`
}

/** What was typed may be a password in the wrong place: it is shown only where there can be none. */
function noPlace(text: string): string {
  const hint = text.includes('@') || text === '' ? '' : `: did you mean ftp://${text}?`
  return `A place on a server is a URL (ftp://, ftpes:// or ftps://), or NAME:PATH of a saved connection${hint}`
}

/** The last name in the path, for a local file; `undefined` where there is none that could be one. */
export function nameIn({ url }: Place): string | undefined {
  return localName(pathText(url.path))
}

/** The path on the server, for people. */
export function pathText(path: Uint8Array): string {
  return Buffer.from(path).toString('utf8')
}

/** `/pub/` names the same directory as `/pub`; `/` is the root. */
export function withoutLastSlash(path: Uint8Array): Uint8Array {
  return path.length > 1 && path.at(-1) === 0x2f ? path.subarray(0, -1) : path
}

/** Tells of a password that others can read. */
export function warning(output: Pick<Output, 'say'>): (message: string) => void {
  return (message) => output.say(message, 'yellow')
}
