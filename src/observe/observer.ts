/**
 * Tells what a client does, to each of those who want to see it: listeners on the client, subscribers of
 * `node:diagnostics_channel` (`octoftp:command`, `octoftp:reply`, `tracing:octoftp:transfer`), and people who have set
 * `NODE_DEBUG=octoftp`. Where nobody looks it costs next to nothing.
 */
import { channel } from 'node:diagnostics_channel'
import { debuglog } from 'node:util'
import type { SessionWatch } from '../operations/sessions.ts'
import { describeCommand, type Command } from '../protocol/command.ts'
import type { Reply } from '../protocol/reply.ts'
import type { Session } from '../session/session.ts'
import { whenOver, type Transfer } from '../transfer/transfer.ts'
import type { ClientEvents } from './client-events.ts'
import { traced, type TransferFacts } from './trace-transfer.ts'
import { commandLine, replyLines, type ClientEmitter } from './transcript.ts'
import { callListener } from '../util/listener.ts'

const commands = channel('octoftp:command')
const replies = channel('octoftp:reply')
const debug = debuglog('octoftp')

export class Observer implements SessionWatch {
  readonly #host: string
  readonly #client: ClientEmitter

  /** @param host `host:port` of the server */
  constructor(host: string, client: ClientEmitter) {
    this.#host = host
    this.#client = client
  }

  connected(connection: number, session: Session): void {
    const { control, welcome } = session
    const { remoteAddress: address, tlsProtocol: tls } = control
    this.#tell('connect', { connection, host: this.#host, address, welcome, tls })
  }

  disconnected(connection: number, reason: unknown): void {
    this.#tell('disconnect', { connection, host: this.#host, reason })
  }

  sent(connection: number, command: Command): void {
    if (!debug.enabled && !commands.hasSubscribers && this.#client.listenerCount('command') === 0) return
    const event = { connection, host: this.#host, command: describeCommand(command) }
    if (debug.enabled) debug('%s', commandLine(event))
    if (commands.hasSubscribers) commands.publish(event)
    this.#tell('command', event)
  }

  received(connection: number, { code, lines }: Reply): void {
    if (!debug.enabled && !replies.hasSubscribers && this.#client.listenerCount('reply') === 0) return
    const event = { connection, host: this.#host, code, lines }
    if (debug.enabled) for (const line of replyLines(event)) debug('%s', line)
    if (replies.hasSubscribers) replies.publish(event)
    this.#tell('reply', event)
  }

  retried(retry: ClientEvents['retry']): void {
    this.#tell('retry', retry)
  }

  /** Follows a transfer from before it begins until it is over. */
  follow(transfer: Transfer<unknown>, { type, path }: Pick<TransferFacts, 'type' | 'path'>): void {
    const tell = (): void => this.#tell('transfer', { type, path, state: transfer.state, transfer })
    const onRetry = (event: ClientEvents['retry']): void => this.retried(event)
    transfer.on('state', tell).on('retry', onRetry)
    tell()
    void whenOver(transfer).then(() => {
      transfer.off('state', tell).off('retry', onRetry)
    })
  }

  /** Runs the work of a transfer where those who trace can see it. */
  traced<Result>(facts: Pick<TransferFacts, 'type' | 'path'>, work: () => Promise<Result>): Promise<Result> {
    return traced({ ...facts, host: this.#host }, work)
  }

  #tell<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void {
    callListener(() => this.#client.emit(name, ...([event] as never)))
  }
}
