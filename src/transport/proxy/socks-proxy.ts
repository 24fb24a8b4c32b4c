/** Connections through a SOCKS proxy, by the package `socks`, for control and for data. */
import { lookup } from 'node:dns/promises'
import { isIP, type Socket } from 'node:net'
import type * as Socks from 'socks'
import { FtpConnectionError } from '../../errors.ts'
import { onAbort, waitOrAbort } from '../../util/abort.ts'
import { hostAndPort } from '../address.ts'
import type { Connect, ConnectTarget } from '../connect.ts'
import { dial } from '../dial.ts'
import { readProxyUrl, type ProxyUrl } from './proxy-url.ts'

/** How long the package waits for the proxy's answers. It keeps its timer when they have come, so it cannot be long. */
const HANDSHAKE_MS = 60_000
/** RFC 1929 §2, and of names RFC 1928 §5: their lengths are told in one byte. */
const MOST_BYTES = 255
const PORT = 1_080

/**
 * For option `connect`: control and data connections through a SOCKS proxy. Needs the package `socks`.
 *
 * - `socks5://user:password@host:port`, or `socks5h:`, the same: the proxy looks the server's name up
 * - `socks4a://user@host:port`: likewise, without a password
 * - `socks4://user@host:port`: the name is looked up here, to an IPv4 address
 *
 * Connections reject with `ERR_FTP_CONNECT` where the proxy cannot be reached or refuses.
 * @throws TypeError or RangeError for a URL that is none of these; no error shows it
 */
export function socksProxy(url: string | URL): Connect {
  const proxy = readProxyUrl(url, { socks5: PORT, socks5h: PORT, socks4a: PORT, socks4: PORT })
  if (!isVersion5(proxy) && proxy.password !== undefined)
    throw new TypeError('The URL of the proxy holds a password, which SOCKS 4 knows nothing of')
  if ([proxy.user, proxy.password].some((text) => Buffer.byteLength(text ?? '') > MOST_BYTES))
    throw new RangeError(`User and password of a SOCKS proxy may have ${MOST_BYTES} bytes each`)
  return async (target) => {
    const { SocksClient } = await loadSocks()
    const destination = { host: await destinationHost(proxy, target), port: target.port }
    const { family, localAddress, signal } = target
    const socket = await dial({ ...proxy, family, localAddress, signal, timeoutMs: Infinity })
    const answer = new FirstBytes(socket)
    const stopListening = onAbort(signal, () => socket.destroy())
    try {
      await SocksClient.createConnection({
        ...{ command: 'connect', destination, existing_socket: socket, timeout: HANDSHAKE_MS },
        proxy: {
          ...{ host: proxy.host, port: proxy.port, type: isVersion5(proxy) ? 5 : 4 },
          ...(proxy.user !== undefined && { userId: proxy.user }),
          ...(proxy.password !== undefined && { password: proxy.password }),
        },
      })
      await keepWhatCame(socket)
      return socket
    } catch (error) {
      throw refused(proxy, target, error as Error, answer.saysLoginRefused)
    } finally {
      answer.stop()
      stopListening()
    }
  }
}

function isVersion5({ scheme }: ProxyUrl): boolean {
  return scheme.startsWith('socks5')
}

async function loadSocks(): Promise<typeof Socks> {
  try {
    return await import('socks')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    const message = 'socksProxy() needs the package "socks", which is not there: npm install socks'
    throw new FtpConnectionError('ERR_FTP_CONNECT', message, { cause, retryable: false })
  }
}

async function destinationHost({ scheme }: ProxyUrl, { host, signal }: ConnectTarget): Promise<string> {
  if (Buffer.byteLength(host) > MOST_BYTES) throw unknownHost(host, 'it is too long')
  if (scheme !== 'socks4') return host
  if (isIP(host) === 6) throw unknownHost(host, 'SOCKS 4 has no IPv6')
  try {
    return (await waitOrAbort(lookup(host, { family: 4 }), signal)).address
  } catch (error) {
    throw unknownHost(host, (error as Error).message)
  }
}

/**
 * What came behind the proxy's answer the package tells by an event of the next turn, and reads on in that turn, before
 * anybody listens: it is put back, and nothing more is read until then.
 */
async function keepWhatCame(socket: Socket): Promise<void> {
  const came: Uint8Array[] = []
  const keep = (chunk: Uint8Array): void => void came.push(chunk)
  const ignore = (): void => {}
  socket.on('data', keep)
  socket.on('error', ignore)
  socket.resume = () => socket
  await new Promise((resolve) => setImmediate(resolve))
  Reflect.deleteProperty(socket, 'resume')
  socket.off('data', keep)
  socket.off('error', ignore)
  if (came.length > 0) socket.unshift(Buffer.concat(came))
}

/** The first bytes that a proxy sends, which tell what the package tells by words only. */
class FirstBytes {
  readonly #socket: Socket
  readonly #bytes: number[] = []

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', this.#take)
  }

  readonly #take = (chunk: Uint8Array): void => {
    this.#bytes.push(...chunk.subarray(0, 4 - this.#bytes.length))
  }

  stop(): void {
    this.#socket.off('data', this.#take)
  }

  /**
   * Whether no login that we have is accepted (RFC 1928 §3: method 0xFF), or the one that was sent is not (RFC 1929
   * §2); of SOCKS 4, that the user is not.
   */
  get saysLoginRefused(): boolean {
    const [version, method, , status = 0] = this.#bytes
    if (version === 5) return method === 0xff || (method === 2 && status !== 0)
    return version === 0 && (method === 92 || method === 93)
  }
}

/** The package's own error holds the password. */
function refused(
  proxy: ProxyUrl,
  target: ConnectTarget,
  { message: words }: Error,
  isLogin: boolean,
): FtpConnectionError {
  const host = hostAndPort(proxy)
  const why = isLogin ? `${words}. ${loginAdvice(proxy)}` : words
  const message = `The SOCKS proxy ${host} gives no connection to ${hostAndPort(target)}: ${why}`
  return new FtpConnectionError('ERR_FTP_CONNECT', message, { host, retryable: !isLogin })
}

function loginAdvice({ user }: ProxyUrl): string {
  return user === undefined
    ? 'It wants a login: give user and password in the URL of the proxy'
    : 'Check user and password in the URL of the proxy'
}

function unknownHost(host: string, why: string): FtpConnectionError {
  const message = `Host "${host}" cannot be asked of the SOCKS proxy: ${why}`
  return new FtpConnectionError('ERR_FTP_CONNECT', message, { retryable: false })
}
