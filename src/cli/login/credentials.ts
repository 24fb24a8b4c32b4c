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

type Ask = () => Promise<string>

export interface Credentials {
  readonly user: string | undefined
  readonly password: string | Ask | undefined
}

export interface CredentialSources {
  /** By option. */
  readonly user: string | undefined
  /** `undefined` where there is none, or where it is not to be used. */
  readonly environmentPassword: string | undefined
  /** The text of `.netrc`. */
  readonly netrc: string | undefined
}

/** For each place; the same login is asked for once. */
export async function credentialsOf(
  places: readonly Place[],
  options: { readonly user?: string | undefined; readonly netrc: boolean },
): Promise<Credentials[]> {
  const hosts = new Set(places.map(({ url }) => `${url.host}:${url.port}`))
  const sources: CredentialSources = {
    user: options.user,
    environmentPassword: hosts.size > 1 ? undefined : environmentPassword(),
    netrc: options.netrc ? await netrcText() : undefined,
  }
  const asked = new Map<string, Ask>()
  const asking = (question: string): Ask => {
    const ask = asked.get(question) ?? once(() => askSecret(question))
    asked.set(question, ask)
    return ask
  }
  return places.map((place) => credentials(place, sources, canAsk() ? asking : undefined))
}

/** @param asking `undefined` where nobody can be asked */
export function credentials(
  { url, password }: Pick<Place, 'url' | 'password'>,
  sources: CredentialSources,
  asking: ((question: string) => Ask) | undefined,
): Credentials {
  const named = sources.user ?? url.user
  const known = sources.user === undefined || sources.user === url.user ? password : undefined
  const saved = sources.netrc === undefined ? undefined : netrcLogin(sources.netrc, url.host, named)
  const user = named ?? saved?.user
  if (user === undefined) return { user, password: known }
  const found = known ?? sources.environmentPassword ?? saved?.password
  if (found !== undefined || asking === undefined || user === 'anonymous') return { user, password: found }
  return { user, password: asking(`Password for ${user}@${url.host}`) }
}

function once(ask: Ask): Ask {
  let answer: Promise<string> | undefined
  return () => (answer ??= ask())
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
