/**
 * Files of an FTP server by HTTP, with range requests (RFC 9110 §14): videos can be wound forward, downloads go on.
 * Nothing is kept here: what the browser does not read is not fetched.
 *
 *   node examples/http-range-server.mjs ftp://ftp.example.org 8080
 *   curl -r 1000-1999 http://127.0.0.1:8080/pub/disk.iso
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FtpClient } from 'octoftp'

const [url, port = '8080'] = process.argv.slice(2)
const ftp = new FtpClient(url, { password: process.env.FTP_PASSWORD, maxConnections: 8 })

const STATUS = {
  ERR_FTP_NOT_FOUND: 404,
  ERR_FTP_NOT_PERMITTED: 403,
  ERR_FTP_LOGIN: 502,
  ERR_FTP_CONNECT: 502,
}

/** Paths that cannot be decoded, or sent (line ends), are refused by errors of the language. */
function statusOf(error) {
  return error instanceof URIError || error instanceof TypeError ? 400 : (STATUS[error.code] ?? 500)
}

/** The first and the last byte that are asked for; `undefined` for all of them, `null` for none that are there. */
function rangeOf({ method, headers }, size, lastModified) {
  // Parts of a file that is another one by now are of no use.
  if (method !== 'GET' || ![undefined, lastModified].includes(headers['if-range'])) return undefined
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(headers.range ?? '') ?? []
  if (first === undefined || (first === '' && last === '')) return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return start <= end ? { start, end } : null
}

/** Fails where fewer bytes come: the file was replaced by a shorter one behind `stat`. */
function allOf(missing) {
  return new Transform({
    transform(chunk, _encoding, done) {
      missing -= chunk.length
      done(null, chunk)
    },
    flush: (done) => done(missing > 0 ? new Error(`${missing} bytes are missing`) : null),
  })
}

async function answer(request, response) {
  if (!['GET', 'HEAD'].includes(request.method)) return response.writeHead(405, { Allow: 'GET, HEAD' }).end()
  const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname)
  const { type, size, modifiedAt } = await ftp.stat(path)
  if (type !== 'file' || size === undefined) return response.writeHead(404).end()

  const lastModified = modifiedAt?.toUTCString()
  const range = rangeOf(request, size, lastModified)
  if (range === null) return response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end()
  const { start, end } = range ?? { start: 0, end: size - 1 }
  const status = range === undefined ? 200 : 206
  const headers = {
    'Accept-Ranges': 'bytes',
    'Content-Length': end - start + 1,
    'Content-Type': 'application/octet-stream',
    ...(lastModified !== undefined && { 'Last-Modified': lastModified }),
    ...(range !== undefined && { 'Content-Range': `bytes ${start}-${end}/${size}` }),
  }
  if (request.method === 'HEAD' || size === 0) return response.writeHead(status, headers).end()
  const body = ftp.createReadStream(path, { start, end })
  await once(body, 'readable') // What fails before the first byte can be told by a status.
  await pipeline(body, allOf(end - start + 1), response.writeHead(status, headers))
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (error.code === 'ERR_STREAM_PREMATURE_CLOSE') return // The browser has left.
    console.error(error.message)
    // Too late for a status: the client sees that the body is cut.
    if (response.headersSent) response.destroy()
    else response.writeHead(statusOf(error)).end()
  })
})
server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))

process.once('SIGINT', () => {
  server.close()
  server.closeAllConnections()
  void ftp.close()
})
