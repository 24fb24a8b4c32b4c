/**
 * Fetches a file, however often it is stopped meanwhile: by Ctrl-C, by `kill -9`, by a power cut. Started again, it
 * goes on with what is on the disk.
 *
 *   node examples/resume-after-crash.mjs ftp://ftp.example.org//pub/disk.iso disk.iso
 */
import { download } from 'octoftp'

const [url, target] = process.argv.slice(2)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort(new Error('Stopped: start it again to go on')))

try {
  const transfer = download(url, target, { signal: stop.signal, keepPartial: true })
  // What an earlier run has left is told by the first progress: bytes that were there before any came.
  transfer.once('progress', ({ bytes, total }) =>
    console.log(`begins with ${bytes} of ${total ?? '?'} bytes`),
  )
  const { bytes, resumedBytes, verified } = await transfer
  console.log(`${bytes} bytes, ${resumedBytes} of them from before; size ${verified.size}`)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
