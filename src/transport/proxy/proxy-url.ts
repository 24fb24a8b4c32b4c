/** The URL of a proxy, with its login. No error shows it. */
import { parseHost } from '../../protocol/url.ts'

export interface ProxyAddress {
  readonly scheme: string
  readonly host: string
  readonly port: number
}

export interface ProxyUrl extends ProxyAddress {
  readonly user: string | undefined
  readonly password: string | undefined
}

/** @param ports by scheme, those that are taken, for a URL that names none */
export function readProxyUrl(url: string | URL, ports: Readonly<Record<string, number>>): ProxyUrl {
  const { protocol, hostname, port, username, password, pathname, search, hash } = parsed(url)
  const scheme = protocol.slice(0, -1)
  const usual = ports[scheme]
  if (usual === undefined) {
    const allowed = Object.keys(ports).map((name) => `${name}:`)
    throw new TypeError(`The URL of the proxy is of another kind than ${allowed.join(', ')}`)
  }
  // A password with one of these characters in it ends up here, and what stands before it where the host is meant.
  if (!['', '/'].includes(pathname) || search !== '' || hash !== '') throw unreadable()
  return {
    scheme,
    host: hostOf(hostname),
    port: port === '' ? usual : Number(port),
    user: username === '' ? undefined : decoded(username),
    password: password === '' ? undefined : decoded(password),
  }
}

/** Node's own error holds the URL. */
function parsed(url: string | URL): URL {
  try {
    return new URL(url)
  } catch {
    throw unreadable()
  }
}

function hostOf(hostname: string): string {
  try {
    return parseHost(hostname)
  } catch {
    throw unreadable()
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw unreadable()
  }
}

function unreadable(): TypeError {
  return new TypeError(
    'The URL of the proxy must be scheme://user:password@host:port, with user and password percent-encoded',
  )
}
