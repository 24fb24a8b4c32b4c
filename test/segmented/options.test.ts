import { describe, expect, test } from 'vitest'
import { DOWNLOAD_DEFAULTS, downloadSettings, type DownloadOptions } from '../../src/segmented/options.ts'

const given = (options: object): DownloadOptions => options

describe('downloadSettings', () => {
  test('are complete and frozen without any option', () => {
    const settings = downloadSettings(undefined, 8)
    expect(settings).toEqual({
      signal: undefined,
      connections: 4,
      maxConnections: 8,
      minSegmentSize: 1_048_576,
      resume: true,
      overwrite: 'replace',
      keepPartial: 'auto',
      bytesPerSecond: Infinity,
      verifySize: true,
      verifyModified: true,
      checksum: { checksum: false, expect: {} },
      preserveModified: true,
      type: 'binary',
      on: {},
    })
    expect(Object.isFrozen(settings)).toBe(true)
    expect(Object.isFrozen(DOWNLOAD_DEFAULTS) && Object.isFrozen(DOWNLOAD_DEFAULTS.verify)).toBe(true)
  })

  test('by default no more connections than the client may open', () => {
    expect(downloadSettings({}, 2).connections).toBe(2)
  })

  test("takes 'auto', which knows the client's cap", () => {
    expect(downloadSettings({ connections: 'auto' }, 5)).toMatchObject({
      connections: 'auto',
      maxConnections: 5,
    })
    expect(() => downloadSettings(given({ connections: 'many' }), 5)).toThrow(/"connections" is 'many'/)
  })

  test('takes what is given, at the edges too, and undefined for absent', () => {
    const { signal } = new AbortController()
    const options = {
      signal,
      connections: 8,
      minSegmentSize: 1,
      verify: { size: false },
      type: undefined,
    } as const
    expect(downloadSettings(options, 8)).toMatchObject({
      signal,
      connections: 8,
      minSegmentSize: 1,
      verifySize: false,
      verifyModified: true,
      type: 'binary',
    })
  })

  test.each([
    [given({ connections: 0 }), RangeError, /"connections" is 0.* from 1 to 8/],
    [given({ connections: 9 }), RangeError, /"connections" is 9.* from 1 to 8/],
    [given({ connections: 2.5 }), RangeError, /"connections" is 2\.5.*whole number/],
    [given({ connections: NaN }), RangeError, /"connections" is NaN/],
    [given({ connections: '4' }), TypeError, /"connections" is '4'/],
    [given({ minSegmentSize: 0 }), RangeError, /"minSegmentSize" is 0/],
    [given({ minSegmentSize: Infinity }), RangeError, /"minSegmentSize" is Infinity/],
    [given({ type: 'utf-8' }), RangeError, /"type" is 'utf-8'.*'binary', 'ascii'/],
    [given({ type: 1 }), TypeError, /"type" is 1.*'binary', 'ascii'/],
    [given({ preserveModified: 'yes' }), TypeError, /"preserveModified" is 'yes'.*true or false/],
    [given({ preserveModified: null }), TypeError, /"preserveModified" is null/],
    [given({ verify: true }), TypeError, /"verify" is true.*an object/],
    [given({ verify: { size: 1 } }), TypeError, /"verify\.size" is 1.*true or false/],
    [given({ verify: { modified: 1 } }), TypeError, /"verify\.modified" is 1.*true or false/],
    [given({ signal: {} }), TypeError, /"signal" is \{\}.*AbortSignal/],
    [given({ on: [] }), TypeError, /"on" is \[\].*an object/],
    [given({ on: { progress: 'tell me' } }), TypeError, /"on\.progress" is 'tell me'.*a function/],
    [given([]), TypeError, /"options" is \[\]/],
    [null as unknown as DownloadOptions, TypeError, /"options" is null/],
  ])('%o: an error that names the option, its value and what is allowed', (options, kind, message) => {
    const wrong = (): unknown => downloadSettings(options, 8)
    expect(wrong).toThrow(kind)
    expect(wrong).toThrow(message)
  })
})
