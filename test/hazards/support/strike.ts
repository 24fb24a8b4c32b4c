/**
 * A server whose every connection with one client is struck at one stage of a transfer: ended, reset, or silent from
 * there on, as by a crash, a middlebox or a cable that is pulled. What comes by other control connections goes well.
 */
import type { FakeFtpOptions, FakeSession, Override } from '../../support/fake-ftp-server.ts'
import type { ScriptedData } from '../../support/scripted-server.ts'

export const STRIKES = ['FIN', 'RST', 'silence'] as const
export type Strike = (typeof STRIKES)[number]

/**
 * In their order. A command stands for the time between it and its answer; `handshake` is that of the control
 * connection; `connect` is when the data connection stands; `150` when the transfer command has come; `data` in the
 * middle of them; `226` behind them.
 */
export const STAGES = [
  ...['greeting', 'AUTH', 'handshake', 'USER', 'PASS', 'PROT', 'FEAT', 'TYPE', 'EPSV'],
  ...['connect', '150', 'data', '226'],
] as const
export const TLS_STAGES: readonly string[] = ['AUTH', 'handshake', 'PROT']

export interface Transfer {
  readonly verb: 'RETR' | 'STOR' | 'MLSD'
  /** The data, in either direction, from where REST has told; a part of them only, from the beginning of the file. */
  readonly move: (session: FakeSession, data: ScriptedData, part: 'all' | 'a part') => Promise<void>
}

/** Options under which those control connections are struck. */
export function struck(
  stage: string,
  how: Strike,
  transfer: Transfer,
  isStruck: (session: FakeSession) => boolean,
): FakeFtpOptions {
  const unlessStruck =
    (struckThen: Override, usual: Override = (_session, _argument, proceed) => proceed()): Override =>
    (session, argument, proceed) =>
      (isStruck(session) ? struckThen : usual)(session, argument, proceed)
  const now: Override = (session) => strike(session, how)
  const usual: Override = (session) => run(session, transfer, '226', undefined)
  const on = { [transfer.verb]: usual }
  switch (stage) {
    case 'greeting':
      return { on, greet: unlessStruck(now) }
    case 'handshake':
      return { on: { ...on, AUTH: unlessStruck((session) => begunHandshake(session, how)) } }
    case 'connect':
      return { on: { ...on, EPSV: unlessStruck((session) => connected(session, how)) } }
    case '150':
    case 'data':
    case '226':
      return {
        on: { [transfer.verb]: unlessStruck((session) => run(session, transfer, stage, how), usual) },
      }
    default:
      return { on: { ...on, [stage]: unlessStruck(now) } }
  }
}

async function strike(session: FakeSession, how: Strike, data?: ScriptedData): Promise<void> {
  switch (how) {
    case 'FIN':
      await data?.endWithoutNotice()
      return session.die('fin')
    case 'RST':
      await data?.reset()
      return session.die('rst')
    case 'silence':
      await data?.stopReading()
      return session.control.silence()
  }
}

async function begunHandshake(session: FakeSession, how: Strike): Promise<void> {
  session.reply('234 AUTH TLS successful')
  await strike(session, how)
}

async function connected(session: FakeSession, how: Strike): Promise<void> {
  const data = await session.control.answerPassive('EPSV')
  // Under TLS the client connects behind its next command, which nobody reads any more.
  await data.accepted
  if (how === 'RST') data.drop()
  await strike(session, how)
}

/** A transfer that is struck at `stage`, or goes well where nothing strikes. */
async function run(
  session: FakeSession,
  { move }: Transfer,
  stage: '150' | 'data' | '226',
  how: Strike | undefined,
): Promise<void> {
  if (stage === '150' && how !== undefined) return strike(session, how)
  session.reply('150 Here it comes')
  const data = await session.openData()
  if ('refusal' in data) return session.reply(data.refusal)
  await move(session, data, stage === 'data' ? 'a part' : 'all')
  session.restartOffset = 0
  if (stage === 'data' && how !== undefined) return strike(session, how, data)
  await data.end()
  if (how !== undefined) return strike(session, how)
  session.reply('226 Done')
}
