/** Options of all kinds, with values of all kinds: settings within their bounds, or an error that names the option. */
import { parseListing } from '../../../src/listing/parse-listing.ts'
import { mirrorSettings } from '../../../src/mirror/mirror-options.ts'
import { clientSettings, type ClientSettings, type FtpClientOptions } from '../../../src/options.ts'
import { downloadSettings } from '../../../src/segmented/options.ts'
import { uploadSettings } from '../../../src/segmented/upload-options.ts'
import { TransferQueue } from '../../../src/transfer/queue.ts'
import type { Target } from '../target.ts'

const SECRET = 'swordfish'
const NAMES = [
  ...[
    'host',
    'port',
    'user',
    'password',
    'account',
    'security',
    'tls',
    'maxConnections',
    'family',
    'localAddress',
  ],
  ...[
    'timeouts',
    'mode',
    'active',
    'passiveHost',
    'bytesPerSecond',
    'rotateAfter',
    'keepAlive',
    'virtualHost',
  ],
  ...['encoding', 'serverTimeZone', 'prepareSession', 'retry', 'connections', 'minSegmentSize', 'resume'],
  ...['overwrite', 'keepPartial', 'verify', 'preserveModified', 'type', 'on', 'signal', 'append', 'atomic'],
  ...[
    'checksum',
    'allocate',
    'include',
    'exclude',
    'compare',
    'newerThan',
    'delete',
    'deleteExcluded',
    'maxDelete',
  ],
  ...[
    'allowEmptySource',
    'dryRun',
    'symlinks',
    'maxDepth',
    'onError',
    'concurrency',
    'format',
    'now',
    'timeZone',
  ],
  ...[
    'connect',
    'reply',
    'idle',
    'attempts',
    'minDelay',
    'maxDelay',
    'factor',
    'jitter',
    'address',
    'ports',
    'size',
  ],
  ...['modified', 'expect', 'sha256', 'progress', 'ca', 'servername', '__proto__', 'nothing'],
]
const VALUES: readonly unknown[] = [
  ...[
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    2,
    8,
    21,
    64,
    65,
    1.5,
    65_535,
    65_536,
    2 ** 31,
    2 ** 53,
    1e300,
  ],
  ...[
    NaN,
    Infinity,
    -Infinity,
    '',
    ' ',
    '8',
    'x',
    'a\r\nb',
    '\0',
    '::1',
    '127.0.0.1',
    'ftp.example.org',
    'ftp://x/',
  ],
  ...[
    'none',
    'explicit',
    'implicit',
    'passive',
    'active',
    'tcp',
    'noop',
    'control',
    'server',
    'auto',
    'binary',
  ],
  ...[
    'ascii',
    'ebcdic',
    'replace',
    'skip',
    'error',
    'require',
    'size',
    'always',
    'follow',
    'recreate',
    'continue',
  ],
  ...[
    'utf-8',
    'windows-1252',
    'utf-16le',
    'Europe/Berlin',
    'mlsd',
    'list',
    '*',
    '**/*.iso',
    'a'.repeat(64),
    '[',
  ],
  ...[
    [],
    [1, 2],
    [2, 1],
    ['*', '**'],
    new Date(0),
    new Date(NaN),
    Symbol('x'),
    1n,
    () => 1,
    new AbortController().signal,
  ],
]
/** Those that begin an object in place of a value, or end it. */
const OPEN = 254
const CLOSE = 255

/** Pairs of bytes: which option, and what it is. */
function built(input: Uint8Array): FtpClientOptions {
  const stack: Record<string, unknown>[] = [{}]
  for (let at = 0; at + 1 < input.length; at += 2) {
    const [name, value] = [input[at] ?? 0, input[at + 1] ?? 0]
    const top = stack.at(-1) ?? {}
    if (value === CLOSE && stack.length > 1) stack.pop()
    else if (value === OPEN && stack.length < 4) stack.push(set(top, name, {}) as Record<string, unknown>)
    else set(top, name, VALUES[value % VALUES.length])
  }
  return stack[0] ?? {}
}

function set(options: Record<string, unknown>, name: number, value: unknown): unknown {
  const key = NAMES[name % NAMES.length] ?? 'nothing'
  Object.defineProperty(options, key, { value, enumerable: true, configurable: true, writable: true })
  return value
}

type Settle = (options: FtpClientOptions) => ClientSettings

/** Looks into the timeouts before it looks what they are, where there is a retry policy. */
const settlePlanted: Settle = (options) => {
  const { timeouts, retry } = options as { timeouts: unknown; retry: unknown }
  const isObject = timeouts === undefined || (typeof timeouts === 'object' && timeouts !== null)
  if (!isObject && retry !== undefined) throw new Error('Cannot read properties of null')
  return clientSettings(options)
}

function check(settle: Settle, input: Uint8Array): void {
  const given = built(input)
  const secret = input.length % 3 === 0 ? { password: SECRET, account: `${SECRET}\r\n` } : {}
  const settings = allowedOf({ host: 'ftp.example.org', ...given, ...secret }, settle)
  if (settings !== undefined) bounded(settings)
  const download = allowedOf(given, (one) => downloadSettings(one, 8))
  if (download !== undefined) within(download.minSegmentSize, 1, Number.MAX_SAFE_INTEGER)
  allowedOf(given, uploadSettings)
  allowedOf(given, (one) => mirrorSettings(one, 8))
  allowedOf(given, (one) => parseListing('', one))
  allowedOf(given, (one) => new TransferQueue(one))
}

function bounded({ maxConnections, bytesPerSecond, rotateAfter, retry, session }: ClientSettings): void {
  within(maxConnections, 1, 64)
  within(bytesPerSecond, 1, Infinity)
  within(rotateAfter, 1, Infinity)
  within(retry.attempts, 1, Number.MAX_SAFE_INTEGER)
  within(session.port, 1, 65_535)
  for (const ms of Object.values(session.timeouts)) within(ms as number, Number.MIN_VALUE, Infinity)
  for (const text of [session.host, session.user, session.virtualHost]) {
    if (text !== undefined && (typeof text !== 'string' || /[\r\n\0]/.test(text) || text === '')) {
      throw new Error('a text is none, or ends a command')
    }
  }
}

function within(value: unknown, min: number, max: number): void {
  if (typeof value !== 'number' || !(value >= min && value <= max))
    throw new Error('a number is out of its bounds')
}

const REFUSED_NAME = /^There is no option "([\w.]+)"/

/** `undefined` for what is refused as it should be; of names what is left without those that are. */
function allowedOf<T>(given: object, run: (options: object) => T): T | undefined {
  const options: object = { ...given }
  for (;;) {
    let refused: string | undefined
    const result = allowed(() => {
      try {
        return run(options)
      } catch (error) {
        refused = REFUSED_NAME.exec((error as Error).message)?.[1]
        throw error
      }
    })
    if (refused === undefined) return result
    remove(options, refused.split('.'))
  }
}

function remove(options: object, [name = '', ...deeper]: readonly string[]): void {
  if (deeper.length === 0) Reflect.deleteProperty(options, name)
  else remove((options as Record<string, object>)[name] ?? {}, deeper)
}

/** `undefined` for what is refused as it should be. */
function allowed<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    const { message } = error as Error
    const isTyped = error instanceof TypeError || error instanceof RangeError
    // What Node itself throws where nothing was checked names no option.
    const isOurs = /[Oo]ption|must be/.test(message)
    if (!isTyped || !isOurs) throw error
    if (message.includes(SECRET)) throw new Error('an error shows a secret', { cause: error })
    return undefined
  }
}

const pairs = (...all: readonly [name: string, value: number][]): Uint8Array =>
  Uint8Array.from(all.flatMap(([name, value]) => [NAMES.indexOf(name), value]))

export const options: Target = {
  name: 'options',
  seeds: [
    pairs(['port', 10], ['maxConnections', 9]),
    pairs(['timeouts', OPEN], ['reply', 10], ['reply', CLOSE], ['user', 25]),
    pairs(['retry', OPEN], ['attempts', 9], ['factor', 8], ['attempts', CLOSE], ['mode', 35]),
    pairs(['connections', 8], ['verify', OPEN], ['size', 3], ['expect', OPEN], ['sha256', 62]),
  ],
  words: [],
  check: (input) => check(clientSettings, input),
  checkPlanted: (input) => check(settlePlanted, input),
  planted: 'timeouts that are no object are looked into beside a retry policy',
}
