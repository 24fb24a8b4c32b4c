/** Two trees in memory, and a mirror between them that does what `diff` says, and nothing else. */
import { expect } from 'vitest'
import { isOwnName } from '../../src/local/names.ts'
import type { TreeEntry } from '../../src/local/tree-entry.ts'
import type { Action } from '../../src/mirror/action.ts'
import { diff, joinedPath, type DiffContext } from '../../src/mirror/diff.ts'
import { nameKey } from '../../src/mirror/name-key.ts'

export interface Node {
  readonly entry: TreeEntry
  /** Of a directory. */
  readonly children: readonly Node[]
}

/** A directory of the target: by name, or by what the file system takes for one. */
type Directory = Map<string, { readonly entry: TreeEntry; readonly children: Directory | undefined }>

/** Later than any file of a tree: that of what is uploaded to a server that cannot set times. */
const NOW = Date.UTC(2027, 0, 1)

export class SimulatedMirror {
  readonly #context: DiffContext
  readonly #root: Directory
  #actions: Action[] = []

  constructor(target: readonly Node[], context: DiffContext) {
    this.#context = context
    this.#root = this.#directoryOf(target)
  }

  /** Makes the target like the source, and gives what that took. */
  run(source: readonly Node[]): readonly Action[] {
    this.#actions = []
    this.#mirror(source, this.#root, '')
    return this.#actions
  }

  /** All that the target has: the entry by its path. */
  get entries(): ReadonlyMap<string, TreeEntry> {
    return new Map(entriesIn(this.#root, ''))
  }

  #mirror(source: readonly Node[], target: Directory, path: string): void {
    const there = [...target.values()].map(({ entry }) => entry)
    const context = { ...this.#context, path }
    const entries = source.map(({ entry }) => entry)
    const { actions, descend } = diff(entries, there, context)
    if (there.length === 0) expect(diff(entries, undefined, context).actions).toEqual(actions)
    let hasStayed = false
    for (const action of actions) {
      this.#actions.push(action)
      // What was to come to where something of a directory has stayed.
      if (!hasStayed) this.#carryOut(action, target)
      hasStayed = action.type === 'delete' && action.first && target.has(this.#keyOf(lastName(action.path)))
    }
    for (const { name, target: state } of descend) {
      const below = target.get(this.#keyOf(name))?.children
      const { children } = source.find(({ entry }) => entry.name === name) ?? { children: [] }
      if (below === undefined) throw new Error(`There is no directory ${joinedPath(path, name)}`)
      if (state === 'missing') expect(below.size).toBe(0)
      this.#mirror(children, below, joinedPath(path, name))
    }
  }

  #carryOut(action: Action, target: Directory): void {
    const name = lastName(action.path)
    const key = this.#keyOf(name)
    const there = target.get(key)
    switch (action.type) {
      case 'transfer': {
        expect(action.replaces).toBe(there?.entry)
        expect(there?.children).toBeUndefined()
        const { size, precision } = action
        const modifiedMs = this.#context.keepsTimes ? action.modifiedMs : NOW
        target.set(key, {
          entry: { name, type: 'file', size, modifiedMs, precision, target: undefined },
          children: undefined,
        })
        return
      }
      case 'link': {
        expect(action.replaces).toBe(there?.entry)
        expect(there?.children).toBeUndefined()
        const nothing = { size: undefined, modifiedMs: undefined, precision: undefined } as const
        target.set(key, {
          entry: { ...nothing, name, type: 'symlink', target: action.target },
          children: undefined,
        })
        return
      }
      case 'make-directory': {
        expect(there).toBeUndefined()
        target.set(key, nodeOfDirectory(name))
        return
      }
      case 'delete':
        expect(action.entry).toBe(there?.entry)
        expect(action.isTree).toBe(there?.children !== undefined)
        if (there?.children !== undefined) this.#mirror([], there.children, action.path)
        // What is in it and stays keeps the directory, as on any system.
        if ((there?.children?.size ?? 0) === 0) target.delete(key)
        return
      case 'equal':
        expect(there).toBeDefined()
        return
      case 'skip':
      case 'refuse':
      case 'compare-checksum':
        return
      default:
        return action satisfies never
    }
  }

  #keyOf(name: string): string {
    return this.#context.isCaseInsensitive ? nameKey(name) : name
  }

  #directoryOf(nodes: readonly Node[]): Directory {
    return new Map(
      nodes.map(({ entry, children }) => [
        this.#keyOf(entry.name),
        { entry, children: entry.type === 'directory' ? this.#directoryOf(children) : undefined },
      ]),
    )
  }
}

/** All entries of a tree that are no files of ours, nor in such a directory. */
export function* flat(nodes: readonly Node[], path: string): Generator<[string, TreeEntry]> {
  for (const { entry, children } of nodes) {
    if (isOwnName(entry.name)) continue
    yield [joinedPath(path, entry.name), entry]
    yield* flat(children, joinedPath(path, entry.name))
  }
}

function* entriesIn(directory: Directory, path: string): Generator<[string, TreeEntry]> {
  for (const { entry, children } of directory.values()) {
    const own = joinedPath(path, entry.name)
    yield [own, entry]
    if (children !== undefined) yield* entriesIn(children, own)
  }
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function nodeOfDirectory(name: string): { readonly entry: TreeEntry; readonly children: Directory } {
  const unknown = { size: undefined, modifiedMs: undefined, precision: undefined, target: undefined } as const
  return { entry: { ...unknown, name, type: 'directory' }, children: new Map() }
}
