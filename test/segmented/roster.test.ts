import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Roster, type DroppedSource } from '../../src/segmented/roster.ts'
import type { Source } from '../../src/segmented/source.ts'

/** A roster looks at nothing of a source but which one it is. */
function sources(count: number): Source[] {
  return Array.from({ length: count }, (_, index) => ({ index, dropped: undefined }) as unknown as Source)
}

function dealt(roster: Roster, connections: number): Source[] {
  return Array.from({ length: connections }, (_, connection) => roster.sourceOf(connection))
}

describe('Roster', () => {
  test('deals the connections out in the order of the sources, and leaves them where they are', () => {
    const [a, b, c] = sources(3) as [Source, Source, Source]
    const roster = new Roster([a, b, c], () => {})
    expect(dealt(roster, 7)).toEqual([a, b, c, a, b, c, a])
    expect(dealt(roster, 7)).toEqual([a, b, c, a, b, c, a])
  })

  test('one that is dropped gives its connections to the others, and is told', () => {
    const [a, b, c] = sources(3) as [Source, Source, Source]
    const dropped: DroppedSource[] = []
    const roster = new Roster([a, b, c], (event) => dropped.push(event))
    dealt(roster, 6)
    expect(roster.drop(b, 'failed', 'why')).toBe(true)
    expect(dealt(roster, 6)).toEqual([a, a, c, a, c, c])
    expect(dropped).toEqual([{ source: b, reason: 'failed', error: 'why' }])
    expect(b.dropped).toBe('failed')
    expect(roster.drop(b, 'slow', undefined)).toBe(false)
  })

  test('the last one stays', () => {
    const [a, b] = sources(2) as [Source, Source]
    const roster = new Roster([a, b], () => {})
    expect(roster.drop(a, 'slow', undefined)).toBe(true)
    expect(roster.drop(b, 'failed', undefined)).toBe(false)
    expect(roster.live).toEqual([b])
  })

  test('one that joins gets its share and its rank', () => {
    const [a, b, c] = sources(3) as [Source, Source, Source]
    const roster = new Roster([a, c], () => {})
    dealt(roster, 6)
    roster.join(b, [a, b, c])
    expect(roster.live).toEqual([a, b, c])
    const now = dealt(roster, 6)
    expect([a, b, c].map((source) => now.filter((one) => one === source).length)).toEqual([2, 2, 2])
  })

  test('whatever joins and leaves, every connection has a live source, none much more than another, few move', () => {
    const steps = fc.array(fc.record({ joins: fc.boolean(), which: fc.nat(5) }), { maxLength: 20 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 16 }), (script, connections) => {
        const all = sources(6)
        const roster = new Roster(all.slice(0, 1), () => {})
        let before = dealt(roster, connections)
        for (const { joins, which } of script) {
          const source = all[which]
          if (source === undefined) throw new RangeError('There is no such source')
          if (joins) roster.join(source, all)
          else roster.drop(source, 'failed', undefined)
          const now = dealt(roster, connections)
          const counts = roster.live.map((one) => now.filter((other) => other === one).length)
          expect(counts.reduce((sum, count) => sum + count, 0)).toBe(connections)
          if (joins) expect(Math.max(...counts) - (counts[roster.live.indexOf(source)] ?? 0)).toBeLessThan(2)
          const moved = now.filter((one, index) => one !== before[index])
          if (joins) expect(moved.every((one) => one === source)).toBe(true)
          before = now
        }
      }),
      { numRuns: 300 },
    )
  })
})
