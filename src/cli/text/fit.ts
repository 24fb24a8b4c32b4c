/** Text in so many columns of a terminal, where a character takes none, one or two. */
import stringWidth from 'string-width'

const characters = new Intl.Segmenter()

/** As wide as `columns`: padded at its end, or cut in its middle, where names differ least. */
export function fit(text: string, columns: number): string {
  const cut = cutMiddle(text, columns)
  return cut + ' '.repeat(Math.max(0, columns - stringWidth(cut)))
}

/** At most so wide: what is too long loses its middle to an ellipsis. */
export function cutMiddle(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text
  if (columns < 1) return ''
  const pieces = Array.from(characters.segment(text), ({ segment }) => segment)
  const head = Math.ceil((columns - 1) / 2)
  return `${take(pieces, head)}…${take(pieces.reverse(), columns - 1 - head, true)}`
}

/** At most so wide: what is too long loses its end. */
export function cutEnd(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text
  return take(
    Array.from(characters.segment(text), ({ segment }) => segment),
    columns,
  )
}

function take(pieces: readonly string[], columns: number, isReversed = false): string {
  const taken: string[] = []
  let width = 0
  for (const piece of pieces) {
    width += stringWidth(piece)
    if (width > columns) break
    taken.push(piece)
  }
  return (isReversed ? taken.reverse() : taken).join('')
}
