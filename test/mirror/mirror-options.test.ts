import { describe, expect, test } from 'vitest'
import { downloadSettings } from '../../src/segmented/options.ts'
import { MIRROR_DEFAULTS, mirrorSettings, type MirrorOptions } from '../../src/mirror/mirror-options.ts'

const given = (options: object): MirrorOptions => options

describe('mirrorSettings', () => {
  test('are complete and frozen without any option', () => {
    const settings = mirrorSettings(undefined, 8)
    expect(settings).toEqual({
      signal: undefined,
      connections: 4,
      maxConnections: 8,
      filter: { isExcluded: expect.any(Function) as unknown },
      compare: 'size+modified',
      newerThanMs: undefined,
      overwrite: 'replace',
      delete: false,
      deleteExcluded: false,
      allowEmptySource: false,
      maxDelete: undefined,
      dryRun: false,
      symlinks: 'skip',
      maxDepth: Infinity,
      onError: 'continue',
      preserveModified: true,
      files: downloadSettings({ connections: 4, overwrite: 'replace' }, 8),
      bytesPerSecond: Infinity,
      on: {},
    })
    expect(Object.isFrozen(settings) && Object.isFrozen(MIRROR_DEFAULTS)).toBe(true)
  })

  test('takes what is given, at the edges too, and undefined for absent', () => {
    const { signal } = new AbortController()
    const newerThan = new Date(Date.UTC(2026, 0, 1))
    const flags = { delete: true, deleteExcluded: true, allowEmptySource: true, dryRun: true } as const
    const rest = { maxDepth: 0, maxDelete: 0, onError: 'stop', preserveModified: false } as const
    const choices = { compare: 'checksum', overwrite: 'skip', symlinks: 'recreate' } as const
    const options = { signal, newerThan, ...flags, ...rest, ...choices, connections: undefined }
    const expected = { ...flags, ...rest, ...choices, newerThanMs: newerThan.getTime(), connections: 2 }
    expect(mirrorSettings(options, 2)).toMatchObject({ ...expected, signal })
    expect(mirrorSettings({ maxDelete: Infinity }, 2).maxDelete).toBe(Infinity)
  })

  test('gives the downloads of its files what is theirs', () => {
    const large = { minSegmentSize: 5, resume: false, keepPartial: true } as const
    const verify = { size: false, modified: false, checksum: 'auto' } as const
    const { files } = mirrorSettings({ ...large, verify, overwrite: 'skip', connections: 'auto' }, 8)
    const theirs = { ...large, verifySize: false, verifyModified: false, overwrite: 'error', connections: 8 }
    expect(files).toMatchObject({ ...theirs, checksum: { checksum: 'auto' } })
    const expecting = given({ verify: { expect: { md5: '0'.repeat(32) } } })
    expect(() => mirrorSettings(expecting, 8)).toThrow('There is no option "verify.expect"')
  })

  test('is not changed by what becomes of the arrays and dates it was given', () => {
    const exclude = ['a']
    const newerThan = new Date(5)
    const settings = mirrorSettings({ exclude, newerThan }, 8)
    exclude[0] = 'b'
    newerThan.setTime(6)
    const entry = {
      name: 'a',
      type: 'file',
      size: 0,
      modifiedMs: 0,
      precision: 'second',
      target: undefined,
    } as const
    expect(settings.filter.isExcluded('a', entry)).toBe(true)
    expect(settings.newerThanMs).toBe(5)
  })

  test.each<[object, typeof TypeError | typeof RangeError, RegExp]>([
    [{ connections: 9 }, RangeError, /"connections" is 9; it must be a whole number from 1 to 8/],
    [{ compare: 'time' }, RangeError, /"compare" is 'time'; it must be one of 'size\+modified', 'size'/],
    [{ newerThan: 5 }, TypeError, /"newerThan" is 5; it must be a Date/],
    [{ newerThan: new Date(NaN) }, RangeError, /"newerThan" is Invalid Date; it must be a valid Date/],
    [{ overwrite: true }, TypeError, /"overwrite" is true/],
    [{ delete: 1 }, TypeError, /"delete" is 1; it must be true or false/],
    [{ deleteExcluded: 'yes' }, TypeError, /"deleteExcluded" is 'yes'/],
    [{ allowEmptySource: 0 }, TypeError, /"allowEmptySource" is 0/],
    [{ maxDelete: -1 }, RangeError, /"maxDelete" is -1; it must be a whole number from 0, or Infinity/],
    [{ maxDelete: 1.5 }, RangeError, /"maxDelete" is 1\.5/],
    [{ maxDepth: '3' }, TypeError, /"maxDepth" is '3'/],
    [{ maxDepth: NaN }, RangeError, /"maxDepth" is NaN/],
    [{ dryRun: null }, TypeError, /"dryRun" is null/],
    [
      { symlinks: 'copy' },
      RangeError,
      /"symlinks" is 'copy'; it must be one of 'skip', 'follow', 'recreate'/,
    ],
    [{ onError: 'ask' }, RangeError, /"onError" is 'ask'/],
    [{ preserveModified: 'no' }, TypeError, /"preserveModified" is 'no'/],
    [{ bytesPerSecond: 0 }, RangeError, /"bytesPerSecond" is 0/],
    [{ exclude: [7] }, TypeError, /"exclude\[0\]" is 7/],
    [{ signal: {} }, TypeError, /"signal" is {}/],
    [{ on: { progres: () => {} } }, TypeError, /no option "on\.progres"; did you mean "on\.progress"/],
    [[], TypeError, /"options" is \[\]; it must be an object/],
  ])('%o is refused', (options, type, message) => {
    expect(() => mirrorSettings(given(options), 8)).toThrow(type)
    expect(() => mirrorSettings(given(options), 8)).toThrow(message)
  })
})
