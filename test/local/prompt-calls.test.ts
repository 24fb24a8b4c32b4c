import { mkdtempSync, rmdirSync } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { PromptCalls } from '../../src/local/prompt-calls.ts'

afterEach(() => void vi.useRealTimers())

describe.runIf(process.platform === 'linux')('where calls may be made at once (told on Linux only)', () => {
  test('on file systems of the kinds named, and no others', async () => {
    const { type } = await statfs(tmpdir())
    expect(await new PromptCalls(new Set([type])).mayBeAt(tmpdir())).toBe(true)
    expect(await new PromptCalls(new Set([type + 1])).mayBeAt(tmpdir())).toBe(false)
  })

  test('not on what is mounted below a directory where they may', async () => {
    const [root, below] = await Promise.all([statfs('/'), statfs('/proc')])
    expect((await stat('/proc')).dev).not.toBe((await stat('/')).dev)
    const prompt = new PromptCalls(new Set([root.type]))
    expect(await prompt.mayBeAt('/')).toBe(true)
    expect(await prompt.mayBeAt('/proc')).toBe(root.type === below.type)
  })

  test('not in a directory that is missing', async () => {
    const missing = mkdtempSync(join(tmpdir(), 'octoftp-test-'))
    rmdirSync(missing)
    const { type } = await statfs(tmpdir())
    expect(await new PromptCalls(new Set([type])).mayBeAt(missing)).toBe(false)
  })

  test('also after one of a few milliseconds, but not where all take so long', async () => {
    const { type } = await statfs(tmpdir())
    const prompt = new PromptCalls(new Set([type]))
    vi.useFakeTimers({ toFake: ['performance'] })
    const taking = (ms: number) => (): void => void vi.advanceTimersByTime(ms)
    for (let at = 0; at < 100; at++) prompt.make(taking(at % 2 === 0 ? 8 : 0))
    prompt.make(taking(50))
    expect([prompt.isResting, await prompt.mayBeAt(tmpdir())]).toEqual([true, false])
    vi.advanceTimersByTime(10_000)
    for (let at = 0; at < 4; at++) prompt.make(taking(20))
    expect(prompt.isResting).toBe(false)
    prompt.make(taking(20))
    expect(prompt.isResting).toBe(true)
  })

  test('not for ten seconds after one that took long', async () => {
    const { type } = await statfs(tmpdir())
    const prompt = new PromptCalls(new Set([type]))
    vi.useFakeTimers({ toFake: ['performance'] })
    expect(prompt.make(() => 1)).toBe(1)
    expect(await prompt.mayBeAt(tmpdir())).toBe(true)
    const failing = (): void => {
      vi.advanceTimersByTime(81)
      throw new Error('slow, and failed')
    }
    expect(() => prompt.make(failing)).toThrow('slow, and failed')
    expect([prompt.isResting, await prompt.mayBeAt(tmpdir())]).toEqual([true, false])
    vi.advanceTimersByTime(9_999)
    expect([prompt.isResting, await prompt.mayBeAt(tmpdir())]).toEqual([true, false])
    vi.advanceTimersByTime(1)
    expect([prompt.isResting, await prompt.mayBeAt(tmpdir())]).toEqual([false, true])
  })
})

test.skipIf(process.platform === 'linux')(
  'elsewhere nowhere: nobody tells of what kind a disk is',
  async () => {
    expect(await new PromptCalls().mayBeAt(tmpdir())).toBe(false)
  },
)
