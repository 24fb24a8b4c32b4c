/** Calls to the server. */
import type { Failure, ListingLine, Row } from '../model.ts'
import { say } from './notices.ts'

class CallFailure extends Error {
  readonly code: string

  constructor({ code, message }: Failure) {
    super(message)
    this.code = code
  }
}

async function post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: signal ?? null,
  }).catch((cause: unknown) => {
    if (signal?.aborted === true) throw cause
    throw new CallFailure({ code: 'LOST', message: 'The dashboard does not answer: is it still running?' })
  })
  if (!response.ok) throw new CallFailure((await response.json()) as Failure)
  return response
}

export async function call<T = unknown>(path: string, body: unknown = {}): Promise<T> {
  return (await (await post(path, body)).json()) as T
}

/** The same where nobody waits for the answer: a failure is said. */
export function tell(path: string, body: unknown = {}): void {
  call(path, body).catch((error: unknown) => say((error as Error).message, true))
}

/** The entries of a directory, some hundred at a time. */
export async function* list(path: string, signal: AbortSignal): AsyncGenerator<readonly Row[], void> {
  const { body } = await post('/api/list', { path }, signal)
  if (body === null) return
  for await (const text of linesOf(body)) {
    const line = JSON.parse(text) as ListingLine
    if ('error' in line) throw new CallFailure(line.error)
    if ('end' in line) return
    yield line
  }
  throw new CallFailure({ code: 'LOST', message: 'The listing broke off' })
}

async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const lines = (rest + piece.value).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
