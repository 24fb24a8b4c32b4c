/** Entries of a listing, for people and for programs. Pure. */
import type { Entry } from '../../index.ts'
import type { Style } from './paint.ts'
import { sizeText } from './sizes.ts'

export interface EntryLine {
  readonly text: string
  readonly style: Style | undefined
}

const TYPES = { file: '-', directory: 'd', symlink: 'l', other: '?' } as const

/** Names, and in long form what is known of each; in columns that are as wide as they need to be. */
export function entryLines(entries: readonly Entry[], { isLong }: { readonly isLong: boolean }): EntryLine[] {
  const styleOf = ({ type }: Entry): Style | undefined =>
    type === 'directory' ? 'cyan' : type === 'symlink' ? 'yellow' : undefined
  if (!isLong) return entries.map((entry) => ({ text: nameOf(entry), style: styleOf(entry) }))
  const rows = entries.map((entry) => [
    TYPES[entry.type] + (entry.permissions ?? ''),
    entry.owner ?? '',
    entry.group ?? '',
    entry.size === undefined || entry.type === 'directory' ? '' : sizeText(entry.size),
    timeText(entry),
  ])
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)))
  return entries.map((entry, index) => {
    const cells = (rows[index] ?? []).map((cell, column) =>
      column === 3 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
    )
    const target = entry.target === undefined ? '' : ` -> ${entry.target}`
    const shown = [...cells.filter((_, column) => (widths[column] ?? 0) > 0), nameOf(entry) + target]
    return { text: shown.join('  '), style: styleOf(entry) }
  })
}

/** Directories first, each kind by name. */
export function sorted(entries: readonly Entry[]): Entry[] {
  const rank = ({ type }: Entry): number => (type === 'directory' ? 0 : 1)
  const key = ({ path, name }: Entry): string => path ?? name
  return [...entries].sort((a, b) =>
    a.path === undefined && rank(a) !== rank(b) ? rank(a) - rank(b) : key(a) < key(b) ? -1 : 1,
  )
}

/** What a program is told of an entry: all but how the server wrote it. */
export function entryFacts(entry: Entry): object {
  const { name, path, type, size, modifiedAt, modifiedPrecision, target, permissions, owner, group } = entry
  return { name, path, type, size, modifiedAt, modifiedPrecision, target, permissions, owner, group }
}

function nameOf({ name, path, type }: Entry): string {
  return (path ?? name) + (type === 'directory' ? '/' : '')
}

/** In UTC, and no more exactly than the server told it. */
function timeText({ modifiedAt, modifiedPrecision }: Entry): string {
  if (modifiedAt === undefined) return ''
  const text = modifiedAt.toISOString().replace('T', ' ')
  return modifiedPrecision === 'day' ? text.slice(0, 10) : text.slice(0, 16)
}
