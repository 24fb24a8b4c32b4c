import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

/** All that an HTTP server sends to GET requests that are sent at once, until it closes the connection. */
export async function answersOnOneConnection(url: string, paths: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const requests = paths.map((path, at) => {
    const connection = at === paths.length - 1 ? 'close' : 'keep-alive'
    return `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: ${connection}\r\n\r\n`
  })
  socket.write(requests.join(''))
  return text(socket)
}
