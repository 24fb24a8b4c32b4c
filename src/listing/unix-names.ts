/**
 * Owner and group in a line of `ls -l`: `1 ftp ftp`, `ftp ftp`, `4 klaus    domain users`. A number before them is that
 * of the links. Names that hold blanks are told apart by a gap of several, or the first is taken for one without. A
 * single name may be the owner's or the group's.
 */
import { endOfWord, isBlank, skipBlanks, skipDigits } from './scan.ts'

export interface Names {
  readonly owner: string | undefined
  readonly group: string | undefined
}

const NONE: Names = { owner: undefined, group: undefined }

/** @param text without blanks at its ends */
export function readNames(text: string): Names {
  const links = skipDigits(text, 0)
  const start = isBlank(text.charCodeAt(links)) ? skipBlanks(text, links) : 0
  const end = endOfOwner(text, start)
  return end >= text.length
    ? NONE
    : { owner: text.slice(start, end), group: text.slice(skipBlanks(text, end)) }
}

function endOfOwner(text: string, start: number): number {
  const firstEnd = endOfWord(text, start)
  for (let end = firstEnd; end < text.length;) {
    const next = skipBlanks(text, end)
    if (next > end + 1) return end
    end = endOfWord(text, next)
  }
  return firstEnd
}
