/** What is sent: bytes, text, or whatever can be iterated. */
import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'

/** `Readable` streams are iterables, too. */
export type UploadData =
  Uint8Array | string | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>

export interface UploadSource extends AsyncDisposable {
  /** Bytes; `undefined` where the end tells. */
  readonly size: number | undefined
  /** The time that the remote file gets, where there is one. */
  readonly modified: Date | undefined
  /** Whether `chunks` can be asked for again, and for a part. */
  readonly isRepeatable: boolean
  /** Whether what `chunks` gives is what it gave before. */
  isUnchanged(): Promise<boolean>
  chunks(start: number): AsyncIterable<Uint8Array>
}

/** Text goes out as UTF-8. */
export function dataSource(data: UploadData): UploadSource {
  if (typeof data === 'string') return bytesSource(new TextEncoder().encode(data))
  if (data instanceof Uint8Array) return bytesSource(data)
  return {
    ...{ size: undefined, modified: undefined, isRepeatable: false },
    isUnchanged: () => Promise.resolve(true),
    chunks: () => encoded(data),
    // One that was never read, or waits for something, is not closed by leaving its iteration.
    [Symbol.asyncDispose]: () => {
      if (data instanceof Readable) data.destroy()
      return Promise.resolve()
    },
  }
}

/**
 * A stream may fail before anybody reads it (its file is missing), which ends the process if nobody listens. What it
 * failed by is told when it is read. The function that this gives takes the listener back.
 */
export function keepQuiet(data: unknown): () => void {
  if (!(data instanceof EventEmitter)) return () => {}
  const ignore = (): void => {}
  data.on('error', ignore)
  return () => void data.off('error', ignore)
}

function bytesSource(bytes: Uint8Array): UploadSource {
  return {
    ...{ size: bytes.length, modified: undefined, isRepeatable: true },
    isUnchanged: () => Promise.resolve(true),
    chunks: (start) => once(bytes.subarray(start)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  if (bytes.length > 0) yield bytes
}

async function* encoded(
  data: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
): AsyncGenerator<Uint8Array, void> {
  const utf8 = new TextEncoder()
  for await (const chunk of data) {
    const part: unknown = chunk
    if (typeof part === 'string') yield utf8.encode(part)
    else if (part instanceof Uint8Array) yield* copies(part)
    else throw new TypeError('What is uploaded must be bytes or text')
  }
}

const COPIED_BYTES = 262_144

/** What is still on its way is ours: whoever asks a reader for more gets it in the same buffer, often enough. */
function* copies(bytes: Uint8Array): Generator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += COPIED_BYTES) {
    yield new Uint8Array(bytes.subarray(at, at + COPIED_BYTES))
  }
}
