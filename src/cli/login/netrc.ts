/**
 * The file `.netrc`, as ftp(1), curl and lftp read it. Pure.
 *
 *   machine ftp.example.org login octo password "open sesame"
 *   default login anonymous
 *
 * Words are separated by blanks and line ends; quotes and backslashes keep blanks; a line that begins with `#` is a
 * comment; what follows `macdef` up to an empty line is left out.
 */

export interface NetrcLogin {
  readonly user: string | undefined
  readonly password: string | undefined
}

interface Machine {
  /** `undefined` for `default`. */
  readonly host: string | undefined
  login?: string
  password?: string
}

/** The login for a host, and for that user where one is given; `undefined` where the file has none. */
export function netrcLogin(text: string, host: string, user: string | undefined): NetrcLogin | undefined {
  const machine = machines(text).find(
    (one) =>
      (one.host === undefined || one.host.toLowerCase() === host.toLowerCase()) &&
      (user === undefined || one.login === undefined || one.login === user),
  )
  return machine && { user: machine.login, password: machine.password }
}

function machines(text: string): Machine[] {
  const found: Machine[] = []
  const words = wordsOf(text.replaceAll(/^\s*macdef\b[^]*?(?:\n[ \t]*\r?\n|(?![^]))/gm, ''))
  for (let word = words.next(); !word.done; word = words.next()) {
    const machine = found.at(-1)
    const value = (): string => words.next().value ?? ''
    if (word.value === 'machine') found.push({ host: value() })
    else if (word.value === 'default') found.push({ host: undefined })
    else if (word.value === 'login' && machine !== undefined) machine.login = value()
    else if (word.value === 'password' && machine !== undefined) machine.password = value()
    else if (word.value === 'account') value()
  }
  return found
}

function* wordsOf(text: string): Generator<string, undefined> {
  const pattern = /^[ \t]*#.*|"((?:\\[^]|[^"\\])*)"|((?:\\[^]|[^\s\\])+)/gm
  for (const [, quoted, plain] of text.matchAll(pattern)) {
    const word = quoted ?? plain
    if (word !== undefined) yield word.replaceAll(/\\([^])/g, '$1')
  }
  return undefined
}
