/** The order of a directory: directories first, then by what people choose. Pure. */
import type { Row } from '../model.ts'

export interface Item {
  readonly row: Row
  /** By which names are compared, character by character. */
  readonly key: string
}

export type Column = 'name' | 'size' | 'modified'

export interface Order {
  readonly column: Column
  readonly isDescending: boolean
}

/** Without regard to case, and with numbers by their size: each is preceded by how many digits it has. */
export function itemOf(row: Row): Item {
  const key = row[1]
    .toLowerCase()
    .normalize('NFD')
    .replaceAll(
      /0*(\d+)/g,
      (_, digits: string) => String.fromCharCode(48 + Math.min(digits.length, 70)) + digits,
    )
  return { row, key }
}

export function comparison({ column, isDescending }: Order): (one: Item, other: Item) => number {
  const sign = isDescending ? -1 : 1
  return (one, other) =>
    rank(one) - rank(other) || sign * compareBy(column, one, other) || compareTexts(one.row[1], other.row[1])
}

function rank({ row }: Item): number {
  return row[0] === 'directory' ? 0 : 1
}

function compareBy(column: Column, one: Item, other: Item): number {
  if (column === 'name') return compareTexts(one.key, other.key)
  const at = column === 'size' ? 2 : 3
  return (one.row[at] ?? -1) - (other.row[at] ?? -1)
}

function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
