/**
 * Breaks of `src` by one line, that prove a test able to fail. Beside `name.test.ts` stands `name.breaks.json`, a list of
 * {@link Break}s, each of which has to turn that test red. `npm run test:breaks` plays them all; the source on the disk
 * is never touched.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Break {
  /** Below the project's root, such as `src/protocol/reply-parser.ts`. */
  readonly file: string
  /** The one line that is changed, without the blanks around it. */
  readonly line: string
  /** Where the file has several such lines: one that stands before it. Without blanks, too. */
  readonly below?: string | undefined
  readonly instead: string
  /** What goes wrong by it. */
  readonly why: string
}

export const BREAK_VARIABLE = 'OCTOFTP_TEST_BREAK'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const HAZARDS = fileURLToPath(new URL('../', import.meta.url))

/** The names of the tests, without `.test.ts`. */
export function hazards(): string[] {
  const files = readdirSync(HAZARDS).filter((file) => file.endsWith('.test.ts'))
  return files.map((file) => file.slice(0, -'.test.ts'.length)).sort()
}

/** None where there is no such file. */
export function breaksOf(hazard: string): Break[] {
  const file = `${hazard}.breaks.json`
  if (!readdirSync(HAZARDS).includes(file)) return []
  return JSON.parse(readFileSync(HAZARDS + file, 'utf8')) as Break[]
}

/** `code` with the break in it. Throws where the line is not to be found, or more than once. */
export function broken(code: string, { file, line, below, instead }: Break): string {
  const lines = code.split('\n')
  const from = below === undefined ? 0 : only(lines, below, `${file}: the line above`, 0)
  const at = only(lines, line, file, from, below === undefined)
  const indent = /^\s*/.exec(lines[at] ?? '')?.[0] ?? ''
  return lines.with(at, indent + instead).join('\n')
}

function only(
  lines: readonly string[],
  wanted: string,
  where: string,
  from: number,
  isUnique = true,
): number {
  const found = lines.flatMap((line, at) => (at >= from && line.trim() === wanted.trim() ? [at] : []))
  const [first] = found
  if (first === undefined) throw new Error(`${where} has no line "${wanted}"`)
  if (isUnique && found.length > 1) throw new Error(`${where} has ${found.length} lines "${wanted}"`)
  return first
}

/** The source of a module under the break that is being played, if it is one of that file. */
export function underBreak(path: string, code: string): string {
  const played = process.env[BREAK_VARIABLE]
  if (played === undefined) return code
  const one = JSON.parse(played) as Break
  return relative(ROOT, path).replaceAll('\\', '/') === one.file ? broken(code, one) : code
}

export function sourceOf({ file }: Break): string {
  return readFileSync(ROOT + file, 'utf8')
}
