import { expect, test } from 'vitest'
import { TlsTally } from '../../src/segmented/tls-tally.ts'

test('a transfer in clear has no TLS facts', () => {
  expect(new TlsTally().result()).toBeUndefined()
})

test('counts the protected data connections, and those of them that resumed', () => {
  const tally = new TlsTally()
  tally.add({ protocol: 'TLSv1.3', resumed: false })
  tally.add({ protocol: 'TLSv1.3', resumed: true })
  tally.add({ protocol: 'TLSv1.3', resumed: true })
  expect(tally.result()).toEqual({ protocol: 'TLSv1.3', dataSessions: 3, dataSessionsReused: 2 })
})
