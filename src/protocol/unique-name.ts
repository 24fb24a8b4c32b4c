/** The name that a server has chosen for a file (STOU), in the words of its reply. */

/** RFC 1123 §4.1.2.9: `150 FILE: name`; servers say it in the last reply too, each in his own words. */
const BEFORE_NAME = /(?:file(?: ?name)?: ?|transfer starting for )"?/gi

/**
 * `undefined` where a line of a reply tells none. By hand, as the expression that says all of it at once takes the
 * square of what a server makes it run on.
 */
export function uniqueNameIn(line: string): string | undefined {
  const text = withoutEnd(line)
  const least = Math.max(...['"', '(', ')'].map((mark) => text.lastIndexOf(mark))) + 1
  for (const { index, 0: words } of text.matchAll(BEFORE_NAME)) {
    const start = index + words.length
    if (start >= least && start < text.length) return text.slice(start)
  }
  return undefined
}

/** What may stand behind a name: `name".`, `name.)`, `name).` */
function withoutEnd(line: string): string {
  const sentence = line.endsWith(').') ? line.slice(0, -1) : line
  const open = sentence.endsWith(')') ? sentence.slice(0, -1) : sentence
  const named = (open.endsWith('.') ? open.slice(0, -1) : open).trimEnd()
  return named.endsWith('"') ? named.slice(0, -1) : named
}
