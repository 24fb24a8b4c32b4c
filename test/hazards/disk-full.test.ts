/** The disk fills up while the file grows: ERR_FTP_LOCAL_FILE, the older file whole, nothing left. */
import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { CONTENT, PASSWORD, REMOTE, serving, USER } from './support/attempt.ts'
import { runScript } from './support/child-process.ts'

/** Fetches into `$TARGET`, and tells how it went, what stands there, and what is beside it. */
const SCRIPT = `
  import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
  import { dirname } from 'node:path'
  import { download } from './octoftp/index.js'
  const { URL: url, TARGET: target } = process.env
  writeFileSync(target, 'older')
  const retries = []
  const error = await download(url, target, { connections: 4, minSegmentSize: 1024, on: { retry: (e) => retries.push(e) } })
    .then(() => undefined, (reason) => reason)
  process.stdout.write(JSON.stringify({
    ...error, name: error?.name, message: error?.message, cause: error?.cause?.code, retries: retries.length,
    older: readFileSync(target, 'latin1').slice(0, 10), names: readdirSync(dirname(target)),
  }))
`

interface Outcome {
  readonly code: string
  readonly name: string
  readonly message: string
  readonly cause: string
  readonly path: string
  readonly retryable: boolean
  readonly retries: number
  readonly older: string
  readonly names: string[]
}

const mounts = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])
const whyNoMount = mounts.status === 0 ? '' : ' (left out: a small file system cannot be mounted here)'
const whyNoLimit = process.platform === 'win32' ? ' (left out: Windows has no such limit)' : ''

test.skipIf(whyNoMount !== '')(`ENOSPC, on a file system of 256 KiB${whyNoMount}`, async () => {
  const outcome = await fetchUnder((node, script, disk) => [
    ...['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=256k tmpfs "$1" && exec "$2" "$3"', 'sh'],
    ...[disk, node, script],
  ])
  expectLocalFailure(outcome, 'ENOSPC', /the disk is full/)
})

test.skipIf(whyNoLimit !== '')(`EFBIG, under a limit on the size of files${whyNoLimit}`, async () => {
  // In blocks of 512 bytes (POSIX) or 1024 (some shells): below the file's size either way.
  const limited = 'ulimit -f 400 && exec "$1" "$2"'
  const outcome = await fetchUnder((node, script) => ['sh', '-c', limited, 'sh', node, script])
  expectLocalFailure(outcome, 'EFBIG', /does not hold files of that size/)
})

function expectLocalFailure(outcome: Outcome, cause: string, words: RegExp): void {
  expect(outcome).toMatchObject({
    name: 'FtpTransferError',
    code: 'ERR_FTP_LOCAL_FILE',
    cause,
    retryable: false,
    retries: 0,
    older: 'older',
    names: ['file.bin'],
  })
  expect(outcome.message).toMatch(words)
  expect(outcome.path).toContain('file.bin')
}

/** Runs {@link SCRIPT} in a process of its own, under whatever `wrap` puts around it. */
async function fetchUnder(
  wrap: (node: string, script: string, disk: string) => readonly string[],
): Promise<Outcome> {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT))
  await mkdir(folder.at('disk'))
  const { output, errorOutput } = await runScript(folder, SCRIPT, {
    env: {
      URL: `ftp://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/${REMOTE}`,
      TARGET: folder.at('disk', 'file.bin'),
    },
    wrap: (node, script) => wrap(node, script, folder.at('disk')),
  })
  expect(errorOutput).toBe('')
  return JSON.parse(output) as Outcome
}
