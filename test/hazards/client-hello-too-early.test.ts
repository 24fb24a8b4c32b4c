/** pyftpdlib resets a data connection on which the ClientHello comes before the RETR: it must never come so early. */
import { expect, test } from 'vitest'
import type { FakeFtpOptions, FakeSession } from '../support/fake-ftp-server.ts'
import type { ScriptedData } from '../support/scripted-server.ts'
import { CONTENT, succeed } from './support/attempt.ts'

test.each(['explicit', 'implicit'] as const)(
  '%s: no data connection before RETR has been sent',
  async (security) => {
    const prepared = new Map<FakeSession, ScriptedData>()
    const early: boolean[] = []
    const on: NonNullable<FakeFtpOptions['on']> = {
      EPSV: async (session) => {
        prepared.set(session, await session.control.answerPassive('EPSV'))
      },
      REST: async (session, _argument, proceed) => {
        // The client waits for this reply: whatever it has begun with its data connection shows by now.
        await session.control.delay(100)
        const data = prepared.get(session)
        early.push(
          (await Promise.race([
            data?.accepted.then(() => true),
            session.control.delay(1).then(() => false),
          ])) ?? true,
        )
        await proceed()
      },
      RETR: async (session) => {
        const data = prepared.get(session)
        if (data === undefined) throw new Error('RETR without EPSV')
        session.reply('150 Here it comes')
        await data.write(CONTENT.subarray(session.restartOffset))
        await data.end()
        session.restartOffset = 0
        session.reply('226 Done')
      },
    }
    await succeed({ server: { security, on }, download: { connections: 4 } })
    expect(early).toEqual([false, false, false])
  },
)
