/**
 * Progress: one line that is written over on a terminal, and a line for each tenth elsewhere.
 *
 *   node examples/progress.mjs ftp://ftp.example.org//pub/disk.iso disk.iso
 */
import { clearLine, cursorTo } from 'node:readline'
import { download } from 'octoftp'

const [url, target] = process.argv.slice(2)
const { stderr } = process
let tenthsTold = -1

function show({ bytes, fraction = 0, bytesPerSecond, etaSeconds, activeConnections }) {
  const tenths = Math.floor(fraction * 10)
  if (!stderr.isTTY && tenths === tenthsTold) return
  tenthsTold = tenths
  const megabytes = (bytes / 1e6).toFixed(1)
  const rate = (bytesPerSecond / 1e6).toFixed(1)
  const left = etaSeconds === undefined ? '' : `, ${Math.ceil(etaSeconds)} s left`
  const line = `${Math.floor(fraction * 100)} %, ${megabytes} MB by ${activeConnections} connections, ${rate} MB/s${left}`
  if (!stderr.isTTY) return void stderr.write(`${line}\n`)
  clearLine(stderr, 0)
  cursorTo(stderr, 0)
  stderr.write(line.slice(0, stderr.columns - 1))
}

const transfer = download(url, target)
transfer.on('progress', show)
try {
  const { bytes, averageBytesPerSecond } = await transfer
  console.log(`\n${bytes} bytes, ${(averageBytesPerSecond / 1e6).toFixed(1)} MB/s`)
} catch (error) {
  console.error(`\n${error.message}`)
  process.exitCode = 1
}
