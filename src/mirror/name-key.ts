/** Which names a directory that ignores case takes for one. Pure. */

/**
 * The same for names that differ in case or in Unicode's normal form alone. The normal form last: what `İ` becomes in lower
 * case is in none.
 */
export function nameKey(name: string): string {
  // A sigma at the end of a word is the only letter whose lower case depends on where it stands.
  return name.toLowerCase().replaceAll('ς', 'σ').normalize('NFC')
}

/** Whether some are not the same, and would be one name where case is ignored. */
export function haveAlike(names: Iterable<string>): boolean {
  const nameOf = new Map<string, string>()
  for (const name of names) {
    const key = nameKey(name)
    if ((nameOf.get(key) ?? name) !== name) return true
    nameOf.set(key, name)
  }
  return false
}
