import { createHash } from 'node:crypto'
import { truncateSync, writeFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FtpConnectionError, FtpTransferError } from '../../src/errors.ts'
import type { HashProgress } from '../../src/local/hash-file.ts'
import type { ChecksumAlgorithm } from '../../src/protocol/checksum.ts'
import {
  checksumSettings,
  verifyChecksum,
  type ChecksumOptions,
  type ChecksumResult,
  type ChecksumVerification,
  type ServerChecksum,
} from '../../src/segmented/verify-checksum.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const CONTENT = Buffer.from('what was fetched')
const WRONG = 'd41d8cd98f00b204e9800998ecf8427e'

function sum(algorithm: string): string {
  return createHash(algorithm).update(CONTENT).digest('hex')
}

describe('settings', () => {
  test('nothing is asked unless it is said', () => {
    expect(checksumSettings({})).toEqual({ checksum: false, expect: {} })
    expect(checksumSettings({ checksum: undefined, expect: { md5: undefined } })).toEqual({
      checksum: false,
      expect: {},
    })
  })

  test('digests in any case', () => {
    const settings = checksumSettings({
      checksum: 'auto',
      expect: { md5: WRONG.toUpperCase(), crc32: '00Ab34Cd' },
    })
    expect(settings).toEqual({ checksum: 'auto', expect: { md5: WRONG, crc32: '00ab34cd' } })
    expect(Object.isFrozen(settings) && Object.isFrozen(settings.expect)).toBe(true)
  })

  test.each([
    [{ checksum: true }, TypeError, /^Option "verify.checksum" is true; it must be false or 'auto'$/],
    [{ checksum: 'always' }, RangeError, /^Option "verify.checksum" is 'always'; it must be/],
    [{ expect: WRONG }, TypeError, /^Option "verify.expect" is '.*'; it must be an object$/],
    [
      { expect: { 'sha-256': WRONG } },
      TypeError,
      /^There is no option "verify.expect.sha-256"; did you mean "verify.expect.sha256"\?$/,
    ],
    [{ expect: { sha256: WRONG } }, RangeError, /^Option "verify.expect.sha256" .* 64 hexadecimal digits$/],
    [
      { expect: { md5: WRONG.replace('d', 'g') } },
      RangeError,
      /^Option "verify.expect.md5" .* 32 hexadecimal/,
    ],
    [{ expect: { md5: '' } }, RangeError, /^Option "verify.expect.md5" is '' \(0 characters\)/],
    [
      { expect: { crc32: 0x1234 } },
      TypeError,
      /^Option "verify.expect.crc32" is 4660; it must be a string of 8/,
    ],
    [{ expect: 7 }, TypeError, /"verify.expect" is 7/],
  ])('%j', (options, type, message) => {
    const settle = (): unknown => checksumSettings(options as ChecksumOptions)
    expect(settle).toThrow(type)
    expect(settle).toThrow(message)
  })
})

type Ask = ChecksumVerification['ask']

const nobody: Ask = () => Promise.reject(new Error('the server was asked'))

function tells(algorithm: ChecksumAlgorithm, value: string = sum(algorithm)): Ask {
  return async (): Promise<ServerChecksum> => ({ algorithm, value })
}

async function fileAt(bytes: Uint8Array = CONTENT): Promise<string> {
  const folder = await temporaryDirectory()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  writeFileSync(folder.at('a.bin.octoftp-part'), bytes)
  return folder.at('a.bin.octoftp-part')
}

async function verified(
  options: ChecksumOptions,
  ask: Ask,
  more: Partial<ChecksumVerification> = {},
): Promise<ChecksumResult> {
  const settings = checksumSettings(options)
  return await verifyChecksum({ settings, file: await fileAt(), path: '/pub/a.bin', ask, ...more })
}

describe('what matches', () => {
  test('nothing asked: the file is not even opened', async () => {
    expect(await verified({}, nobody, { file: '/nowhere' })).toEqual({ state: 'not asked' })
  })

  test('what was expected, of several the strongest', async () => {
    const options = { expect: { md5: sum('md5'), sha256: sum('sha256').toUpperCase() } }
    expect(await verified(options, nobody)).toEqual({
      state: 'matched',
      algorithm: 'sha256',
      value: sum('sha256'),
      origin: 'expected',
    })
  })

  test.each([undefined, 'sha1'] as const)('what the server says (offered: %s)', async (offered) => {
    const questions: unknown[] = []
    const ask: Ask = async (algorithm) => {
      questions.push(algorithm)
      return { algorithm: 'sha1', value: sum('sha1').toUpperCase() }
    }
    expect(await verified({ checksum: 'auto' }, ask, { offered })).toEqual({
      state: 'matched',
      algorithm: 'sha1',
      value: sum('sha1'),
      origin: 'server',
    })
    expect(questions).toEqual([offered])
  })

  test('both: it is read once, and what was expected counts', async () => {
    const told: HashProgress[] = []
    const options: ChecksumOptions = { checksum: 'auto', expect: { md5: sum('md5') } }
    const onProgress = (progress: HashProgress): void => void told.push(progress)
    const result = await verified(options, tells('sha512'), { onProgress, offered: 'sha512' })
    expect(result).toMatchObject({ state: 'matched', algorithm: 'md5', origin: 'expected' })
    expect(told).toHaveLength(1)
  })

  test('a server that answers by another algorithm than it offered', async () => {
    expect(await verified({ checksum: 'auto' }, tells('md5'), { offered: 'sha256' })).toMatchObject({
      algorithm: 'md5',
      value: sum('md5'),
      origin: 'server',
    })
  })
})

describe('what is unavailable', () => {
  const lost = new FtpConnectionError('ERR_FTP_CONTROL_CLOSED', 'The control connection was lost')

  test.each([
    ['cannot tell', async () => undefined],
    ['is lost on the way', () => Promise.reject(lost)],
  ] as [string, Ask][])('a server that %s', async (_what, ask) => {
    for (const offered of [undefined, 'sha256'] as const) {
      expect(await verified({ checksum: 'auto' }, ask, { offered })).toEqual({ state: 'unavailable' })
      const expected = { checksum: 'auto', expect: { md5: sum('md5') } } as const
      expect(await verified(expected, ask, { offered })).toMatchObject({ state: 'matched', algorithm: 'md5' })
    }
  })

  test('a mistake of ours is none of that', async () => {
    const mistake = new TypeError('not a function')
    for (const offered of [undefined, 'sha256'] as const)
      await expect(verified({ checksum: 'auto' }, () => Promise.reject(mistake), { offered })).rejects.toBe(
        mistake,
      )
  })
})

describe('what does not match', () => {
  test('what was expected', async () => {
    const options = { expect: { sha256: sum('sha256'), md5: WRONG } }
    const verifying = verified(options, nobody)
    await expect(verifying).rejects.toBeInstanceOf(FtpTransferError)
    await expect(verifying).rejects.toMatchObject({
      code: 'ERR_FTP_CHECKSUM_MISMATCH',
      message: `The md5 of /pub/a.bin is ${sum('md5')}, where ${WRONG} was expected`,
      path: '/pub/a.bin',
      expected: WRONG,
      actual: sum('md5'),
    })
  })

  test.each([undefined, 'md5', 'sha256'] as const)('what the server says (offered: %s)', async (offered) => {
    const options: ChecksumOptions = { checksum: 'auto', expect: { sha256: sum('sha256') } }
    await expect(verified(options, tells('md5', WRONG), { offered })).rejects.toMatchObject({
      code: 'ERR_FTP_CHECKSUM_MISMATCH',
      message: `The md5 of /pub/a.bin is ${sum('md5')}, where the server says ${WRONG}`,
      expected: WRONG,
      actual: sum('md5'),
    })
  })
})

/** Answers only to an abort, as a session that is cut does. */
function heeding(onAsked: () => void = () => {}): { ask: Ask; ended: unknown[] } {
  const ended: unknown[] = []
  const ask: Ask = (_algorithm, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        ended.push(signal.reason)
        reject(signal.reason as Error)
      })
      onAsked()
    })
  return { ask, ended }
}

describe('what ends it', () => {
  test.each([undefined, 'md5'] as const)('an abort, on both sides (offered: %s)', async (offered) => {
    const file = await fileAt()
    truncateSync(file, 50_000_000_000)
    const controller = new AbortController()
    const reason = new Error('enough')
    const { ask, ended } = heeding(() => setImmediate(() => controller.abort(reason)))
    await expectNoLeaks(
      async () => {
        const { signal } = controller
        await expect(verified({ checksum: 'auto' }, ask, { file, offered, signal })).rejects.toBe(reason)
        expect(ended).toEqual([reason])
      },
      { watch: [controller.signal] },
    )
  })

  test('nothing: no listener stays on the signal', async () => {
    const { signal } = new AbortController()
    const verify = (): Promise<unknown> => verified({ checksum: 'auto' }, tells('md5'), { signal })
    await expectNoLeaks(verify, { watch: [signal] })
  })

  test('an abort before', async () => {
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(verified({ checksum: 'auto' }, nobody, { signal })).rejects.toBe(reason)
  })

  test('a file that cannot be read, and the server is not waited for', async () => {
    const { ask, ended } = heeding()
    const verifying = verified({ checksum: 'auto' }, ask, { file: '/nowhere/a.bin', offered: 'md5' })
    await expect(verifying).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE', path: '/nowhere/a.bin' })
    expect(ended).toHaveLength(1)
  })
})
