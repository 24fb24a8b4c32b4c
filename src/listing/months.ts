/** The names of months, as servers print them in English and in other languages of their `ls`. */

/** At least as much of each name as tells it from the others, in lower case. */
const NAMES: readonly string[] = [
  'jan jän ene gen ian sty led sij oca янв tam',
  'feb fév fev lut úno velj şub фев hel',
  'mar mär mae mrz mrt már bře ožu maa мар',
  'apr avr abr ápr kwi dub tra nis апр huh',
  'may mai maj mei mag máj kvě svi мая май tou',
  'jun juin giu jún iun cze čen haz июн kes',
  'jul jui lug júl iul čec tem июл hei',
  'aug aoû ago sie kol ağu авг elo',
  'sep set sze wrz zář ruj eyl сен syy',
  'oct okt out ott paź říj eki окт lok',
  'nov stu kas ноя marr',
  'dec déc dez des dic gru pro ara дек jou',
]

/** A month here, another one there: Polish or Czech, and Croatian. */
const AMBIGUOUS = ['lip', 'srp', 'lis']

const MONTHS: ReadonlyMap<string, number> = new Map([
  ...NAMES.flatMap((names, index) => names.split(' ').map((name) => [name, index + 1] as const)),
  ...AMBIGUOUS.map((name) => [name, 0] as const),
])

/** By {@link keyOf} the three letters that most servers print, so that no string has to be made of them. */
const PRINTED: ReadonlyMap<number, number> = new Map(
  NAMES.map(
    (names, index) => [keyOf(names.charAt(0).toUpperCase() + names.slice(1, 3), 0), index + 1] as const,
  ),
)

const LONGEST = 12

/**
 * The number of the month whose name begins the word from `start` to `end`: `Jan`, `SEPT`, `Juli`, `févr.`. 0 for one
 * that cannot be told, `undefined` for what is none.
 */
export function monthAt(line: string, start: number, end: number): number | undefined {
  if (end - start > LONGEST) return undefined
  const printed = end - start === 3 ? PRINTED.get(keyOf(line, start)) : undefined
  if (printed !== undefined) return printed
  const name = line.slice(start, end).toLowerCase()
  return MONTHS.get(name) ?? MONTHS.get(name.slice(0, 4)) ?? MONTHS.get(name.slice(0, 3))
}

export function monthOf(word: string): number | undefined {
  return monthAt(word, 0, word.length)
}

/** Three letters of ASCII in one number; 0 for others. */
function keyOf(line: string, at: number): number {
  const first = line.charCodeAt(at)
  const second = line.charCodeAt(at + 1)
  const third = line.charCodeAt(at + 2)
  return (first | second | third) < 0x80 ? (first << 16) | (second << 8) | third : 0
}
