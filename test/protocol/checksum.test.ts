import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CHECKSUM_ALGORITHMS,
  CHECKSUM_DIGITS,
  algorithmNamed,
  checksumCommands,
  checksumDeadline,
  checksumPaths,
  parseDigestReply,
  parseHashReply,
  strongestShared,
  type ChecksumAlgorithm,
} from '../../src/protocol/checksum.ts'
import { NO_FEATURES, parseFeatures, type ServerFeatures } from '../../src/protocol/features.ts'
import { bytesOf, reply } from './support.ts'

const MD5 = 'a6d1e8b3875a5de92d1df1ac7c59c642'
const SHA1 = 'f321a320ff7159649e064eeec5b08c20ab8cc611'
const SHA256 = '8b4d54558f3a80ce1cf5f01c1c6c89d504c4826d0cdfa04d67eca28976da7fd7'

function features(...names: string[]): ServerFeatures {
  return parseFeatures(reply(211, 'Features:', ...names.map((name) => ` ${name}`), 'End'))
}

const proftpd = features(
  'HASH CRC32;MD5;SHA-1*;SHA-256;SHA-512;',
  'MD5',
  'RANG STREAM',
  'XCRC',
  'XMD5',
  'XSHA',
  'XSHA1',
  'XSHA256',
  'XSHA512',
)

describe('which command', () => {
  test('HASH first, by the name that the server gives it', () => {
    expect(checksumCommands(proftpd, 'sha256')).toEqual([
      { verb: 'HASH', name: 'SHA-256', current: 'SHA-1' },
      { verb: 'XSHA256' },
    ])
    expect(checksumCommands(proftpd, 'sha1')).toEqual([
      { verb: 'HASH', name: 'SHA-1', current: 'SHA-1' },
      { verb: 'XSHA1' },
      { verb: 'XSHA' },
    ])
    expect(checksumCommands(proftpd, 'md5').map(({ verb }) => verb)).toEqual(['HASH', 'XMD5', 'MD5'])
  })

  test.each([
    ['XCRC filename;start;end', 'crc32', ['XCRC']],
    ['xsha512', 'sha512', ['XSHA512']],
    ['MMD5', 'md5', ['MMD5']],
    ['XSHA', 'sha1', ['XSHA']],
    ['XSHA', 'sha256', []],
    ['HASH', 'sha256', []],
    ['SIZE', 'sha256', []],
  ] as const)('%s for %s: %j', (line, algorithm, verbs) => {
    expect(checksumCommands(features(line), algorithm).map(({ verb }) => verb)).toEqual(verbs)
  })

  test('HASH without a star says nothing of the one in force', () => {
    expect(checksumCommands(features('HASH sha256;MD5'), 'sha256')).toEqual([
      { verb: 'HASH', name: 'sha256', current: undefined },
    ])
    expect(checksumCommands(features('HASH SHA-256;SHA-1*'), 'sha512')).toEqual([])
  })

  test.each([
    [proftpd, 'sha256'],
    [features('HASH SHA-512;SHA-1*;MD5'), 'sha512'],
    [features('HASH WHIRLPOOL*;MD5', 'XSHA1'), 'sha1'],
    [features('XMD5', 'XCRC'), 'md5'],
    [features('XCRC'), 'crc32'],
    [features('SIZE', 'MDTM'), undefined],
    [NO_FEATURES, undefined],
  ])('the strongest of %#: %s', (offered, algorithm) => {
    expect(strongestShared(offered)).toBe(algorithm)
  })

  test.each([
    ['SHA-256', 'sha256'],
    ['sha_512', 'sha512'],
    ['SHA', 'sha1'],
    ['crc-32', 'crc32'],
    ['ADLER32', undefined],
    ['toString', undefined],
  ])('%s is %s', (name, algorithm) => {
    expect(algorithmNamed(name)).toBe(algorithm)
  })
})

describe('replies to HASH', () => {
  test.each([
    [`SHA-256 0-49 ${SHA256} filename.ext`, { name: 'SHA-256', range: { start: 0, end: 49 }, value: SHA256 }],
    [`SHA-1 ${SHA1.toUpperCase()} a.bin`, { name: 'SHA-1', range: undefined, value: SHA1 }],
    [`SHA-1 ${SHA1} `, { name: 'SHA-1', range: undefined, value: SHA1 }],
    [`MD5 0-170500096 ${MD5}`, { name: 'MD5', range: { start: 0, end: 170_500_096 }, value: MD5 }],
    [`MD5 0-9 ${MD5} ${SHA1} b`, { name: 'MD5', range: { start: 0, end: 9 }, value: MD5 }],
    ['CRC32 0-5 20be2 lead', { name: 'CRC32', range: { start: 0, end: 5 }, value: '00020be2' }],
    [`SHA-256 0-49 ${SHA1} a.bin`, undefined],
    [`WHIRLPOOL 0-49 ${SHA256} a.bin`, undefined],
    [SHA256, undefined],
    ['', undefined],
    ['SHA-256 0-49 not for you', undefined],
  ])('213 %s', (line, answer) => {
    expect(parseHashReply(reply(213, line))).toEqual(answer)
  })

  test('behind lines that say that it goes on', () => {
    const lines = ['Computing SHA-1 digest', '213-', ' ', `SHA-1 0-109 ${SHA1} a.bin`]
    expect(parseHashReply(reply(213, ...lines))?.value).toBe(SHA1)
    expect(parseHashReply(reply(213, `SHA-1 0-109 ${SHA1} a.bin`, 'done'))?.value).toBe(SHA1)
  })

  test('a refusal has none, whatever it repeats', () => {
    expect(parseHashReply(reply(550, `MD5 0-9 ${MD5} a.bin`))).toBeUndefined()
  })
})

describe('replies to the others', () => {
  test.each([
    ['sha1', 'a.bin', [SHA1.toUpperCase()], SHA1],
    ['sha1', 'a.bin', ['Computing SHA1 digest', SHA1], SHA1],
    ['md5', 'a.bin', ['250-', MD5], MD5],
    ['md5', 'a.bin', [`XMD5 ${MD5}`], MD5],
    ['md5', 'a.bin', [`MD5: ${MD5}`], MD5],
    ['md5', 'a.bin', [`a.bin ${MD5}`], MD5],
    ['md5', 'a b.bin', [`"a b.bin" ${MD5}`], MD5],
    ['md5', 'a.bin', [`"/srv/octo/a.bin" ${MD5}`], MD5],
    ['md5', 'a.bin', [`${MD5} a.bin`], MD5],
    ['md5', 'a.bin', [`${MD5} "/srv/octo/a.bin"`], MD5],
    // Files named after a digest, their own or another one.
    ['md5', MD5, [MD5], MD5],
    ['md5', SHA256.slice(0, 32), [`${SHA256.slice(0, 32)} ${MD5}`], MD5],
    ['md5', SHA256.slice(0, 32), [`${MD5} ${SHA256.slice(0, 32)}`], MD5],
    ['crc32', 'a.bin', ['1A2B3C4D'], '1a2b3c4d'],
    ['crc32', 'a.bin', ['XCRC 20BE2'], '00020be2'],
    ['crc32', 'a.bin', ['0x20BE2'], '00020be2'],
    ['crc32', 'a.bin', ['0'], '00000000'],
    ['crc32', 'a.bin', ['Computing CRC32 digest', '00020BE2'], '00020be2'],
    // Words that are hexadecimal, and digests of something else.
    ['crc32', 'a.bin', ['file is a dead'], undefined],
    ['crc32', 'a.bin', ['command added'], undefined],
    ['crc32', 'a.bin', [MD5], undefined],
    ['crc32', 'a.bin', ['MD5 1A2B3C4D'], undefined],
    ['md5', 'a.bin', [SHA1], undefined],
    ['md5', 'a.bin', [MD5, SHA256.slice(0, 32)], undefined],
    ['md5', 'a.bin', ['done'], undefined],
    ['md5', '', [''], undefined],
  ] as const)('%s of %s: %j', (algorithm, path, lines, value) => {
    expect(parseDigestReply(reply(250, ...lines), algorithm, path)).toBe(value)
  })

  test('any 2yz may carry it, and nothing else', () => {
    for (const code of [200, 213, 220, 250, 251, 252])
      expect(parseDigestReply(reply(code, MD5), 'md5', 'a')).toBe(MD5)
    for (const code of [150, 350, 450, 550])
      expect(parseDigestReply(reply(code, MD5), 'md5', 'a')).toBeUndefined()
  })

  test('a digest in any of its forms comes back, of whatever path', () => {
    const anything = fc.string({ minLength: 1, maxLength: 20 }).filter((path) => path.trim() === path)
    const algorithms = fc.constantFrom(...CHECKSUM_ALGORITHMS)
    fc.assert(
      fc.property(algorithms, anything, fc.nat(3), (algorithm, path, form) => {
        const value = randomBytes(CHECKSUM_DIGITS[algorithm] / 2).toString('hex')
        const forms = [
          value,
          `"${path}" ${value}`,
          `${value.toUpperCase()} "${path}"`,
          `X${algorithm} ${value}`,
        ]
        const line = forms[form] ?? ''
        const found = parseDigestReply(reply(250, line), algorithm, path)
        // Only a path that could be a digest makes it doubtful.
        if (/^x?[\da-z-]+$/i.test(path)) expect([value, undefined]).toContain(found)
        else expect(found).toBe(value)
      }),
    )
  })

  test.each(CHECKSUM_ALGORITHMS)(
    'the longest line there is takes no time: %s',
    (algorithm: ChecksumAlgorithm) => {
      // A quadratic pattern would take longer than a test may.
      for (const unit of [' ', '" ', 'a ', '0', 'SHA-1 ', '0-', '"'])
        for (const end of ['', '!', '"'])
          for (const start of ['', 'XMD5', 'SHA-1 '])
            for (const line of [start + unit.repeat(16_000 / unit.length) + end])
              for (let time = 0; time < 20; time += 1) {
                parseDigestReply(reply(250, line), algorithm, 'a')
                parseHashReply(reply(213, line))
              }
    },
  )
})

describe('paths', () => {
  const forms = (...[verb, path]: [Parameters<typeof checksumPaths>[0], string]): string[] =>
    checksumPaths(verb, bytesOf(path)).map((form) => new TextDecoder().decode(form))

  test.each([
    ['XCRC', 'a.bin', ['a.bin']],
    ['XCRC', 'ä"b', ['ä"b']],
    ['XCRC', 'a b.bin', ['"a b.bin"', 'a b.bin']],
    ['XCRC', 'report 5', ['"report 5"']],
    ['XCRC', 'a "b"', ['a "b"']],
    ['XCRC', 'a "b" 5', []],
    ['MMD5', 'a,b', []],
    ['XMD5', 'a,b', ['a,b']],
  ] as const)('%s %s: %j', (verb, path, expected) => {
    expect(forms(verb, path)).toEqual(expected)
  })

  test('bytes stay as they are', () => {
    expect(checksumPaths('XCRC', Uint8Array.of(0xff, 0x20, 0xfe))[0]).toEqual(
      Uint8Array.of(0x22, 0xff, 0x20, 0xfe, 0x22),
    )
  })
})

test.each([
  [0, 60_000],
  [20_000_000, 61_000],
  [100_000_000_000, 5_060_000],
])('the deadline for %i bytes', (bytes, ms) => {
  expect(checksumDeadline(60_000, bytes)).toBe(ms)
  expect(checksumDeadline(Infinity, bytes)).toBe(Infinity)
})
