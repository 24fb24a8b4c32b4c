/** Entries, contexts and the like, with what a test does not speak of filled in. */
import type { TreeEntry } from '../../src/local/tree-entry.ts'
import type { DiffContext } from '../../src/mirror/diff.ts'
import { mirrorSettings, type MirrorOptions } from '../../src/mirror/mirror-options.ts'

export const NOON: number = Date.UTC(2026, 4, 20, 12)

const NOTHING = { size: undefined, modifiedMs: undefined, precision: undefined, target: undefined } as const

export function file(name: string, facts: Partial<TreeEntry> = {}): TreeEntry {
  return { ...NOTHING, name, type: 'file', size: 10, modifiedMs: NOON, precision: 'second', ...facts }
}

export function directory(name: string): TreeEntry {
  return { ...NOTHING, name, type: 'directory', modifiedMs: NOON, precision: 'second' }
}

export function link(name: string, target: string | undefined): TreeEntry {
  return { ...NOTHING, name, type: 'symlink', target }
}

export function other(name: string): TreeEntry {
  return { ...NOTHING, name, type: 'other' }
}

export function contextOf(
  options: MirrorOptions = {},
  facts: Partial<Omit<DiffContext, 'settings'>> = {},
): DiffContext {
  const settings = mirrorSettings(options, 8)
  return { settings, path: '', direction: 'down', keepsTimes: true, isCaseInsensitive: false, ...facts }
}
