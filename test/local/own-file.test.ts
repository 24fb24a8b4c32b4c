import { describe, expect, test } from 'vitest'
import { isNothingThere } from '../../src/local/own-file.ts'

describe('isNothingThere', () => {
  test.each(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EISDIR'])(
    '%s: there is nothing that we could go on with',
    (code) => {
      expect(isNothingThere(Object.assign(new Error(code), { code }))).toBe(true)
    },
  )

  test.each(['EMFILE', 'ENFILE', 'EIO', 'ENOMEM', 'ESTALE', undefined])(
    '%s: it cannot be said now',
    (code) => {
      expect(isNothingThere(Object.assign(new Error(String(code)), { code }))).toBe(false)
    },
  )
})
