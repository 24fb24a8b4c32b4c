import { once } from 'node:events'
import { access, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { describe, expect, test } from 'vitest'
import { expectNoLeaks } from './leaks.ts'
import { RawClient } from './raw-client.ts'
import { scriptedServer } from './scripted-server.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const SOON = { settleMs: 50 }

describe('expectNoLeaks finds', () => {
  test('a listener on a port, also one that does not hold the process', async () => {
    const server: Server = createServer()
    const leaking = expectNoLeaks(async () => {
      await once(server.listen(0), 'listening')
      server.unref()
    }, SOON)
    await expect(leaking).rejects.toThrow(/left behind:\n[^]*socket/)
    server.close()
  })

  test('a timer, also one that does not hold the process, with where it was started', async () => {
    let timer: NodeJS.Timeout | undefined
    const leaking = expectNoLeaks(() => {
      timer = setTimeout(() => undefined, 60_000)
      timer.unref()
    }, SOON)
    await expect(leaking).rejects.toThrow(/Timeout started\n.*leaks\.test\.ts/)
    clearTimeout(timer)
  })

  test('an open file', async () => {
    await using directory = await temporaryDirectory()
    let handle: FileHandle | undefined
    const leaking = expectNoLeaks(async () => {
      handle = await open(directory.at('forgotten'), 'w')
    }, SOON)
    await expect(leaking).rejects.toThrow('forgotten')
    await handle?.close()
  })

  test('listeners on the process and on a signal', async () => {
    const { signal } = new AbortController()
    const forget = (): void => undefined
    const leaking = expectNoLeaks(
      () => {
        process.on('SIGUSR2', forget)
        signal.addEventListener('abort', forget)
      },
      { watch: [signal], ...SOON },
    )
    await expect(leaking).rejects.toThrow(/SIGUSR2\n.*abort on a signal/)
    process.off('SIGUSR2', forget)
  })
})

test('expectNoLeaks lets through what closes by itself, and gives the result', async () => {
  const result = await expectNoLeaks(async () => {
    setTimeout(() => undefined, 50)
    await using server = await scriptedServer((control) => control.reply('220 ready'))
    const client = await RawClient.connect(server.port)
    return await client.line()
  })
  expect(result).toBe('220 ready')
})

test('expectNoLeaks tells the failure of what it runs, not a leak', async () => {
  await expect(expectNoLeaks(() => Promise.reject(new Error('itself')))).rejects.toThrow('itself')
})

test('a temporary directory goes with everything in it', async () => {
  const path = await filledDirectory()
  await expect(access(path)).rejects.toMatchObject({ code: 'ENOENT' })
})

async function filledDirectory(): Promise<string> {
  await using directory = await temporaryDirectory()
  await (await open(directory.at('full'), 'w')).close()
  return directory.path
}
