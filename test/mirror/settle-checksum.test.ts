import { describe, expect, test } from 'vitest'
import type { CompareChecksumAction } from '../../src/mirror/action.ts'
import { diff } from '../../src/mirror/diff.ts'
import { settleChecksum } from '../../src/mirror/settle-checksum.ts'
import { contextOf, file, NOON } from './entries.ts'

const LATE = { modifiedMs: NOON + 60_000 }

function asked(ofTarget = {}): CompareChecksumAction {
  const [action] = diff([file('a')], [file('a', ofTarget)], contextOf({ compare: 'checksum' })).actions
  if (action?.type !== 'compare-checksum') throw new Error('No checksum is asked for')
  return action
}

describe('settleChecksum', () => {
  const context = contextOf({ compare: 'checksum' })

  test('the same checksum is equal, whatever the times', () => {
    expect(settleChecksum(asked(LATE), 'same', context)).toEqual({
      type: 'equal',
      path: 'a',
      rule: 'checksum',
    })
  })

  test('another one is transferred, whatever the times', () => {
    const { size, modifiedMs, precision } = file('a')
    const facts = { path: 'a', size, modifiedMs, precision, replaces: file('a') }
    expect(settleChecksum(asked(), 'different', context)).toEqual({
      type: 'transfer',
      ...facts,
      reason: 'checksum',
    })
    expect(settleChecksum(asked(LATE), 'different', context)).toMatchObject({ reason: 'checksum' })
  })

  test('where there is none, size and time decide', () => {
    expect(settleChecksum(asked(), 'unavailable', context)).toMatchObject({ rule: 'size+modified' })
    expect(settleChecksum(asked(LATE), 'unavailable', context)).toMatchObject({ reason: 'modified' })
    const upload = contextOf({}, { keepsTimes: false })
    expect(settleChecksum(asked(LATE), 'unavailable', upload)).toMatchObject({ rule: 'not older' })
  })

  test('overwrite holds', () => {
    const skip = contextOf({ overwrite: 'skip' })
    expect(settleChecksum(asked(), 'different', skip)).toEqual({ type: 'skip', path: 'a', reason: 'exists' })
    const error = contextOf({ overwrite: 'error' }, { direction: 'up' })
    expect(settleChecksum(asked(), 'different', error)).toMatchObject({ error: { code: 'ERR_FTP_EXISTS' } })
    expect(settleChecksum(asked(), 'same', error)).toMatchObject({ type: 'equal' })
  })
})
