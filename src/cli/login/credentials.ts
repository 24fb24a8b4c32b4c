/**
 * Who logs in, and by which password: the first of these that has one.
 *
 *   the URL or the saved connection ─► OCTOFTP_PASSWORD ─► .netrc ─► a question at the terminal
 *
 * A password goes only to the host that it was meant for: that of the environment only where there is one host.
 */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LocalFailure } from '../failures.ts'
import type { Place } from '../place.ts'
import { netrcLogin } from './netrc.ts'
import { askSecret, canAsk } from './prompt.ts'

export interface Credentials {
  readonly user: string | undefined
  readonly password: string | undefined
}

export interface CredentialSources {
  /** By option. */
  readonly user: string | undefined
  /** `undefined` where there is none, or where it is not to be used. */
  readonly environmentPassword: string | undefined
  /** The text of `.netrc`. */
  readonly netrc: string | undefined
}

/** Of this process: who may have been sent the password of the environment. */
const environmentHosts = new Set<string>()

/** For each place. Whoever has to be asked is asked now, before anything is drawn, and once for each login. */
export async function credentialsOf(
  places: readonly Place[],
  options: { readonly user?: string | undefined; readonly netrc: boolean },
  warn: (message: string) => void = () => {},
): Promise<Credentials[]> {
  const hosts = new Set([...environmentHosts, ...places.map(({ url }) => `${url.host}:${url.port}`)])
  if (hosts.size > 1 && environmentPassword() !== undefined)
    warn(
      'OCTOFTP_PASSWORD is not used: it would go to several hosts. .netrc and saved connections have one for each',
    )
  const sources: CredentialSources = {
    user: options.user,
    environmentPassword: hosts.size > 1 ? undefined : environmentPassword(),
    netrc: options.netrc ? await netrcText() : undefined,
  }
  if (sources.environmentPassword !== undefined) for (const host of hosts) environmentHosts.add(host)
  const answers = new Map<string, string>()
  const found: Credentials[] = []
  for (const place of places) {
    const known = knownCredentials(place, sources)
    found.push(isComplete(known) || !canAsk() ? known : await asked(place, known, answers))
  }
  return found
}

async function asked(
  { url }: Place,
  { user = '' }: Credentials,
  answers: Map<string, string>,
): Promise<Credentials> {
  const question = `Password for ${user}@${url.host}`
  const password = answers.get(question) ?? (await askSecret(question))
  answers.set(question, password)
  return { user, password }
}

/** An anonymous login needs no password. */
function isComplete({ user, password }: Credentials): boolean {
  return password !== undefined || user === undefined || user === 'anonymous'
}

/** Without asking anybody. */
export function knownCredentials(
  { url, password }: Pick<Place, 'url' | 'password'>,
  sources: CredentialSources,
): Credentials {
  const named = sources.user ?? url.user
  // A password in a URL goes only to the user beside whom it was written.
  const own = sources.user === undefined || sources.user === url.user ? password : undefined
  const saved = sources.netrc === undefined ? undefined : netrcLogin(sources.netrc, url.host, named)
  const user = named ?? saved?.user
  if (user === undefined) return { user, password: own }
  return { user, password: own ?? sources.environmentPassword ?? saved?.password }
}

function environmentPassword(): string | undefined {
  const password = process.env['OCTOFTP_PASSWORD']
  return password === '' ? undefined : password
}

async function netrcText(): Promise<string | undefined> {
  const { NETRC: named = '' } = process.env
  const file = named === '' ? join(homedir(), process.platform === 'win32' ? '_netrc' : '.netrc') : named
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (named === '' && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new LocalFailure(`${file} cannot be read: ${(error as Error).message}. --no-netrc goes without it`)
  }
}
