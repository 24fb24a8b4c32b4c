/**
 * The main job, end to end: an FTP server of its own, a large file, four connections, and the proof that what
 * arrived is what was sent.
 *
 *   npm run demo                    300 MiB in clear
 *   npm run demo -- --tls           the same over explicit TLS
 *   npm run demo -- --help
 *
 * Needs nothing but what `npm ci` installs. Exits with 0 only if the SHA-256 of both files agree.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FtpClient } from '../dist/index.js'
import { showProgress } from './demo/bars.mjs'
import { startEmbeddedServer } from './demo/embedded-server.mjs'
import { makeRandomFile, sha256 } from './demo/files.mjs'
import { ConnectionTally } from './demo/tally.mjs'
import { bytes, speed, step, table, verdict } from './demo/text.mjs'

const MIB = 2 ** 20

const usage = `npm run demo -- [options]

  --tls              explicit TLS (AUTH TLS), with a certificate that is checked
  --connections N    1 to 64 (4)
  --size MIB         of the file (300)
`

/** The part to copy: one download, and what it tells on its way. */
async function fetchFile(server, remote, local, { connections, signal }) {
  const ftp = new FtpClient(server.url, {
    user: server.user,
    password: server.password,
    maxConnections: connections,
    tls: { ca: server.ca },
  })
  try {
    const transfer = ftp.download(remote, local, { connections, signal })
    const tally = new ConnectionTally()
    const display = showProgress(transfer)
    transfer.on('segment', (event) => tally.add(event))
    try {
      return { result: await transfer, connections: tally.rows() }
    } finally {
      display.stop()
    }
  } finally {
    await ftp.close()
  }
}

function tableOf(rows, total) {
  return table(
    ['connection', 'segments', 'bytes', 'share', 'average', 'TLS session'],
    rows.map(({ connection, segments, received, seconds, tls }) => [
      `#${connection + 1}`,
      segments,
      bytes(received),
      `${((100 * received) / total).toFixed(1)} %`,
      speed(received / seconds),
      tls,
    ]),
  )
}

async function run({ tls, connections, size, signal }) {
  const server = await startEmbeddedServer({ tls })
  try {
    step('server', `ftp-srv on ${server.url}, ${tls ? 'explicit TLS' : 'in clear'}`)
    const source = join(server.root, 'disk.img')
    await makeRandomFile(source, size * MIB, signal)
    step('file', `disk.img, ${size} MiB of random bytes`)

    const target = join(server.scratch, 'received.img')
    const { result, connections: rows } = await fetchFile(server, '/disk.img', target, {
      connections,
      signal,
    })
    step(
      'fetched',
      `${bytes(result.bytes)} in ${result.elapsedSeconds.toFixed(2)} s, ${speed(result.averageBytesPerSecond)}`,
    )
    const { size: sizes, modified } = result.verified
    step('checked', `size ${sizes}, modification time ${modified}, before and after`)
    console.log(`\n${tableOf(rows, result.bytes)}\n`)

    const [sent, received] = [await sha256(source, signal), await sha256(target, signal)]
    return verdict(sent, received)
  } finally {
    await server.stop()
  }
}

function wholeNumber(name, text, most) {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  throw new RangeError(`--${name} is "${text}"; it must be a whole number from 1 to ${most}`)
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      tls: { type: 'boolean', default: false },
      connections: { type: 'string', default: '4' },
      size: { type: 'string', default: '300' },
      help: { type: 'boolean', default: false },
    },
  })
  const { tls, help } = values
  const connections = wholeNumber('connections', values.connections, 64)
  return { tls, help, connections, size: wholeNumber('size', values.size, 1_000_000) }
}

/** Ctrl-C cancels the work; the server goes with all files, as it does after a success. */
function abortOnSignals() {
  const controller = new AbortController()
  const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }
  for (const [name, code] of Object.entries(exitCodes)) {
    process.once(name, () => {
      process.exitCode = code
      controller.abort(new Error(`ended by ${name}; nothing is left behind`))
    })
  }
  return controller.signal
}

const signal = abortOnSignals()
try {
  const options = readArguments()
  if (options.help) console.log(usage)
  else process.exitCode = await run({ ...options, signal })
} catch (error) {
  // A stream that is aborted rejects with an error of its own.
  const { code, message } = signal.aborted ? signal.reason : error
  process.exitCode ||= 1
  console.error(`\n${code === undefined ? '' : `${code}: `}${message}`)
}
