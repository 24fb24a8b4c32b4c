/** Which names of a tree are left out: `include` and `exclude`, globs and functions. Pure, but for the functions. */
import { inspect } from 'node:util'
import picomatch from 'picomatch/posix.js'
import type { TreeEntry } from '../local/tree-entry.ts'

/**
 * A glob, or a function of the path from the root of the mirror, names joined by `/`, that gives whether it matches.
 *
 * - A glob without `/` matches the name, in whatever directory: `*.tmp`, `.git`.
 * - One with `/` matches the path from the root: `docs/*.md`, and `/todo.txt` for that of the root alone.
 * - One that ends in `/` matches directories alone: `cache/`.
 * - `*` and `?` match no `/`; `**` as a whole name matches any number of directories, `docs/**` what is below `docs`.
 *   Names that begin with a dot are names as others. `[a-z]`, `{a,b}` and `!(a|b)` as in shells; `\` takes the next
 *   character for itself. Case counts.
 */
export type MirrorPattern = string | ((path: string, entry: TreeEntry) => boolean)

export interface Filter {
  readonly isExcluded: (path: string, entry: TreeEntry) => boolean
}

export interface FilterOptions {
  readonly include?: readonly MirrorPattern[] | undefined
  readonly exclude?: readonly MirrorPattern[] | undefined
}

type Rule = (path: string, entry: TreeEntry) => boolean

/** Throws a `TypeError` or `RangeError` that names the option. */
export function mirrorFilter(options: FilterOptions): Filter {
  const exclude = rulesOf('exclude', options.exclude)
  const include = rulesOf('include', options.include)
  return Object.freeze({
    isExcluded: (path, entry) => {
      if (exclude.some((matches) => matches(path, entry))) return true
      // Directories are entered whatever they are called: there may be wanted files in them.
      if (include.length === 0 || entry.type === 'directory') return false
      return !include.some((matches) => matches(path, entry))
    },
  } satisfies Filter)
}

function rulesOf(name: 'include' | 'exclude', given: unknown): readonly Rule[] {
  if (given === undefined) return []
  if (!Array.isArray(given)) {
    throw new TypeError(`Option "${name}" is ${inspect(given)}; it must be an array of globs and functions`)
  }
  return given.map((pattern: unknown, at) => ruleOf(`${name}[${at}]`, pattern))
}

function ruleOf(name: string, pattern: unknown): Rule {
  if (typeof pattern === 'function') return pattern as Rule
  if (typeof pattern !== 'string') {
    throw new TypeError(`Option "${name}" is ${inspect(pattern)}; it must be a glob or a function`)
  }
  const isOfDirectories = pattern.endsWith('/')
  // It would match no file and leave out all of them.
  if (isOfDirectories && name.startsWith('include')) {
    const instead = `"${pattern}**" for what is below`
    throw new RangeError(`Option "${name}" is '${pattern}'; it must be a glob of files, such as ${instead}`)
  }
  const glob = isOfDirectories ? pattern.slice(0, -1) : pattern
  const matches = matcher(name, pattern, glob.startsWith('/') ? glob.slice(1) : glob)
  const isOfPath = glob.includes('/')
  return (path, entry) => {
    if (isOfDirectories && entry.type !== 'directory') return false
    return matches(isOfPath ? path : entry.name)
  }
}

function matcher(name: string, pattern: string, glob: string): (text: string) => boolean {
  try {
    // strictSlashes: `docs/**` is not `docs` itself. Flag s: names may hold line feeds. debug: a bad glob throws.
    return picomatch(glob, { dot: true, nonegate: true, strictSlashes: true, flags: 's', debug: true })
  } catch {
    throw new RangeError(`Option "${name}" is '${pattern}'; it must be a glob that can be read`)
  }
}
