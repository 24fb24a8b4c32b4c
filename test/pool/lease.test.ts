import { describe, expect, test } from 'vitest'
import { Lease, type LeaseEnd } from '../../src/pool/lease.ts'

function lend(): { lease: Lease<string>; ends: LeaseEnd[] } {
  const ends: LeaseEnd[] = []
  return { lease: new Lease('thing', (end) => ends.push(end)), ends }
}

describe('Lease', () => {
  test('is given back once, whatever is called afterwards', async () => {
    const { lease, ends } = lend()
    expect(lease.value).toBe('thing')
    lease.release()
    lease.release()
    lease.discard('too late')
    await lease[Symbol.asyncDispose]()
    expect(ends).toEqual([{ type: 'release' }])
  })

  test('is discarded with its reason, and then not released', () => {
    const { lease, ends } = lend()
    lease.discard('broken')
    lease.release()
    expect(ends).toEqual([{ type: 'discard', reason: 'broken' }])
  })

  test('is released at the end of its scope, also by an error', async () => {
    const { lease, ends } = lend()
    const failing = async (): Promise<void> => {
      await using held = lease
      throw new Error(held.value)
    }
    await expect(failing()).rejects.toThrow('thing')
    expect(ends).toEqual([{ type: 'release' }])
  })

  test('can be held by a plain using', () => {
    const { lease, ends } = lend()
    {
      using held = lease
      expect(held.value).toBe('thing')
    }
    expect(ends).toEqual([{ type: 'release' }])
  })
})
