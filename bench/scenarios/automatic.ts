/** Octoftp with each of some numbers of connections, and by itself: what `'auto'` is judged by. */
import type { Client } from '../clients/clients.ts'
import { named, type Way } from './downloads.ts'

/** Unless others are asked for. */
export const NUMBERS: readonly number[] = [1, 2, 4, 8, 16]

/** @param idealSeconds by the number of connections; for `'auto'` that of the most */
export function numbersAndAuto(
  clients: readonly Client[],
  numbers: readonly number[],
  idealSeconds: (connections: number) => number | undefined,
): Way[] {
  return named(clients, ['octoftp']).flatMap((client): Way[] => [
    ...numbers.map((connections) => ({
      ...{ client, connections, label: labelOf(connections), idealSeconds: idealSeconds(connections) },
    })),
    {
      ...{ client, connections: 0, automatic: true, label: "octoftp, 'auto'" },
      idealSeconds: idealSeconds(Math.max(...numbers)),
      comparedWith: numbers.map(labelOf),
    },
  ])
}

function labelOf(connections: number): string {
  return `octoftp, ${connections} connection${connections === 1 ? '' : 's'}`
}
