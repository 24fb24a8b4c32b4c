import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseSizeReply } from '../../src/protocol/size.ts'
import { reply } from './support.ts'

it('reads any exact size', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (size) => {
      expect(parseSizeReply(reply(213, ` ${size} `))).toBe(size)
    }),
  )
  expect(parseSizeReply(reply(213, '9007199254740991'))).toBe(Number.MAX_SAFE_INTEGER)
})

it.each(['', '-1', '1.5', '1e3', '0x10', '12 bytes', '1 2', 'size'])('%j tells no size', (text) => {
  expect(parseSizeReply(reply(213, text))).toBeUndefined()
})

it('reads no size from another reply', () => {
  expect(parseSizeReply(reply(550, '42'))).toBeUndefined()
})

it.each(['9007199254740992', '9'.repeat(40)])('%s is impossible', (text) => {
  expect(() => parseSizeReply(reply(213, text))).toThrow(
    expect.objectContaining({ code: 'ERR_FTP_MALFORMED_REPLY' }),
  )
})
