/** `--log`: what is said to servers and by them, of all connections of the command, numbered in their order. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EventEmitter, once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { writeTranscript, type ClientEmitter, type ClientEvents } from '../index.ts'
import { LocalFailure } from './failures.ts'
import type { Output } from './output.ts'

export interface OpenTranscript {
  /** @throws LocalFailure if it is not whole */
  readonly close: () => Promise<void>
}

type Said = ClientEvents['command'] | ClientEvents['reply']

/** @param file `-` for stdout; `undefined` for none */
export async function openTranscript(file: string | undefined, output: Output): Promise<OpenTranscript> {
  if (file === undefined) return { close: () => Promise.resolve() }
  if (file === '-') {
    const stop = followAll(output.stdout)
    return { close: () => Promise.resolve(stop()) }
  }
  const destination = await openFile(file)
  const written = finished(destination).catch((error: unknown) => {
    throw notWritten(error)
  })
  written.catch(() => {}) // Told when it is closed: what it is about goes on.
  const stop = followAll(destination)
  return {
    close: async () => {
      stop()
      destination.end()
      await written
    },
  }
}

async function openFile(file: string): Promise<Writable> {
  const stream = createWriteStream(file, { mode: 0o600 })
  try {
    await once(stream, 'open')
  } catch (error) {
    throw notWritten(error)
  }
  return stream
}

function notWritten(error: unknown): LocalFailure {
  return new LocalFailure(`The file of --log cannot be written: ${(error as Error).message}`)
}

/** By the channels of the library, which tell of clients that are not at hand, too. */
function followAll(destination: Writable): () => void {
  const emitter: ClientEmitter = new EventEmitter()
  const numbers = new Map<string, number>()
  const numbered = <Event extends Said>(event: Event): Event => {
    const key = `${event.host} ${event.connection}`
    const number = numbers.get(key) ?? numbers.size + 1
    numbers.set(key, number)
    return { ...event, connection: number }
  }
  const onCommand = (event: unknown): void =>
    void emitter.emit('command', numbered(event as ClientEvents['command']))
  const onReply = (event: unknown): void =>
    void emitter.emit('reply', numbered(event as ClientEvents['reply']))
  const stopWriting = writeTranscript(emitter, destination)
  subscribe('octoftp:command', onCommand)
  subscribe('octoftp:reply', onReply)
  return () => {
    stopWriting()
    unsubscribe('octoftp:command', onCommand)
    unsubscribe('octoftp:reply', onReply)
  }
}
