/** The server of the dashboard: who may come in, which page they get, and which call is made. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { answerFailure, answerJson, protect, readFields } from './answers.ts'
import { ANSWERED, CALLS } from './calls.ts'
import { Dashboard } from './dashboard.ts'
import { streamEvents } from './event-stream.ts'
import { Refusal } from './failures.ts'
import { Guard } from './guard.ts'
import { pageFiles } from './page-files.ts'

export interface DashboardOptions {
  /** On 127.0.0.1; 0 for any. */
  readonly port: number
  /** Into which files are saved. */
  readonly folder: string
  /** Where the state is kept. */
  readonly stateFolder: string
}

export interface RunningDashboard {
  /** With the token. */
  readonly url: string
  /** Ends it; what is not over goes on with the next run. */
  close(): Promise<void>
}

export async function startDashboard(options: DashboardOptions): Promise<RunningDashboard> {
  const files = await pageFiles()
  const dashboard = await Dashboard.open(options.stateFolder, options.folder)
  const server = createServer()
  try {
    server.listen(options.port, '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    await dashboard.close()
    throw error
  }
  const { port } = server.address() as AddressInfo
  const guard = new Guard(dashboard.token, port)

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    protect(response)
    guard.expectOwnOrigin(request)
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/' && guard.isToken(searchParams.get('token'))) {
      // The token does not stay in the address, where it would be in the history and in screenshots.
      return void response.writeHead(303, { 'set-cookie': guard.cookie, location: '/' }).end()
    }
    if (!guard.isKnown(request)) throw new Refusal(401, 'Open the address that the dashboard has printed')
    if (request.method === 'GET') return answerQuestion(pathname, response)
    const call = request.method === 'POST' ? CALLS[pathname] : undefined
    if (call === undefined) throw new Refusal(404, 'There is nothing here')
    const result = await call(dashboard, await readFields(request), response)
    if (result !== ANSWERED) answerJson(response, result)
  }

  const answerQuestion = (pathname: string, response: ServerResponse): void => {
    if (pathname === '/api/events') return streamEvents(response, dashboard.watch())
    const file = files.get(pathname)
    if (file === undefined) throw new Refusal(404, 'There is nothing here')
    response.writeHead(200, { 'content-type': file.type }).end(file.bytes)
  }

  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => answerFailure(response, error))
  })

  return {
    url: `http://127.0.0.1:${port}/?token=${dashboard.token}`,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await dashboard.close()
    },
  }
}
