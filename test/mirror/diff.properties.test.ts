import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isOwnName } from '../../src/local/names.ts'
import type { TreeEntry } from '../../src/local/tree-entry.ts'
import type { Action } from '../../src/mirror/action.ts'
import { diff, type DiffContext } from '../../src/mirror/diff.ts'
import { mirrorFilter } from '../../src/mirror/filter.ts'
import type { MirrorOptions } from '../../src/mirror/mirror-options.ts'
import { haveAlike, nameKey } from '../../src/mirror/name-key.ts'
import { contextOf, NOON } from './entries.ts'
import { flat, SimulatedMirror, type Node } from './simulated-mirror.ts'

const names = fc.constantFrom(
  ...['a', 'A', 'b', 'é', 'e\u0301', 'x.tmp', 'X.TMP', '.git', 'cache', 'x.octoftp-part', '__proto__'],
)
const precisions = fc.constantFrom('millisecond', 'second', 'minute', 'day')
const MINUTE = 60_000
const times = fc.constantFrom(NOON, NOON + 1_000, NOON + MINUTE, NOON + 90 * MINUTE, NOON - 3_000_000_000)
const knownTimes = fc.record({ modifiedMs: times, precision: precisions })
const unknownTime = fc.constant({ modifiedMs: undefined, precision: undefined })

interface TreeKinds {
  /** Also files of which the size or the time is not known. */
  readonly isVague: boolean
  /** Also what is neither file, directory nor link. */
  readonly hasOthers: boolean
}

function trees({ isVague, hasOthers }: TreeKinds): fc.Arbitrary<Node[]> {
  const nothing = { size: undefined, modifiedMs: undefined, precision: undefined, target: undefined } as const
  const sizes: fc.Arbitrary<number | undefined> = isVague
    ? fc.option(fc.nat(2), { nil: undefined })
    : fc.nat(2)
  const moments = isVague ? fc.oneof(knownTimes, unknownTime) : knownTimes
  const files = fc
    .tuple(names, sizes, moments)
    .map(([name, size, time]): TreeEntry => ({ name, type: 'file', size, ...time, target: undefined }))
  const links = fc
    .tuple(names, fc.constantFrom('a', '../b'))
    .map(([name, target]): TreeEntry => ({ ...nothing, name, type: 'symlink', target }))
  const others = names.map((name): TreeEntry => ({ ...nothing, name, type: 'other' }))
  const leaves = (hasOthers ? fc.oneof(files, files, links, others) : fc.oneof(files, files, links)).map(
    (entry): Node => ({ entry, children: [] }),
  )
  const levels = fc.letrec<{ directory: Node; nodes: Node[] }>((tie) => ({
    directory: fc
      .tuple(names, tie('nodes'))
      .map(([name, children]): Node => ({ entry: { ...nothing, name, type: 'directory' }, children })),
    nodes: fc.uniqueArray(fc.oneof({ maxDepth: 3 }, leaves, tie('directory')), {
      selector: ({ entry }) => entry.name,
      maxLength: 6,
    }),
  }))
  return levels.nodes
}

const exact = trees({ isVague: false, hasOthers: false })
const any = trees({ isVague: true, hasOthers: true })

const EXCLUDE = ['*.tmp', 'cache/', 'a/b'] as const

const allOptions: fc.Arbitrary<MirrorOptions> = fc.record({
  compare: fc.constantFrom('size+modified', 'size', 'checksum', 'always'),
  overwrite: fc.constantFrom('replace', 'replace', 'skip', 'error'),
  delete: fc.boolean(),
  deleteExcluded: fc.boolean(),
  symlinks: fc.constantFrom('skip', 'follow', 'recreate'),
  maxDepth: fc.constantFrom(0, 1, 2, Infinity, Infinity),
  newerThan: fc.option(fc.constant(new Date(NOON)), { nil: undefined }),
  exclude: fc.constantFrom([], EXCLUDE),
  include: fc.constantFrom([], [], ['a', 'b', '**/x.*']),
})
const sides = fc.record({
  keepsTimes: fc.boolean(),
  isCaseInsensitive: fc.boolean(),
  direction: fc.constantFrom('down', 'up'),
})

/** A directory that ignores case has no two names that differ in it. */
function possible(nodes: readonly Node[], context: DiffContext): readonly Node[] {
  if (!context.isCaseInsensitive) return nodes
  const first = new Map<string, Node>()
  for (const { entry, children } of nodes) {
    const key = nameKey(entry.name)
    if (!first.has(key)) first.set(key, { entry, children: possible(children, context) })
  }
  return [...first.values()]
}

interface Run {
  readonly source: readonly Node[]
  readonly context: DiffContext
  readonly before: ReadonlyMap<string, TreeEntry>
  readonly after: ReadonlyMap<string, TreeEntry>
  readonly actions: readonly Action[]
}

function forEveryMirror(options: fc.Arbitrary<MirrorOptions>, check: (run: Run) => void): void {
  const property = fc.property(any, any, options, sides, (source, there, given, facts) => {
    const context = contextOf(given, facts)
    const mirror = new SimulatedMirror(possible(there, context), context)
    const before = mirror.entries
    const actions = mirror.run(source)
    check({ source, context, before, after: mirror.entries, actions })
  })
  fc.assert(property, { numRuns: 1_500 })
}

const shapeOf = ({ type, size, target }: TreeEntry): unknown => ({ type, size, target })

describe('diff', () => {
  const everything = { delete: true, symlinks: 'recreate' } as const
  const whole = fc.constantFrom<MirrorOptions>(
    everything,
    { ...everything, compare: 'size' },
    { ...everything, deleteExcluded: true, maxDepth: 9 },
  )

  test('with delete the target becomes like the source, and a second run finds all of it equal', () => {
    const property = fc.property(exact, exact, whole, fc.boolean(), (source, there, options, keepsTimes) => {
      const mirror = new SimulatedMirror(withoutOwn(there), contextOf(options, { keepsTimes }))
      mirror.run(source)
      const shapes = [...mirror.entries].map(([path, entry]) => [path, shapeOf(entry)])
      const wanted = [...flat(source, '')].map(([path, entry]) => [path, shapeOf(entry)])
      expect(new Map(shapes as [string, unknown][])).toEqual(new Map(wanted as [string, unknown][]))
      const again = mirror.run(source)
      expect(again.filter(({ type }) => type !== 'equal')).toEqual([])
      expect(again.length).toBe(wanted.length)
    })
    fc.assert(property, { numRuns: 1_500 })
  })

  test('without delete nothing that the target has is lost', () => {
    const keeping = allOptions.map((options) => ({ ...options, delete: false }))
    forEveryMirror(keeping, ({ before, after, actions, context }) => {
      expect(actions.some(({ type }) => type === 'delete')).toBe(false)
      const keyOf = context.isCaseInsensitive ? nameKey : (path: string) => path
      const kept = new Map([...after].map(([path, entry]) => [keyOf(path), entry]))
      for (const [path, entry] of before) {
        const now = kept.get(keyOf(path))
        expect(now).toBeDefined()
        if (entry.type === 'directory' || entry.type === 'other') expect(now).toEqual(entry)
      }
    })
  })

  test('whether the target ignores case makes a difference only where names are alike', () => {
    const property = fc.property(any, any, allOptions, (source, there, options) => {
      const sides = [source, there].map((nodes) => nodes.map(({ entry }) => entry)) as [
        TreeEntry[],
        TreeEntry[],
      ]
      fc.pre(!haveAlike(sides.flat().map(({ name }) => name)))
      const exactly = diff(...sides, contextOf(options))
      expect(diff(...sides, contextOf(options, { isCaseInsensitive: true }))).toEqual(exactly)
    })
    fc.assert(property, { numRuns: 500 })
  })

  test('every entry of the source has one action, unless a directory above it was left out', () => {
    forEveryMirror(allOptions, ({ source, actions }) => {
      const told = actions.filter(({ type }) => type !== 'delete').map(({ path }) => path)
      const inSource = [...flat(source, '')].map(([path]) => path)
      const counts = new Map(inSource.map((path) => [path, 0]))
      // Beside these a path is told once more alone for what the target has, and keeps.
      for (const path of told) counts.set(path, (counts.get(path) ?? 0) + 1)
      const entered = new Set(
        actions
          .filter(
            (action) =>
              action.type === 'make-directory' || (action.type === 'equal' && action.rule === 'directory'),
          )
          .map(({ path }) => path),
      )
      for (const path of inSource) {
        const above = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : undefined
        const isReached = above === undefined || entered.has(above)
        if (isReached) expect([path, counts.get(path)]).toEqual([path, 1])
      }
    })
  })

  test('what is excluded, and what is ours, is never deleted, not even with its directory', () => {
    forEveryMirror(allOptions, ({ context, before, after, actions }) => {
      const { settings } = context
      const deleted = actions.filter((action) => action.type === 'delete')
      expect(deleted.some(({ entry }) => isOwnName(entry.name))).toBe(false)
      for (const [path, entry] of before) if (isOwnName(entry.name)) expect(after.get(path)).toBe(entry)
      if (settings.deleteExcluded) return
      expect(deleted.filter(({ path, entry }) => settings.filter.isExcluded(path, entry))).toEqual([])
    })
  })

  test('with deleteExcluded what is excluded goes, too', () => {
    const options = { delete: true, deleteExcluded: true, exclude: EXCLUDE, symlinks: 'recreate' } as const
    const { isExcluded } = mirrorFilter({ exclude: EXCLUDE })
    const property = fc.property(exact, exact, (source, there) => {
      const mirror = new SimulatedMirror(withoutOwn(there), contextOf(options))
      mirror.run(source)
      const left = [...mirror.entries].filter(([path, entry]) => isExcluded(path, entry))
      expect(left).toEqual([])
    })
    fc.assert(property, { numRuns: 500 })
  })

  test('no path is written twice, nor one where something was found to stay', () => {
    forEveryMirror(allOptions, ({ actions, context }) => {
      const keyOf = context.isCaseInsensitive ? nameKey : (path: string) => path
      const types = ['transfer', 'link', 'make-directory', 'equal', 'compare-checksum']
      const settled = actions.filter(({ type }) => types.includes(type)).map(({ path }) => keyOf(path))
      expect(settled.length).toBe(new Set(settled).size)
    })
  })

  test('what is newly deleted for something else is followed by it', () => {
    forEveryMirror(allOptions, ({ actions, context }) => {
      const keyOf = context.isCaseInsensitive ? nameKey : (path: string) => path
      for (const [at, action] of actions.entries()) {
        if (action.type !== 'delete' || !action.first || action.isTree) continue
        const next = actions[at + 1]
        expect(next?.type).toBe('make-directory')
        expect(keyOf(next?.path ?? '')).toBe(keyOf(action.path))
      }
    })
  })
})

function withoutOwn(nodes: readonly Node[]): readonly Node[] {
  return nodes
    .filter(({ entry }) => !isOwnName(entry.name))
    .map(({ entry, children }) => ({ entry, children: withoutOwn(children) }))
}
