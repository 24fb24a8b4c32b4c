/** The first line of `ls -l`, which is none of its entries: `total 8`, `total: 0`, `insgesamt 8`, `合計 96`. */
import { sizeOf, Words } from './scan.ts'

const TOTALS = new Set([
  'total',
  'totale',
  'totaal',
  'totalt',
  'totalement',
  'insgesamt',
  'summa',
  'samtals',
  'razem',
  'celkem',
  'spolu',
  'összesen',
  'yhteensä',
  'toplam',
  'итого',
  'всего',
  'усього',
  'σύνολο',
  '合計',
  '合计',
  '总计',
  '總計',
  '总用量',
  '總用量',
  '합계',
])

export function isTotal(line: string): boolean {
  const words = new Words(line)
  const word = words.next().toLowerCase()
  if (!TOTALS.has(word.endsWith(':') ? word.slice(0, -1) : word)) return false
  return sizeOf(words.next()) !== undefined && words.isAtEnd
}
