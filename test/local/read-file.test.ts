import { appendFileSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { openLocalFile } from '../../src/local/read-file.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** Several turns of all buffers, and no multiple of one. */
const LARGE = randomBytes(9_000_001, 11)

async function fileOf(bytes: Uint8Array): Promise<string> {
  const folder = await temporaryDirectory()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  writeFileSync(folder.at('a.bin'), bytes)
  return folder.at('a.bin')
}

/** As an upload does it: a chunk is looked at when the next one has come, and not after. */
async function readLate(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Uint8Array[] = []
  let held: Uint8Array | undefined
  for await (const chunk of chunks) {
    if (held !== undefined) copies.push(Uint8Array.from(held))
    held = chunk
  }
  if (held !== undefined) copies.push(Uint8Array.from(held))
  return Buffer.concat(copies)
}

test('a chunk stays as it is until two more have been asked for', async () => {
  await using file = await openLocalFile(await fileOf(LARGE))
  expect(file.size).toBe(LARGE.length)
  expect((await readLate(file.chunks(0))).equals(LARGE)).toBe(true)
})

test('it is read from any offset, again and again', async () => {
  await using file = await openLocalFile(await fileOf(LARGE))
  for (const start of [1, 1_048_576, LARGE.length - 1, LARGE.length, LARGE.length + 5]) {
    const rest = await readLate(file.chunks(start))
    expect(rest.equals(LARGE.subarray(start)), `from ${start}`).toBe(true)
  }
})

test('an empty file has no chunks', async () => {
  await using file = await openLocalFile(await fileOf(new Uint8Array(0)))
  expect(await readLate(file.chunks(0))).toHaveLength(0)
})

test('what is added while it is read is not read', async () => {
  const path = await fileOf(LARGE)
  await using file = await openLocalFile(path)
  let bytes = 0
  for await (const chunk of file.chunks(0)) {
    bytes += chunk.length
    if (bytes > LARGE.length) break
    appendFileSync(path, LARGE)
  }
  expect(bytes).toBe(LARGE.length)
  expect(file.size).toBe(LARGE.length)
  expect(await file.isUnchanged()).toBe(false)
  for await (const chunk of file.chunks(0)) expect(chunk.length).toBeGreaterThan(0)
  expect(file.size).toBeGreaterThan(LARGE.length)
  expect(await file.isUnchanged()).toBe(true)
})

test('whoever stops early leaves no read behind, and no open file', async () => {
  const path = await fileOf(LARGE)
  await expectNoLeaks(async () => {
    await using file = await openLocalFile(path)
    for await (const chunk of file.chunks(0)) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
  })
})

test('what fails while it is read ahead is told when its turn comes', async () => {
  const file = await openLocalFile(await fileOf(LARGE))
  const chunks = file.chunks(0)
  expect((await chunks.next()).done).toBe(false)
  await file[Symbol.asyncDispose]()
  // One was read before the file was closed.
  await expect(
    (async () => {
      for await (const chunk of chunks) expect(chunk.length).toBeGreaterThan(0)
    })(),
  ).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
})
