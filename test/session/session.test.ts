/** The one place where a late last reply is told from an answer. */
import { expect, test, vi } from 'vitest'
import { command } from '../../src/protocol/command.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { controlTo } from '../connection/controlled.ts'
import type { SessionOptions } from '../../src/session/options.ts'
import { DEFAULT_TIMEOUTS } from '../../src/session/options.ts'
import { unknownServer } from '../../src/session/server-profile.ts'
import { Session } from '../../src/session/session.ts'

/** Sends `verbs` on a session behind a transfer whose last reply nobody has seen; gives the codes of the answers. */
async function answers(verbs: readonly string[], replies: readonly (readonly string[])[]): Promise<number[]> {
  await using server = await scriptedServer(async (control) => {
    for (const [index, verb] of verbs.entries()) await control.expect(verb).reply(...(replies[index] ?? []))
  })
  const control = await controlTo(server)
  const options = { timeouts: { ...DEFAULT_TIMEOUTS, reply: 500 } } as SessionOptions
  const session = new Session(control, options, unknownServer(), [])
  session.settleLater(Promise.resolve())
  const codes: number[] = []
  try {
    for (const verb of verbs) codes.push((await session.request(command(verb))).code)
    return codes
  } finally {
    session.destroy(new Error('over'))
  }
}

test.each(['225', '226', '426'])('one late %s before an answer is dropped', async (code) => {
  expect(await answers(['SIZE'], [[`${code} late`, '213 5']])).toEqual([213])
  expect(await answers(['EPSV'], [[`${code} late`, '229 go (|||2000|)']])).toEqual([229])
})

test('250 and 451 are late before a port, and may be answers to anything else', async () => {
  for (const code of [250, 451]) {
    expect(await answers(['PASV'], [[`${code} late`, '227 go (127,0,0,1,7,208)']])).toEqual([227])
    expect(await answers(['NOOP'], [[`${code} so be it`]])).toEqual([code])
  }
})

test('only one, and only before the first answer', async () => {
  expect(await answers(['SIZE'], [['226 late', '226 later', '213 5']])).toEqual([226])
  expect(await answers(['SIZE', 'NOOP'], [['213 5'], ['226 fine']])).toEqual([213, 226])
})

test.each([
  ['200 fine', true],
  ['500 what?', true],
  ['421 you were idle for too long', false],
  ['530 log in first', false],
] as const)('%s to the NOOP behind an idle time: ready is %s', async (reply, isReady) => {
  await using server = await scriptedServer(async (control) => {
    await control.expect('NOOP').reply(reply)
  })
  const control = await controlTo(server)
  const options = { timeouts: { ...DEFAULT_TIMEOUTS, idle: -1 } } as SessionOptions
  const session = new Session(control, options, unknownServer(), [])
  session.setIdle(true)
  session.setIdle(false)
  expect(await session.isReady()).toBe(isReady)
  session.destroy(new Error('over'))
})

test('an idle session says NOOP where that is asked for, and whoever takes it waits for the answer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    await using server = await scriptedServer(async (control) => {
      await control.expect('NOOP').reply('200 still here')
      await control.expect('NOOP').reply('200 still here')
      await control.expect('PWD').reply('257 "/" is it')
    })
    const control = await controlTo(server)
    const options = { timeouts: DEFAULT_TIMEOUTS, keepAlive: 'noop' } as SessionOptions
    const session = new Session(control, options, unknownServer(), [])
    session.setIdle(true)
    await vi.advanceTimersByTimeAsync(30_000)
    await session.settled()
    await vi.advanceTimersByTimeAsync(30_000)
    session.setIdle(false)
    expect(await session.isReady()).toBe(true)
    await vi.advanceTimersByTimeAsync(90_000)
    expect((await session.request(command('PWD'))).code).toBe(257)
    session.destroy(new Error('over'))
  } finally {
    vi.useRealTimers()
  }
})
