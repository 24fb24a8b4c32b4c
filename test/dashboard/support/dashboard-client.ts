/** What a page does, without a browser: calls with the right headers, and the state as the events tell it. */
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import type { Changes, TransferView } from '../../../examples/dashboard/model.ts'
import { startDashboard, type RunningDashboard } from '../../../examples/dashboard/start-dashboard.ts'
import { untilTrue } from '../../support/eventually.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Asked {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export async function ask(url: string, { method = 'GET', path, headers = {}, body }: Asked): Promise<Answer> {
  const asked = request(new URL(path, url), { method, headers, agent: false })
  asked.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const { statusCode: status = 0, headers: answered } = response
  // Events have no end.
  const isEndless = answered['content-type']?.startsWith('text/event-stream') === true
  const answer = { status, headers: answered, body: isEndless ? '' : await text(response) }
  asked.destroy()
  return answer
}

export class DashboardClient {
  readonly running: RunningDashboard
  readonly origin: string
  readonly #cookie: string
  readonly transfers = new Map<string, TransferView>()
  /** Every event as it came. */
  readonly told: string[] = []
  changes: Changes = {}

  private constructor(running: RunningDashboard, cookie: string) {
    this.running = running
    this.origin = new URL(running.url).origin
    this.#cookie = cookie
  }

  static async open(running: RunningDashboard): Promise<DashboardClient> {
    const { headers } = await ask(running.url, { path: new URL(running.url).search })
    const client = new DashboardClient(running, headers['set-cookie']?.[0]?.split(';')[0] ?? '')
    client.#listen()
    await untilTrue(() => client.changes.settings !== undefined)
    return client
  }

  get headers(): Record<string, string> {
    return { cookie: this.#cookie, origin: this.origin, 'content-type': 'application/json' }
  }

  post(path: string, body: unknown = {}): Promise<Answer> {
    return ask(this.origin, { method: 'POST', path, headers: this.headers, body })
  }

  /** The only transfer. */
  get transfer(): TransferView {
    const [only] = this.transfers.values()
    if (only === undefined || this.transfers.size > 1) throw new Error(`${this.transfers.size} transfers`)
    return only
  }

  async untilState(state: TransferView['state']): Promise<TransferView> {
    await untilTrue(() => this.transfers.size === 1 && this.transfer.state === state)
    return this.transfer
  }

  #listen(): void {
    const asked = request(new URL('/api/events', this.origin), {
      headers: { cookie: this.#cookie },
      agent: false,
    })
    asked.on('error', () => {})
    asked.on('response', (response) => {
      let rest = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        const events = (rest + piece).split('\n\n')
        rest = events.pop() ?? ''
        for (const event of events) this.#apply(event.slice('data: '.length))
      })
      response.on('error', () => {})
    })
    asked.end()
  }

  #apply(event: string): void {
    this.told.push(event)
    const changes = JSON.parse(event) as Changes
    this.changes = { ...this.changes, ...changes }
    for (const view of changes.transfers ?? []) this.transfers.set(view.id, view)
    for (const id of changes.removed ?? []) this.transfers.delete(id)
  }
}

/** Inside a test: a folder, and dashboards in it, one after the other. */
export async function dashboardFolder(): Promise<{
  readonly folder: TemporaryDirectory
  readonly start: () => Promise<DashboardClient>
}> {
  const folder = await temporaryDirectory()
  const all: RunningDashboard[] = []
  onTestFinished(async () => {
    for (const one of all) await one.close()
    await folder[Symbol.asyncDispose]()
  })
  const start = async (): Promise<DashboardClient> => {
    const running = await startDashboard({
      port: 0,
      folder: folder.at('saved'),
      stateFolder: folder.at('state'),
    })
    all.push(running)
    return DashboardClient.open(running)
  }
  return { folder, start }
}
