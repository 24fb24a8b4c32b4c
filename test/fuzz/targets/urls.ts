/** URLs, hosts and lists of sources: a place that can be written again, or a `TypeError` that quotes nothing. */
import { inspect } from 'node:util'
import { parseSources } from '../../../src/protocol/sources.ts'
import { describeFtpUrl, parseFtpUrl, parseHost, type FtpUrl } from '../../../src/protocol/url.ts'
import { bytesOf, type Target } from '../target.ts'

type Parse = (text: string) => FtpUrl
const SECRET = 'swordfish'

/** Lets an escaped NUL through where the URL has a type. */
const parsePlanted: Parse = (text) => {
  const url = /%00.*;type=/s.test(text) ? parseFtpUrl(text.replaceAll('%00', '')) : parseFtpUrl(text)
  return /%00.*;type=/s.test(text) ? { ...url, path: Uint8Array.of(0, ...url.path) } : url
}

function check(parse: Parse, input: Uint8Array): void {
  const text = Buffer.from(input).toString('utf8')
  checkUrl(parse, text)
  checkUrl(parse, `ftp://octo:${SECRET}${text}`)
  allowing(() => parseHost(text))
  const sources = allowing(() => parseSources(text))
  for (const source of sources ?? []) {
    if (!text.includes(source)) throw new Error('a source is none of the list')
    parseFtpUrl(source)
  }
}

function checkUrl(parse: Parse, text: string): void {
  const url = allowing(() => parse(text))
  if (url === undefined) return
  if (url.path.some((byte) => byte === 0 || byte === 10 || byte === 13))
    throw new Error('a path ends a command')
  for (const part of [url.user, url.password]) {
    if (part !== undefined && /[\r\n\0]/.test(part)) throw new Error('a name or a password ends a command')
  }
  if (!(url.port >= 1 && url.port <= 65_535)) throw new Error('a port is none')
  if (
    url.password === SECRET &&
    (JSON.stringify(url) + inspect(url) + describeFtpUrl(url)).includes(SECRET)
  ) {
    // It may be a part of the path or the host as well.
    if (!text.slice(text.indexOf(SECRET) + 1).includes(SECRET)) throw new Error('the password is shown')
  }
  const again = parse(describeFtpUrl(url))
  const place = ({ scheme, host, port, path, type }: FtpUrl): string =>
    JSON.stringify([scheme, host, port, [...path], type])
  if (place(again) !== place(url)) throw new Error('described, it is another place')
}

/** `undefined` for what is refused as it should be. */
function allowing<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    if (`${error.message}${inspect(error.cause)}`.includes(SECRET))
      throw new Error('an error shows the password', { cause: error })
    return undefined
  }
}

export const urls: Target = {
  name: 'urls',
  seeds: [
    'ftp://ftp.example.org/pub/disk.iso',
    'ftpes://octo:p%40ss@[2001:db8::1%25eth0]:2121/%2Fetc/a%20b;type=i',
    'ftps://user:@host/',
    'FTP://192.0.2.1//abs/../x#y?z;type=a',
    '# near\nftp://a.example.org/x.iso\r\nftpes://user:secret@b.example.org:2121/disk%20#1.iso   # another\n',
    '@ftp.bücher.example/x',
  ].map(bytesOf),
  words: [
    'ftp://',
    'ftpes://',
    'ftps://',
    '@',
    ':',
    '/',
    '%',
    '%00',
    '%0a',
    '%2F',
    ';type=',
    ';type=a',
    '[',
    ']',
    '#',
  ],
  check: (input) => check(parseFtpUrl, input),
  checkPlanted: (input) => check(parsePlanted, input),
  planted: 'an escaped NUL gets through before a type',
}
