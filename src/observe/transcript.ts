/**
 * The conversation with a server as text, for people:
 *
 *   [1] S->C: 220 Welcome
 *   [1] C->S: USER anonymous
 *
 * The number is that of the connection.
 */
import type { Writable } from 'node:stream'
import type { EventEmitter } from 'node:events'
import { printable } from '../protocol/text.ts'
import type { ClientEvents } from './client-events.ts'

/** Longer lines are cut short. */
const LONGEST_LINE = 4_096

/** What has the events of a client: an `FtpClient`. */
export type ClientEmitter = EventEmitter<{ [Name in keyof ClientEvents]: [ClientEvents[Name]] }>

/**
 * Writes every command and reply of a client, from now on, to `destination`: a file's stream, `process.stdout`, … It
 * shows no password. Nothing waits for the destination, and it is not ended.
 *
 * @returns a function that stops it
 */
export function writeTranscript(client: ClientEmitter, destination: Writable): () => void {
  const onCommand = (event: ClientEvents['command']): void => write(commandLine(event))
  const onReply = (event: ClientEvents['reply']): void => write(replyLines(event).join('\n'))
  const write = (text: string): void => {
    if (destination.writable) destination.write(`${text}\n`)
  }
  client.on('command', onCommand).on('reply', onReply)
  return () => client.off('command', onCommand).off('reply', onReply)
}

export function commandLine({ connection, command }: ClientEvents['command']): string {
  return `[${connection}] C->S: ${command}`
}

/** As they came: the code before the first and the last of several. */
export function replyLines({ connection, code, lines }: ClientEvents['reply']): string[] {
  const last = lines.length - 1
  return lines.map((line, index) => {
    const head = index === last ? `${code} ` : index === 0 ? `${code}-` : ''
    return `[${connection}] S->C: ${head}${printable(line, LONGEST_LINE)}`
  })
}
