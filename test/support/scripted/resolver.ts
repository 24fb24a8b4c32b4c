/**
 * A resolver that answers for one name as a test wants it, and for all others as the system's does:
 *
 *   vi.mock('node:dns/promises', async (original) => (await import('…/resolver.ts')).resolving(original))
 */
import type * as dns from 'node:dns/promises'
import { isIP } from 'node:net'

export const SEVERAL = 'several.test'
/** For {@link SEVERAL}: a list for each time it is asked; the last one for ever. */
export const answers: string[][] = []

export async function resolving(original: () => Promise<unknown>): Promise<typeof dns> {
  const real = (await original()) as typeof dns
  const lookup = (host: string, options: { all: true; family: number }): Promise<unknown> => {
    if (host !== SEVERAL) return real.lookup(host, options)
    const addresses = (answers.length > 1 ? answers.shift() : answers[0]) ?? []
    return Promise.resolve(addresses.map((address) => ({ address, family: isIP(address) })))
  }
  return { ...real, lookup: lookup as typeof real.lookup }
}
