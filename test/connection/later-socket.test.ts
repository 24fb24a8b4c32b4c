/** A data connection that somebody else makes, and that comes too late. */
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { laterSocket } from '../../src/connection/data-socket.ts'

test('one that comes when its data socket was reset is destroyed, and not begun', async () => {
  const late = new Duplex()
  const told: string[] = []
  const socket = laterSocket(
    Promise.resolve(late),
    () => {
      throw new Error('it was begun')
    },
    { failed: (error) => told.push(error.message) },
    () => told.push('given up'),
  )
  socket.reset()
  await new Promise((resolve) => setImmediate(resolve))
  expect(late.destroyed).toBe(true)
  expect(told).toEqual(['given up'])
})
