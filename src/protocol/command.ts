/** What goes out: a verb and its argument, as bytes for the wire and, without secrets, as text for people. */
import { inspectCustom } from './inspect.ts'
import { MAX_COMMAND_TEXT, SHORTEST_PLAIN_SECRET } from './limits.ts'
import { decodeName, printable } from './text.ts'

/** One command. Printing, inspecting or serialising it shows {@link describeCommand}, never a secret. */
export interface Command {
  /** Upper case. */
  readonly verb: string
  /** Text in the session's encoding, or bytes that go out as they are. `undefined`: no argument, no blank. */
  readonly argument: string | Uint8Array | undefined
  /** Whether the argument may be shown to nobody. Always so for PASS and ACCT. */
  readonly secret: boolean
}

const SECRET_VERBS: ReadonlySet<string> = new Set(['PASS', 'ACCT'])
const HIDDEN = '****'
const LF = 0x0a
const CR = 0x0d
const IAC = 0xff
const LINE_END = Uint8Array.of(CR, LF)

class RedactedCommand implements Command {
  readonly verb: string
  readonly secret: boolean
  readonly #argument: string | Uint8Array | undefined

  constructor(verb: string, argument: string | Uint8Array | undefined, secret: boolean) {
    this.verb = verb
    this.secret = secret
    this.#argument = argument
  }

  get argument(): string | Uint8Array | undefined {
    return this.#argument
  }

  toString(): string {
    return describeCommand(this)
  }

  toJSON(): string {
    return describeCommand(this)
  }

  [inspectCustom](): string {
    return `Command { ${describeCommand(this)} }`
  }
}

/**
 * Makes a command. Nothing is checked here: {@link encodeCommand} does it, on the bytes.
 *
 * @param options.secret hides the argument of a verb other than PASS and ACCT, as in `SITE PSWD`
 */
export function command(
  verb: string,
  argument?: string | Uint8Array,
  options: { readonly secret?: boolean } = {},
): Command {
  const name = verb.toUpperCase()
  return new RedactedCommand(name, argument, SECRET_VERBS.has(name) || options.secret === true)
}

/**
 * A command as it goes out: verb, a blank and the argument if there is one, CR LF. A byte 0xFF in the argument
 * is doubled, as Telnet wants it (RFC 959 §3.3, RFC 854).
 *
 * CR, LF and NUL are looked for in the encoded bytes, not in the text: an encoder that keeps the low byte of a
 * character makes a line end out of U+010A.
 *
 * @throws TypeError for an argument with CR, LF or NUL (it would be read as a second command), one that `encode`
 *   cannot write, or a verb that is not one word of printable ASCII; no argument is quoted in it
 */
export function encodeCommand(command: Command, encode: (text: string) => Uint8Array): Uint8Array {
  const { verb, argument, secret } = command
  // The verb is not quoted: `PASS secret` given as a verb ends here.
  if (!/^[!-~]+$/.test(verb)) throw new TypeError('A command verb has to be one word of printable ASCII')
  const bytes = typeof argument === 'string' ? encodeArgument(verb, argument, secret, encode) : argument
  if (bytes?.some(isLineBreaking)) throw new TypeError(`The argument of ${verb} may not hold CR, LF or NUL`)

  if (bytes === undefined) return Buffer.from(`${verb}\r\n`, 'latin1')
  return Buffer.concat([Buffer.from(`${verb} `, 'latin1'), escapeTelnet(bytes), LINE_END])
}

/** What an encoder says of a character that it lacks must not be said of a password. */
function encodeArgument(
  verb: string,
  argument: string,
  isSecret: boolean,
  encode: (text: string) => Uint8Array,
): Uint8Array {
  try {
    return encode(argument)
  } catch (error) {
    if (!isSecret) throw error
  }
  throw new TypeError(`The argument of ${verb} has a character that the encoding of commands lacks`)
}

/** A command for errors and logs: `PASS ****`, `RETR a.iso`; control characters escaped, length bounded. */
export function describeCommand(command: Command): string {
  const { verb, argument, secret } = command
  if (argument === undefined) return printable(verb, MAX_COMMAND_TEXT)
  if (secret) return printable(`${verb} ${HIDDEN}`, MAX_COMMAND_TEXT)
  const text = typeof argument === 'string' ? argument : decodeName(argument)
  return printable(`${verb} ${text}`, MAX_COMMAND_TEXT)
}

/**
 * `text` with every secret replaced by `****`: servers echo passwords in replies. An empty secret hides nothing.
 * One of one or two characters is replaced only where it stands alone: to replace every `a` of a text would
 * make it unreadable, and spell the secret out by what is missing.
 */
export function redact(text: string, secrets: readonly string[]): string {
  let pattern = patterns.get(secrets)
  if (pattern === undefined) patterns.set(secrets, (pattern = patternOf(secrets)))
  return pattern === 'none' ? text : text.replace(pattern, HIDDEN)
}

/** Every line of every reply is looked at, and a connection's secrets stay the same. */
const patterns = new WeakMap<readonly string[], RegExp | 'none'>()

function patternOf(secrets: readonly string[]): RegExp | 'none' {
  const alternatives = [...secrets]
    .filter((secret) => secret !== '')
    // The longest first: of `pass` and `password` the shorter would leave `****word`.
    .sort((a, b) => b.length - a.length)
    .map(secretPattern)
  return alternatives.length === 0 ? 'none' : new RegExp(alternatives.join('|'), 'gu')
}

function secretPattern(secret: string): string {
  const literal = secret.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  return secret.length < SHORTEST_PLAIN_SECRET ? `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])` : literal
}

function isLineBreaking(byte: number): boolean {
  return byte === CR || byte === LF || byte === 0
}

function escapeTelnet(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(IAC)) return bytes
  return Uint8Array.from([...bytes].flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte])))
}
