/** A process that may open no more files says so, and leaves what an earlier run has fetched as it is. */
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { partPath } from '../../src/local/names.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { clientOptions, REMOTE, serving } from './support/attempt.ts'
import { runScript } from './support/child-process.ts'

const SIZE = 6_000_000
const CONTENT = randomBytes(SIZE, 'descriptors')

test.skipIf(process.platform === 'win32')('the part file is not thrown away', async () => {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 4_000_000 }))
  await using client = new FtpClient(await clientOptions(server, {}))
  const target = folder.at('file.bin')
  const begun = client.download(REMOTE, target, { connections: 1, keepPartial: true })
  begun.on('progress', ({ bytes }) => {
    if (bytes > SIZE / 2) begun.cancel(new Error('half'))
  })
  await expect(begun).rejects.toThrow('half')
  const part = await readFile(partPath(target))

  const script = `
    import { open } from 'node:fs/promises'
    import { PartFile } from './octoftp/local/part-file.js'
    const held = []
    try { for (;;) held.push(await open(process.execPath)) } catch {}
    const outcome = await PartFile.reopen(process.env.TARGET, 1, ${SIZE}).then((file) => String(file), (error) => error.code)
    for (const one of held) await one.close()
    process.stdout.write(outcome)
  `
  await using scripts = await temporaryDirectory()
  const limited = 'ulimit -n 64 && exec "$1" "$2"'
  const { output } = await runScript(scripts, script, {
    env: { TARGET: target },
    wrap: (node, path) => ['sh', '-c', limited, 'sh', node, path],
  })
  expect(output).toBe('ERR_FTP_LOCAL_FILE')

  expect((await readFile(partPath(target))).equals(part)).toBe(true)
  const { resumedBytes } = await client.download(REMOTE, target, { connections: 1 })
  expect(resumedBytes).toBeGreaterThan(SIZE / 4)
  expect((await readFile(target)).equals(CONTENT)).toBe(true)
  expect(await readdir(folder.path)).toEqual(['file.bin'])
})
