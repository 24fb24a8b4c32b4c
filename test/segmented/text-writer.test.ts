import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TextWriter } from '../../src/segmented/text-writer.ts'
import { deliver, type Pace } from './receive.ts'
import { WrittenFile } from './written-file.ts'

/** Texts in which every order of CR and LF is likely. */
const texts = fc.string({ unit: fc.constantFrom('\r', '\n', '\r\n', 'a', 'é'), maxLength: 60 })
const paces: fc.Arbitrary<Pace> = fc.record({
  reads: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 20 }),
  writes: fc.array(fc.record({ count: fc.nat(1), which: fc.nat(3) }), { minLength: 1, maxLength: 5 }),
  late: fc.constantFrom(0, 0, 1, 4),
})

interface Received {
  readonly text: string
  readonly writer: TextWriter
}

async function receive(text: string, pace: Pace, lineEnd?: string): Promise<Received> {
  const source = Buffer.from(text)
  const file = new WrittenFile(0, source.length)
  const writer = new TextWriter(file, lineEnd)
  expect(deliver(source, writer, file, pace).bytes).toBe(source.length)
  await finish(writer, file)
  return { text: file.content().toString(), writer }
}

/** Carries out what is waiting, the newest first, and looks whether finish() waits for all of it. */
async function finish(writer: TextWriter, file: WrittenFile): Promise<void> {
  let isFinished = false
  const finished = writer.finish().finally(() => (isFinished = true))
  while (file.waiting.length > 0) {
    expect(isFinished).toBe(false)
    file.carryOut(file.waiting.length - 1)
    for (let turn = 0; turn < 3; turn++) await Promise.resolve()
  }
  await finished
}

describe('TextWriter', () => {
  test('CR LF becomes LF wherever reads cut it; a lone CR and a lone LF stay as they are', async () => {
    await fc.assert(
      fc.asyncProperty(texts, paces, async (text, pace) => {
        const received = await receive(text, pace, '\n')
        expect(received.text).toBe(text.replaceAll('\r\n', '\n'))
        expect(received.writer.position).toBe(Buffer.byteLength(received.text))
      }),
      { numRuns: 400 },
    )
  })

  test('leaves the text as it is where lines end with CR LF', async () => {
    await fc.assert(
      fc.asyncProperty(texts, paces, async (text, pace) => {
        expect((await receive(text, pace, '\r\n')).text).toBe(text)
      }),
    )
  })

  test('keeps a CR at the very end, and waits until it is written', async () => {
    const pace = { reads: [4], writes: [{ count: 0, which: 0 }], late: 0 }
    expect((await receive('end\r', pace, '\n')).text).toBe('end\r')
  })

  test('pauses while it writes', async () => {
    const file = new WrittenFile(0, 8)
    const writer = new TextWriter(file, '\n')
    const pace = { reads: [2], writes: [{ count: 0, which: 0 }], late: 0 }
    expect(deliver(Buffer.from('12345678'), writer, file, pace)).toMatchObject({ pauses: 4, mostWaiting: 1 })
  })

  test('a failed write stops the source and rejects, also where it is not the last one', async () => {
    const file = new WrittenFile(0, 8)
    const writer = new TextWriter(file, '\n')
    const full = new Error('the disk is full')
    file.failWith(full)
    const pace = { reads: [2], writes: [{ count: 0, which: 0 }], late: 0 }
    expect(deliver(Buffer.from('12345678'), writer, file, pace)).toMatchObject({ bytes: 4, stopped: true })
    expect(writer.stopped).toBe('write-failed')
    await expect(finish(writer, file)).rejects.toBe(full)
  })
})
