/** P's exit codes, from errors. */
import { describe, expect, it } from 'vitest'
import { exitCodeOf, exitCodeOfAll } from '../../src/cli/exit-code.ts'
import { checked, Interrupted, LocalFailure, Unsupported, UsageError } from '../../src/cli/failures.ts'
import {
  FtpConnectionError,
  FtpReplyError,
  FtpTimeoutError,
  FtpTlsError,
  FtpTransferError,
  type TimeoutPhase,
} from '../../src/index.ts'

function reply(code: number): FtpReplyError {
  return new FtpReplyError('ERR_FTP_REPLY', 'no', { reply: { code, lines: ['no'] } })
}

function timeout(phase: TimeoutPhase): FtpTimeoutError {
  return new FtpTimeoutError('late', { phase, afterMs: 1 })
}

const refused = { reply: { code: 550, lines: ['no'] } }

describe('an exit code', () => {
  const cases: readonly (readonly [number, unknown])[] = [
    [1, new FtpConnectionError('ERR_FTP_CONNECT', 'no')],
    [1, new FtpReplyError('ERR_FTP_TOO_MANY_CONNECTIONS', 'no', refused)],
    [1, new FtpTlsError('ERR_FTP_TLS_HANDSHAKE', 'no')],
    [1, timeout('connect')],
    [2, new FtpReplyError('ERR_FTP_LOGIN', 'no', refused)],
    [2, reply(532)],
    [3, new FtpReplyError('ERR_FTP_NOT_FOUND', 'no', refused)],
    [4, new UsageError('no')],
    [4, reply(501)],
    [5, new FtpReplyError('ERR_FTP_UNSUPPORTED', 'no', refused)],
    [5, reply(502)],
    [5, new Unsupported('no')],
    [6, new FtpReplyError('ERR_FTP_NOT_PERMITTED', 'no', refused)],
    [6, new FtpTransferError('ERR_FTP_EXISTS', 'no')],
    [6, reply(553)],
    [7, reply(451)],
    [7, timeout('data')],
    [7, new FtpConnectionError('ERR_FTP_DATA', 'no')],
    [7, new FtpTransferError('ERR_FTP_LOCAL_FILE', 'no')],
    [7, new LocalFailure('no')],
    [7, new TypeError('a slip of ours')],
    [7, undefined],
    [143, new Interrupted('SIGTERM', 143)],
  ]

  it.each(cases)('is %d for %s', (code, error) => expect(exitCodeOf(error)).toBe(code))

  it('of several failures is what they have in common', () => {
    expect(exitCodeOfAll([])).toBe(0)
    expect(exitCodeOfAll([reply(553), reply(550)])).toBe(6)
    expect(exitCodeOfAll([reply(553), reply(502)])).toBe(7)
  })

  it('is that of a mistake in the request for options that the library refuses', () => {
    const refuse = (): never =>
      checked(() => {
        throw new RangeError('Option "encoding" is wrong')
      })
    expect(refuse).toThrow(UsageError)
    expect(() =>
      checked(() => {
        throw new LocalFailure('no')
      }),
    ).toThrow(LocalFailure)
  })
})
