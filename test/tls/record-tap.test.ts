import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordTap } from '../../src/tls/record-tap.ts'

interface Sent {
  readonly type: number
  readonly length: number
}

const data = fc.record({ type: fc.constant(23), length: fc.integer({ min: 20, max: 400 }) })
const alerts: readonly Sent[] = [
  { type: 21, length: 26 }, // TLS 1.2
  { type: 23, length: 19 }, // TLS 1.3
  { type: 23, length: 11 }, // TLS 1.3, CCM_8
]

function bytesOf(records: readonly Sent[]): Buffer {
  return Buffer.concat(
    records.flatMap(({ type, length }) => [
      Buffer.from([type, 3, 3, length >> 8, length & 255]),
      Buffer.alloc(length, 23),
    ]),
  )
}

function tapped(bytes: Buffer, cuts: readonly number[]): RecordTap {
  const tap = new RecordTap()
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (const [index, start] of at.entries()) tap.push(bytes.subarray(start, at[index + 1]))
  return tap
}

test('an alert at the end is an orderly end, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(data), fc.constantFrom(...alerts), fc.array(fc.nat()), (records, alert, cuts) => {
      expect(tapped(bytesOf([...records, alert]), cuts).isClosedInOrder).toBe(true)
    }),
  )
})

test('data at the end, a record that is not whole, or nothing at all is none', () => {
  fc.assert(
    fc.property(
      fc.array(data, { minLength: 1 }),
      fc.array(fc.nat()),
      fc.nat(30),
      (records, cuts, missing) => {
        expect(tapped(bytesOf(records), cuts).isClosedInOrder).toBe(false)
        const closed = bytesOf([...records, { type: 21, length: 26 }])
        expect(tapped(closed.subarray(0, closed.length - 1 - missing), cuts).isClosedInOrder).toBe(false)
      },
    ),
  )
  expect(new RecordTap().isClosedInOrder).toBe(false)
})
