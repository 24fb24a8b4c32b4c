import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { clientSettings, type FtpClientOptions } from '../../src/options.ts'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../../src/protocol/checksum.ts'
import { command } from '../../src/protocol/command.ts'
import { parseFeatures } from '../../src/protocol/features.ts'
import { checksumOf, type ChecksumRequest } from '../../src/session/checksum.ts'
import { openSession } from '../../src/session/open-session.ts'
import { unknownServer } from '../../src/session/server-profile.ts'
import type { RemotePath, Session } from '../../src/session/session.ts'
import { describeServers } from '../servers/vitest.ts'
import { randomBytes } from '../support/random-bytes.ts'
import type { ScriptedControl } from '../support/scripted-server.ts'
import { open, server } from './logged-in.ts'

const MD5 = 'a6d1e8b3875a5de92d1df1ac7c59c642'
const SHA1 = 'f321a320ff7159649e064eeec5b08c20ab8cc611'
const SHA256 = '8b4d54558f3a80ce1cf5f01c1c6c89d504c4826d0cdfa04d67eca28976da7fd7'

function sumOf(bytes: Uint8Array, algorithm: ChecksumAlgorithm): string {
  if (algorithm === 'crc32') return crc32(bytes).toString(16).padStart(8, '0')
  return createHash(algorithm).update(bytes).digest('hex')
}

describeServers({ kinds: ['proftpd'], securities: ['none', 'explicit'] }, (running) => {
  const content = randomBytes(300_000, 3)

  async function loggedIn<T>(use: (session: Session) => Promise<T>): Promise<T> {
    const { host, port, user, password, tls, ca } = running()
    const settings = clientSettings({ host, port, user, password, security: tls, tls: { ca } })
    const session = await openSession(settings.session, unknownServer(), new AbortController().signal)
    try {
      return await use(session)
    } finally {
      await session.quit()
    }
  }

  test.each(CHECKSUM_ALGORITHMS)(
    '%s of a file, and the algorithm before is in force again',
    async (algorithm) => {
      running().write('a.bin', content)
      await loggedIn(async (session) => {
        expect(await checksumOf(session, 'a.bin', algorithm)).toBe(sumOf(content, algorithm))
        expect(await checksumOf(session, 'missing', algorithm)).toBeUndefined()
        expect((await session.request(command('OPTS', 'HASH'))).lines).toEqual(['SHA-1'])
      })
    },
  )

  test.each(['report 5', 'a b.bin', 'ä "b".bin', 'report 5 9', MD5])('of one named %s', async (name) => {
    running().write(name, content)
    running().write('report', 'another file')
    await loggedIn(async (session) => {
      expect(await checksumOf(session, name, 'sha256')).toBe(sumOf(content, 'sha256'))
      expect(await checksumOf(session, Buffer.from(`/${name}`), 'md5')).toBe(sumOf(content, 'md5'))
    })
  })

  test.each(['md5', 'crc32', 'sha512'] as const)('%s without HASH', async (algorithm) => {
    running().write('a b.bin', content)
    await loggedIn(async (session) => {
      session.profile.features = featuresOf('XCRC', 'XMD5', 'MD5', 'XSHA512')
      expect(await checksumOf(session, 'a b.bin', algorithm)).toBe(sumOf(content, algorithm))
    })
  })

  test('MD5 of draft-twine-ftpmd5', async () => {
    running().write('a.bin', content)
    await loggedIn(async (session) => {
      session.profile.features = featuresOf('MD5')
      expect(await checksumOf(session, 'a.bin', 'md5')).toBe(sumOf(content, 'md5'))
    })
  })

  test('of an empty file', async () => {
    running().write('empty', '')
    await loggedIn(async (session) => {
      expect(await checksumOf(session, 'empty', 'sha1')).toBe(sumOf(Buffer.alloc(0), 'sha1'))
    })
  })

  test('of parts, although RANG has no effect on its HASH; and no range is left behind', async () => {
    running().write('a b.bin', content)
    const parts = [
      [0, 10],
      [5, 6],
      [299_999, 300_000],
      [1, undefined],
      [0, 300_000],
      [100_000, 200_000],
    ] as const
    await loggedIn(async (session) => {
      for (const [start, end] of parts) {
        for (const algorithm of ['sha1', 'crc32'] as const) {
          const sum = await checksumOf(session, 'a b.bin', algorithm, { start, end })
          expect([start, end, sum]).toEqual([start, end, sumOf(content.subarray(start, end), algorithm)])
        }
      }
      expect(await checksumOf(session, 'a b.bin', 'sha1', { start: 0, end: 300_001 })).toBeUndefined()
    })
    const commands = running()
      .log()
      .split('\n')
      .filter((line) => line.includes('"RANG'))
    expect(commands.at(-1)).toContain('"RANG 1 0"')
  })
})

function featuresOf(...lines: string[]): ReturnType<typeof parseFeatures> {
  return parseFeatures({ code: 211, lines: ['Features:', ...lines.map((line) => ` ${line}`), 'End'] })
}

interface Case extends ChecksumRequest {
  readonly features: readonly string[]
  readonly algorithm?: ChecksumAlgorithm
  readonly path?: RemotePath
  readonly options?: FtpClientOptions
}

/** One question to a server that plays `dialogue` behind TYPE; SIZE is not asked for unless the case leaves it out. */
async function asked(
  { features, algorithm = 'md5', path = 'a.bin', options, ...request }: Case,
  dialogue: (control: ScriptedControl) => Promise<void>,
): Promise<string | undefined> {
  await using scripted = await server(async (control) => {
    await control.expect('TYPE I').reply('200 fine')
    await dialogue(control)
  })
  const session = await open(scripted, options)
  session.profile.features = featuresOf(...features)
  try {
    return await checksumOf(session, path, algorithm, { size: 110, ...request })
  } finally {
    session.destroy(new Error('over'))
  }
}

describe('HASH', () => {
  const features = ['HASH SHA-1*;SHA-256;MD5', 'RANG']
  const sha256 = { features, algorithm: 'sha256' } as const
  const select = async (control: ScriptedControl): Promise<void> => {
    await control.expect('OPTS HASH SHA-256').reply('200 SHA-256')
  }

  test('with the algorithm in force: nothing is selected', async () => {
    const answer = await asked({ features, algorithm: 'sha1' }, async (control) => {
      await control.expect('HASH a.bin').reply(`213 SHA-1 0-109 ${SHA1} a.bin`)
    })
    expect(answer).toBe(SHA1)
  })

  test('as FileZilla Server answers', async () => {
    const answer = await asked({ features, algorithm: 'sha1' }, async (control) => {
      await control.expect('HASH a.bin').reply(`213 SHA-1 ${SHA1} `)
    })
    expect(answer).toBe(SHA1)
  })

  test.each([
    ['213 SHA-256 0-109 ' + SHA256 + ' a.bin', SHA256],
    ['550 no such file', undefined],
    ['450 busy', undefined],
    ['556 too large for that', undefined],
    ['213 SHA-256 0-49 ' + SHA256 + ' a.bin', undefined],
    ['213 SHA-256 1-109 ' + SHA256 + ' a.bin', undefined],
    ['213 done', undefined],
  ])('puts back what was in force, behind %s', async (reply, value) => {
    const answer = await asked(sha256, async (control) => {
      await select(control)
      await control.expect('HASH a.bin').reply(reply)
      await control.expect('OPTS HASH SHA-1').reply('200 SHA-1')
    })
    expect(answer).toBe(value)
  })

  test('asks what is in force where FEAT does not say', async () => {
    const answer = await asked({ ...sha256, features: ['HASH MD5;SHA-256'] }, async (control) => {
      await control.expect('OPTS HASH').reply('200 MD5')
      await select(control)
      await control.expect('HASH a.bin').reply(`213 SHA-256 0-109 ${SHA256} a.bin`)
      await control.expect('OPTS HASH MD5').reply('200 MD5')
    })
    expect(answer).toBe(SHA256)
  })

  test('finds out by the answer that another one is in force', async () => {
    const answer = await asked({ features: ['HASH SHA-256*;MD5'], algorithm: 'sha256' }, async (control) => {
      await control.expect('HASH a.bin').reply(`213 MD5 0-109 ${MD5} a.bin`)
      await select(control)
      await control.expect('HASH a.bin').reply(`213 SHA-256 0-109 ${SHA256} a.bin`)
      await control.expect('OPTS HASH MD5').reply('200 MD5')
    })
    expect(answer).toBe(SHA256)
  })

  test('a selection that has no effect is not believed', async () => {
    const answer = await asked(sha256, async (control) => {
      await select(control)
      await control.expect('HASH a.bin').reply(`213 SHA-1 0-109 ${SHA1} a.bin`)
      await control.expect('OPTS HASH SHA-1').reply('200 SHA-1')
    })
    expect(answer).toBeUndefined()
  })

  test('a selection that is refused: the next command', async () => {
    const answer = await asked({ ...sha256, features: [...features, 'XSHA256'] }, async (control) => {
      await control.expect('OPTS HASH SHA-256').reply('501 unknown')
      await control.expect('XSHA256 a.bin').reply(`250 ${SHA256}`)
    })
    expect(answer).toBe(SHA256)
  })

  test('a part of a file, by RANG, which is put back', async () => {
    const answer = await asked({ features, algorithm: 'sha1', start: 5, end: 50 }, async (control) => {
      await control.expect('RANG 5 49').reply('350 so be it')
      await control.expect('HASH a.bin').reply(`213 SHA-1 5-49 ${SHA1} a.bin`)
      await control.expect('RANG 1 0').reply('350 reset')
    })
    expect(answer).toBe(SHA1)
  })

  test('a range that cannot be put back costs the session, not the answer', async () => {
    const answer = await asked({ features, algorithm: 'sha1', start: 5, end: 50 }, async (control) => {
      await control.expect('RANG 5 49').reply('350 so be it')
      await control.expect('HASH a.bin').reply(`213 SHA-1 5-49 ${SHA1} a.bin`)
      await control.expect('RANG 1 0').reply('501 what')
      expect(await control.nextCommand()).toBeUndefined()
    })
    expect(answer).toBe(SHA1)
  })
})

describe('the others', () => {
  test.each([
    ['250 XMD5 ' + MD5.toUpperCase(), MD5],
    ['213 ' + MD5, MD5],
    ['250 done', undefined],
    ['550 no such file', undefined],
    ['451 not now', undefined],
  ])('%s', async (reply, value) => {
    const answer = await asked({ features: ['XMD5'] }, async (control) => {
      await control.expect('XMD5 a.bin').reply(reply)
    })
    expect(answer).toBe(value)
  })

  test('one that is not implemented after all: the next', async () => {
    const answer = await asked({ features: ['XMD5', 'MD5'] }, async (control) => {
      await control.expect('XMD5 a.bin').reply('502 not yet')
      await control.expect('MD5 a.bin').reply(`251 "a.bin" ${MD5}`)
    })
    expect(answer).toBe(MD5)
  })

  test('a name with blanks that is wanted bare', async () => {
    const answer = await asked({ features: ['XMD5'], path: 'a b.bin' }, async (control) => {
      await control.expect('XMD5 "a b.bin"').reply('550 no such file')
      await control.expect('XMD5 a b.bin').reply(`250 ${MD5}`)
    })
    expect(answer).toBe(MD5)
  })

  test('a server that counts the end of a part', async () => {
    const byte = sumOf(Buffer.from('x'), 'md5')
    const answer = await asked({ features: ['XMD5'], start: 7, end: 9 }, async (control) => {
      await control.expect('XMD5 a.bin 7 8').reply(`250 ${MD5}`)
      await control.expect('XMD5 a.bin 7 7').reply(`250 ${byte}`)
      await control.expect('XMD5 a.bin 7 8').reply(`250 ${SHA256.slice(0, 32)}`)
    })
    expect(answer).toBe(SHA256.slice(0, 32))
  })

  test('a server that takes no heed of parts', async () => {
    const answer = await asked({ features: ['XMD5'], start: 7, end: 9 }, async (control) => {
      await control.expect('XMD5 a.bin 7 8').reply(`250 ${MD5}`)
      await control.expect('XMD5 a.bin 7 7').reply(`250 ${MD5}`)
    })
    expect(answer).toBeUndefined()
  })
})

test('nothing is asked of a server that offers nothing', async () => {
  await using scripted = await server(async () => {})
  const session = await open(scripted)
  expect(await checksumOf(session, 'a.bin', 'md5')).toBeUndefined()
  session.profile.features = featuresOf('XSHA1')
  expect(await checksumOf(session, 'a.bin', 'md5')).toBeUndefined()
  await session.quit()
})

test.each([[{ start: 5, end: 5 }], [{ start: -1 }], [{ start: 1.5 }], [{ end: Number.NaN }]])(
  '%j is no part of a file',
  async (part) => {
    await using scripted = await server(async () => {})
    const session = await open(scripted)
    await expect(checksumOf(session, 'a.bin', 'md5', part)).rejects.toThrow(RangeError)
    await session.quit()
  },
)

describe('the deadline', () => {
  test('grows with the size, which is asked for', async () => {
    const options = { timeouts: { reply: 50 } }
    const answer = await asked(
      { features: ['XMD5'], size: undefined, timeoutMs: 1, options },
      async (control) => {
        await control.expect('SIZE a.bin').reply('213 400000000000')
        await control.expect('XMD5 a.bin')
        await control.delay(200)
        control.reply(`250 ${MD5}`)
      },
    )
    expect(answer).toBe(MD5)
  })

  test('a server that says nothing', async () => {
    const asking = asked({ features: ['XMD5'], timeoutMs: 20 }, async (control) => {
      await control.expect('XMD5 a.bin')
      await control.silence()
    })
    await expect(asking).rejects.toMatchObject({
      code: 'ERR_FTP_TIMEOUT',
      phase: 'checksum',
      command: 'XMD5 a.bin',
    })
  })
})

test('421 is no answer to the question', async () => {
  const asking = asked({ features: ['XMD5'] }, async (control) => {
    await control.expect('XMD5 a.bin').reply('421 bye')
  })
  await expect(asking).rejects.toMatchObject({ code: 'ERR_FTP_TOO_MANY_CONNECTIONS' })
})

test('an abort cuts the session, and its reason comes back', async () => {
  const controller = new AbortController()
  const reason = new Error('enough')
  const asking = asked({ features: ['XMD5'], signal: controller.signal }, async (control) => {
    await control.expect('XMD5 a.bin')
    controller.abort(reason)
    await control.silence()
  })
  await expect(asking).rejects.toBe(reason)
})
