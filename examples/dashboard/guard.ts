/**
 * Who may ask. The server listens on loopback, where every page in the same browser can reach it, too:
 *
 * - Host must be ours by name, or a name of a stranger that leads here (DNS rebinding) would do.
 * - Origin must be ours: always where something is changed, and wherever else a browser says it.
 * - The token, which only the printed address has, must have been shown once; from then on it is in a cookie.
 */
import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Refusal } from './failures.ts'

export class Guard {
  readonly #token: string
  readonly #port: number

  constructor(token: string, port: number) {
    this.#token = token
    this.#port = port
  }

  /** @throws Refusal 403 for a stranger */
  expectOwnOrigin({ method, headers }: IncomingMessage): void {
    const { host = '', origin } = headers
    if (host !== `127.0.0.1:${this.#port}` && host !== `localhost:${this.#port}`)
      throw new Refusal(403, 'This is not the name of this server')
    const isOwn = origin === `http://${host}`
    const isQuestion = (method === 'GET' || method === 'HEAD') && origin === undefined
    const site = headers['sec-fetch-site']
    const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none'
    // Whoever follows the printed address from another program's page only looks at it.
    const isArrival = isQuestion && headers['sec-fetch-mode'] === 'navigate'
    if ((!isOwn && !isQuestion) || (isForeign && !isArrival))
      throw new Refusal(403, 'Another page may not ask this')
  }

  isToken(given: string | null | undefined): boolean {
    const [one, other] = [Buffer.from(given ?? ''), Buffer.from(this.#token)]
    return one.length === other.length && timingSafeEqual(one, other)
  }

  /** Whether the token was shown by this browser. */
  isKnown({ headers: { cookie = '' } }: IncomingMessage): boolean {
    const pairs = cookie.split(';').map((pair) => pair.trim().split('='))
    return pairs.some(([name, value]) => name === this.#cookieName && this.isToken(value))
  }

  get cookie(): string {
    return `${this.#cookieName}=${this.#token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000`
  }

  /** Cookies know no ports. */
  get #cookieName(): string {
    return `octoftp-dashboard-${this.#port}`
  }
}
