import { expect, test } from 'vitest'
import { FtpTransferError } from '../../src/errors.ts'
import { localError } from '../../src/local/local-error.ts'

test.each([
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the disk quota is used up'],
  ['EACCES', 'there is no permission to write there'],
  ['EROFS', 'the file system is read-only'],
  ['EFBIG', 'the file system does not hold files of that size'],
])('%s: %s', (code, advice) => {
  const cause = Object.assign(new Error(`${code}: as the system says it`), { code })
  const error = localError(cause, '/data/disk.iso.octoftp-part')
  expect(error).toBeInstanceOf(FtpTransferError)
  expect(error).toMatchObject({
    code: 'ERR_FTP_LOCAL_FILE',
    path: '/data/disk.iso.octoftp-part',
    cause,
    retryable: false,
  })
  expect(error.message).toBe(`Cannot write /data/disk.iso.octoftp-part: ${advice}`)
})

test("any other failure in the system's own words", () => {
  const cause = Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' })
  expect(localError(cause, '/a').message).toBe('Cannot write /a: EIO: i/o error, write')
})
