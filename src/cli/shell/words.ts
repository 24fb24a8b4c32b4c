/** A line of the shell as words: blanks separate them, quotes and backslashes keep blanks. Pure. */

export interface Word {
  /** Without quotes and backslashes. */
  readonly text: string
  /** Where it begins in the line. */
  readonly start: number
}

const WORD = /(?:"(?:\\[^]|[^"\\])*"?|'[^']*'?|\\[^]|[^\s"'\\])+|\\$/g

export function wordsOf(line: string): Word[] {
  return [...line.matchAll(WORD)].map((match) => ({ text: unquoted(match[0]), start: match.index }))
}

function unquoted(word: string): string {
  const pieces = word.matchAll(/"((?:\\[^]|[^"\\])*)"?|'([^']*)'?|\\([^])|([^"'\\]+)/g)
  return [...pieces]
    .map(
      ([, double, single, escaped, plain]) =>
        double?.replaceAll(/\\([^])/g, '$1') ?? single ?? escaped ?? plain ?? '',
    )
    .join('')
}

/** As it can be typed: what would end the word has a backslash. */
export function typed(text: string): string {
  return text.replaceAll(/[\s"'\\]/g, '\\$&')
}
