import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CONTROL_ORIGIN, Tickets } from '../../src/tls/tickets.ts'

const ticket = (name: number): Uint8Array => Uint8Array.of(name >> 8, name & 0xff)
const nameOf = (session: Uint8Array | undefined): number | undefined =>
  session && ((session[0] ?? 0) << 8) + (session[1] ?? 0)

function filled(...names: number[]): Tickets {
  const tickets = new Tickets()
  for (const name of names) tickets.add(ticket(name), CONTROL_ORIGIN)
  return tickets
}

const taken = (tickets: Tickets, count: number): (number | undefined)[] =>
  Array.from({ length: count }, () => nameOf(tickets.take()))

describe('Tickets', () => {
  test('none has come: there is none to offer', () => {
    expect(new Tickets().take()).toBeUndefined()
  })

  test('the newest first, and when all are used the last used one for as long as it takes', () => {
    expect(taken(filled(1, 2, 3), 5)).toEqual([3, 2, 1, 1, 1])
  })

  test('a new ticket comes before the used one', () => {
    const tickets = filled(1)
    tickets.take()
    tickets.add(ticket(2), tickets.nextOrigin())
    expect(taken(tickets, 2)).toEqual([2, 2])
  })

  test('what a cut connection brought goes behind older ones, and before used ones', () => {
    const tickets = filled(1, 2)
    const cut = tickets.nextOrigin()
    tickets.add(ticket(3), cut)
    tickets.add(ticket(4), cut)
    tickets.add(ticket(5), tickets.nextOrigin())
    tickets.doubt(cut)
    expect(taken(tickets, 6)).toEqual([5, 2, 1, 4, 3, 3])
  })

  test('of several cut connections the last cut one is the least doubtful', () => {
    const tickets = new Tickets()
    const cut = [tickets.nextOrigin(), tickets.nextOrigin()] as const
    tickets.add(ticket(1), cut[0])
    tickets.add(ticket(2), cut[1])
    tickets.doubt(cut[0])
    tickets.doubt(cut[1])
    expect(taken(tickets, 2)).toEqual([2, 1])
  })

  test('each data connection has an origin of its own, other than the control connection', () => {
    const tickets = new Tickets()
    const origins = [CONTROL_ORIGIN, tickets.nextOrigin(), tickets.nextOrigin(), tickets.nextOrigin()]
    expect(new Set(origins).size).toBe(4)
  })

  test('keeps the newest of very many', () => {
    const tickets = filled(...Array.from({ length: 10_000 }, (_, index) => index))
    expect(tickets.unused).toBeLessThanOrEqual(32)
    expect(taken(tickets, 2)).toEqual([9_999, 9_998])
  })
})

type Step = { readonly do: 'add' | 'doubt'; readonly origin: number } | { readonly do: 'take' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('add' as const, 'add' as const, 'doubt' as const), origin: fc.nat(6) }),
    fc.record({ do: fc.constant('take' as const) }),
  ),
  { maxLength: 200, size: 'max' },
)

test('whatever comes: no ticket twice while another is unused, doubtful ones last, memory bounded', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const tickets = new Tickets()
      let fresh: { readonly name: number; readonly origin: number }[] = []
      const given: (number | undefined)[] = []
      let added = 0
      for (const step of sequence) {
        switch (step.do) {
          case 'add':
            added += 1
            fresh = [...fresh, { name: added, origin: step.origin }].slice(-16)
            tickets.add(ticket(added), step.origin)
            break
          case 'doubt':
            fresh = fresh.filter(({ origin }) => origin !== step.origin)
            tickets.doubt(step.origin)
            break
          case 'take': {
            const { unused } = tickets
            const next = nameOf(tickets.take())
            if (fresh.length > 0) expect(next).toBe(fresh.pop()?.name)
            if (unused > 0) expect(given).not.toContain(next)
            else expect(next).toBe(given.at(-1))
            expect(tickets.unused).toBe(Math.max(0, unused - 1))
            given.push(next)
            break
          }
          default:
            step satisfies never
        }
        expect(tickets.unused).toBeGreaterThanOrEqual(fresh.length)
        expect(tickets.unused).toBeLessThanOrEqual(32)
      }
    }),
    { numRuns: 150 },
  )
})
