/** Paths whose removal would take more with it than anybody means. Pure. */

/**
 * What is left of a path without its detours, `/` at its beginning if it has one: `''` or `'/'` for the directory that it
 * begins in, `undefined` for one that leads above it.
 */
function withoutDetours(path: string): string | undefined {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue
    if (name !== '..') names.push(name)
    else if (names.pop() === undefined) return undefined
  }
  return (path.startsWith('/') ? '/' : '') + names.join('/')
}

/** Whether `path` is the directory that it is relative to, the root, or above: by whatever way that is written. */
export function isWhole(path: string): boolean {
  return ['', '/', undefined].includes(withoutDetours(path))
}

/** Whether `path` is `directory`, or one that `directory` is in; both absolute. */
export function holds(path: string, directory: string): boolean {
  const [outer, inner] = [withoutDetours(path) ?? '/', withoutDetours(directory) ?? '/']
  return outer === inner || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`)
}
