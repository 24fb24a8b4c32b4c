import { describe, expect, it } from 'vitest'
import { MAX_REPLY_TEXT } from '../../src/protocol/limits.ts'
import {
  isCompletion,
  isIntermediate,
  isPermanentFailure,
  isPreliminary,
  isTransientFailure,
  replyClass,
  replyText,
} from '../../src/protocol/reply.ts'
import { reply } from './support.ts'

it('every code is of the class of its first digit, and of no other', () => {
  const predicates = [isPreliminary, isCompletion, isIntermediate, isTransientFailure, isPermanentFailure]
  for (let code = 100; code < 600; code++) {
    const digit = Number(String(code)[0])
    expect(replyClass(reply(code, ''))).toBe(digit)
    expect(predicates.map((is) => is(reply(code, '')))).toEqual([1, 2, 3, 4, 5].map((n) => n === digit))
  }
})

describe('replyText', () => {
  it('joins the lines, without repeated codes and blank ones', () => {
    expect(replyText(reply(550, 'No', '550- such ', '', ' 550-x', 'file'))).toBe('No such 550-x file')
  })

  it('escapes what would act on a terminal', () => {
    expect(replyText(reply(200, 'a\x1b[2J\u202eb\u0085'))).toBe('a\\x1b[2J\\u202eb\\x85')
  })

  it('is bounded, and splits no character', () => {
    expect(replyText(reply(200, ...Array<string>(4000).fill('x'.repeat(60))))).toHaveLength(
      MAX_REPLY_TEXT + 1,
    )
    expect(replyText(reply(200, `x${'😀'.repeat(MAX_REPLY_TEXT)}`))).toMatch(/^x(😀)+…$/u)
  })
})
