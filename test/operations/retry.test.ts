import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FtpConnectionError, FtpTransferError } from '../../src/errors.ts'
import { RetryBudget } from '../../src/operations/retry.ts'

const MIB = 1_048_576
const POLICY = { attempts: 4, minDelay: 100, maxDelay: 1_000, factor: 2, jitter: 0 }
const lost = new FtpConnectionError('ERR_FTP_DATA', 'lost')
const never = (): number => 0

function spent(budget: RetryBudget, bytes: number): boolean {
  try {
    budget.delayAfter(lost, bytes)
    return false
  } catch (error) {
    expect(error).toBe(lost)
    return true
  }
}

describe('RetryBudget', () => {
  test('gives so many attempts without progress, each after a longer wait, and then the last error', () => {
    const budget = new RetryBudget(POLICY, undefined, never)
    expect([1, 2, 3].map(() => budget.delayAfter(lost, 0))).toEqual([100, 200, 400])
    expect(budget.failures).toBe(3)
    expect(spent(budget, 0)).toBe(true)
  })

  test('throws at once what another attempt cannot mend', () => {
    const full = new FtpTransferError('ERR_FTP_LOCAL_FILE', 'the disk is full')
    for (const error of [full, new TypeError('a bug'), 'thrown text', undefined]) {
      expect(() => new RetryBudget(POLICY, undefined, never).delayAfter(error, 0)).toThrow(error)
    }
  })

  test.each([
    { total: undefined, progress: MIB },
    { total: 1_000 * MIB, progress: MIB },
    { total: 100_000, progress: 1_000 },
    { total: 7, progress: 1 },
    { total: 0, progress: 1 },
  ])('of $total bytes, $progress more are progress, and one less are not', ({ total, progress }) => {
    const [enough, tooLittle] = [progress, progress - 1].map((step) => {
      const budget = new RetryBudget(POLICY, total, never)
      return [1, 2, 3, 4, 5, 6].map((attempt) => spent(budget, attempt * step)).includes(true)
    })
    expect({ enough, tooLittle }).toEqual({ enough: false, tooLittle: true })
  })

  test('progress brings back the first, short wait', () => {
    const budget = new RetryBudget(POLICY, undefined, never)
    const delays = [0, 0, 2 * MIB, 2 * MIB].map((bytes) => budget.delayAfter(lost, bytes))
    expect(delays).toEqual([100, 200, 100, 200])
  })

  test('progress is more than ever before: a whole that begins anew and breaks at varying places is given up', () => {
    const budget = new RetryBudget(POLICY, undefined, never)
    const outcomes = [300, 10, 100, 299].map((mib) => spent(budget, mib * MIB))
    expect(outcomes).toEqual([false, false, false, true])
  })

  test('what falls back and then goes beyond all before has made progress', () => {
    const budget = new RetryBudget(POLICY, undefined, never)
    const outcomes = [300, 10, 100, 301, 0, 0, 0].map((mib) => spent(budget, mib * MIB))
    expect(outcomes).toEqual([false, false, false, false, false, false, true])
  })

  test('never fails more often in a row than the policy says, whatever comes and goes', () => {
    const policies = fc.record({
      attempts: fc.integer({ min: 1, max: 12 }),
      total: fc.option(fc.nat(10 * MIB)),
    })
    fc.assert(
      fc.property(policies, fc.array(fc.nat(10 * MIB), { maxLength: 40 }), ({ attempts, total }, bytes) => {
        const budget = new RetryBudget({ ...POLICY, attempts }, total ?? undefined, Math.random)
        const progress = Math.max(1, Math.min(MIB, (total ?? Infinity) / 100))
        let [inRow, best] = [0, 0]
        for (const at of bytes) {
          inRow = at - best >= progress ? 1 : inRow + 1
          best = Math.max(best, at)
          expect(spent(budget, at)).toBe(inRow >= attempts)
          if (inRow >= attempts) return
        }
      }),
    )
  })
})
