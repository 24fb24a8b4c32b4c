/** Which of several names somebody meant who wrote another one: for messages. Pure. */

/** So many letters may be wrong, and no more than one in three. */
const MOST_EDITS = 2

/** `undefined` where none is near. Case, hyphens, underscores and blanks make no difference. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const letters = lettersOf(name)
  let least = Math.min(MOST_EDITS, Math.floor(letters.length / 3))
  let nearest: string | undefined
  for (const candidate of names) {
    const edits = editsBetween(letters, lettersOf(candidate), least)
    if (edits > least || (edits === least && nearest !== undefined)) continue
    least = edits
    nearest = candidate
  }
  return nearest
}

function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[-_\s]/g, '')
}

/** How many letters are too many, missing, others, or swapped with their neighbour; `Infinity` beyond `most`. */
function editsBetween(one: string, other: string, most: number): number {
  if (one === other) return 0
  const same = sharedStart(one, other)
  const [left, right] = [one.slice(same), other.slice(same)]
  if (most === 0 || Math.abs(left.length - right.length) > most) return Infinity
  const isSwapped = left.charAt(1) + left.charAt(0) === right.slice(0, 2)
  return (
    1 +
    Math.min(
      editsBetween(left.slice(1), right, most - 1),
      editsBetween(left, right.slice(1), most - 1),
      editsBetween(left.slice(1), right.slice(1), most - 1),
      isSwapped ? editsBetween(left.slice(2), right.slice(2), most - 1) : Infinity,
    )
  )
}

function sharedStart(one: string, other: string): number {
  let count = 0
  while (count < one.length && one[count] === other[count]) count += 1
  return count
}
