/** Which directories a mirror has been in when it comes to one. */
import { describe, expect, test } from 'vitest'
import { below, cameThrough, depthRefusal, UNKNOWN, type Way } from '../../src/mirror/way.ts'

const root: Way = { path: '', real: '/srv/pub', unique: 'a', above: undefined }
const linked: Way = { path: 'link', real: '/data/x', unique: undefined, above: root }
const inner: Way = { path: 'link/y', ...below(linked, 'y', 'c'), above: linked }

describe('cameThrough', () => {
  test.each([
    ['the directory itself', '/data/x/y', inner],
    ['one above it', '/data/x', inner],
    ['one above a link on the way', '/data', inner],
    ['what the way has begun in', '/srv/pub', root],
    ['one above that', '/srv', root],
    ['the root of the server', '/', inner],
    ['one beside it', '/data/x/yy', undefined],
    ['one below it', '/data/x/y/z', undefined],
    ['one elsewhere', '/srv/public', undefined],
  ])('%s', (_name, real, found) => {
    expect(cameThrough(inner, { real, unique: undefined })).toBe(found)
  })

  test('knows a directory by what the listing calls it, under any path', () => {
    expect(cameThrough(inner, { real: undefined, unique: 'a' })).toBe(root)
    expect(cameThrough(inner, { real: undefined, unique: 'b' })).toBeUndefined()
    expect(cameThrough(inner, UNKNOWN)).toBeUndefined()
  })
})

test('where the path above is not known, neither is the one below', () => {
  expect(below({ ...root, real: '/' }, 'a', 'u')).toEqual({ real: '/a', unique: 'u' })
  expect(below({ ...root, real: undefined }, 'a', undefined)).toEqual(UNKNOWN)
})

test('64 directories are deep enough, unless somebody says how many', () => {
  const path = (depth: number): string => Array.from({ length: depth }, () => 'd').join('/')
  expect(depthRefusal(path(64), Infinity)).toBeUndefined()
  expect(depthRefusal(path(65), Infinity)).toMatchObject({ code: 'ERR_FTP_LISTING_TOO_LARGE' })
  expect(depthRefusal(path(65), 65)).toBeUndefined()
})
