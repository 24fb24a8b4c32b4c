/** What `rm` does not remove, however it is written. */
import { expect, it } from 'vitest'
import { holds, isWhole } from '../../src/cli/guarded-path.ts'

it.each([
  '',
  '/',
  '//',
  '.',
  './',
  '/.',
  '//.',
  '/./',
  'sub/..',
  '/sub/..',
  '..',
  '/..',
  '../x',
  '/a/../..',
  'a/../../b',
])('%j is the whole, or above it', (path) => {
  expect(isWhole(path)).toBe(true)
})

it.each(['a', '/a', './a', 'a/', 'a/..b', '...', '/a/../b'])('%j is in it', (path) => {
  expect(isWhole(path)).toBe(false)
})

it.each([
  ['/', '/', true],
  ['/a', '/a', true],
  ['/a/', '/a/b', true],
  ['/', '/a', true],
  ['/a/../a/.', '/a', true],
  ['/a', '/ab', false],
  ['/a/b', '/a', false],
] as const)('%j holds %j: %j', (path, directory, isIn) => {
  expect(holds(path, directory)).toBe(isIn)
})
