/** The tables of bench/RESULTS.md, as they stand there. */

/** A row: what stands in each column, by the column's heading. That of the first column is mostly empty. */
export type Row = ReadonlyMap<string, string>

/** The first table behind the first of `marks`, the second behind that, and so on: each narrows where the next is looked for. */
export function tableBehind(text: string, ...marks: readonly string[]): readonly Row[] {
  let at = 0
  for (const mark of marks) {
    at = text.indexOf(mark, at)
    if (at < 0) throw new Error(`There is no ${JSON.stringify(mark)} in the results`)
    at += mark.length
  }
  const [lines = ''] = text.slice(text.indexOf('\n|', at)).trim().split('\n\n')
  const [heads = [], , ...rows] = lines.split('\n').map(cellsOf)
  return rows.map((cells) => new Map(heads.map((head, column) => [head, cells[column] ?? ''])))
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.replaceAll('**', '').trim())
}

/** The number that a cell begins with; `undefined` for one that begins with another thing, or tells a multiple of one. */
export function numberIn(row: Row, column: string): number | undefined {
  const [number] = /^[\d.]+(?=[^×]*$)/.exec(row.get(column) ?? '') ?? []
  return number === undefined ? undefined : Number(number)
}
