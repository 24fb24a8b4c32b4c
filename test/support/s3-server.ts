import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** As much of S3 as a multipart upload needs, and the way back. */
export class S3Server implements AsyncDisposable {
  /** By bucket and key, as in `/releases/disk.iso`. */
  readonly objects = new Map<string, Buffer>()
  /** Parts are read, and nothing is answered. */
  isSilent = false
  /** How many parts came while it was. */
  unanswered = 0
  /** Of what is fetched, half comes, and then the connection is cut. */
  isCutting = false
  readonly #parts = new Map<number, Buffer>()
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  static async start(): Promise<S3Server> {
    const one = new S3Server()
    await new Promise<void>((resolve) => one.#server.listen(0, '127.0.0.1', resolve))
    return one
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', this.url)
    const body = await buffer(request).catch(() => undefined)
    if (body === undefined) return // Whoever sent it has left.
    if (request.method === 'GET') return this.#give(pathname, response)
    if (request.method === 'DELETE') return void response.writeHead(204).end()
    if (request.method === 'PUT' && this.isSilent) return void (this.unanswered += 1)
    if (request.method === 'PUT') {
      this.#parts.set(Number(searchParams.get('partNumber')), body)
      return void response.setHeader('ETag', `"${body.length}"`).end()
    }
    if (searchParams.has('uploads')) return void response.end(xml('InitiateMultipartUploadResult'))
    const inOrder = [...this.#parts].sort(([one], [other]) => one - other)
    this.objects.set(pathname, Buffer.concat(inOrder.map(([, part]) => part)))
    response.end(xml('CompleteMultipartUploadResult'))
  }

  #give(path: string, response: ServerResponse): void {
    const object = this.objects.get(path) ?? Buffer.alloc(0)
    response.setHeader('Content-Length', object.length)
    if (!this.isCutting) return void response.end(object)
    response.write(object.subarray(0, object.length / 2), () => response.destroy())
  }
}

function xml(result: string): string {
  return `<?xml version="1.0"?><${result}><UploadId>1</UploadId><ETag>"1"</ETag></${result}>`
}
