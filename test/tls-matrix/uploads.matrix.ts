/** Uploads of 0 bytes to 1 GiB under TLS 1.2 and 1.3 arrive whole at every server: by the hash of what is there. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { serverMatrix } from '../servers/index.ts'
import { sharedServer } from '../servers/vitest.ts'
import { patternFile } from '../support/pattern-file.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

/** Nothing, one byte, a TLS record and a byte less and more, a piece of ours and a byte, and much. */
const SIZES = [0, 1, 16_383, 16_384, 16_385, 1_048_577, 67_108_864, 1_073_741_824]
const BLOCK_BYTES = 8_388_608
/** Tells an upload that hangs from a slow disk. Milliseconds. */
const TIMEOUT_MS = 300_000

let folder: TemporaryDirectory
const hashes = new Map<number, string>()
const local = (size: number): string => folder.at(`${size}.bin`)

beforeAll(async () => {
  folder = await temporaryDirectory()
  for (const size of SIZES) {
    await writePattern(local(size), size)
    hashes.set(size, await hashOf(local(size)))
  }
}, TIMEOUT_MS)
afterAll(() => folder[Symbol.asyncDispose]())

for (const { kind, tls, name, unavailable } of serverMatrix()) {
  if (tls !== 'explicit') continue
  for (const tlsVersion of ['1.2', '1.3'] as const) {
    describe(`${name}, TLS ${tlsVersion}`, () => {
      if (unavailable !== undefined)
        return it(`left out: ${unavailable}`, (context) => context.skip(unavailable))
      const server = sharedServer(kind, { tls, tlsVersion })
      it.each(SIZES)(
        'an upload of %i bytes arrives whole',
        async (size) => {
          const { url, user, password, ca, root } = server()
          const remote = join(root, 'uploaded')
          await using client = new FtpClient(url, { user, password, tls: { ca } })
          const result = await client.upload(local(size), 'uploaded')
          expect(result).toMatchObject({ bytes: size, resentBytes: 0 })
          expect(result.tls).toMatchObject({ protocol: `TLSv${tlsVersion}`, dataSessions: 1 })
          expect(await hashOf(remote)).toBe(hashes.get(size))
          await rm(remote)
        },
        TIMEOUT_MS,
      )
    })
  }
}

async function writePattern(path: string, size: number): Promise<void> {
  const pattern = patternFile(size, 'uploads')
  await using file = await open(path, 'w')
  for (let at = 0; at < size; at += BLOCK_BYTES) await file.write(pattern.content(at, BLOCK_BYTES))
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha1')
  await pipeline(createReadStream(path, { highWaterMark: 1_048_576 }), hash)
  return hash.digest('hex')
}
