/**
 * One cell of the TLS matrix, as plain JavaScript for every supported Node:
 *
 *   node program.mjs '<a Cell of cell.ts as JSON>'
 *
 * Makes as many data connections as it is told, in rounds of five kinds, over one client, and prints the `Report` of
 * cell.ts as JSON. Each TLS socket that the library makes is looked at from outside, so that nothing here depends on
 * what the library tells of itself.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const cell = JSON.parse(process.argv[2])
const { server, files, folder } = cell
const { FtpClient } = await import(cell.library)

const report = {
  node: process.versions.node,
  operations: { list: 0, small: 0, segmented: 0, upload: 0, aborted: 0 },
  dataConnections: 0,
  secured: 0,
  resumed: 0,
  sessionsGiven: 0,
  earlyEnds: 0,
  protocols: [],
  controlConnections: 0,
  lost: [],
  refused: [],
  retries: [],
  failures: [],
  wrong: [],
}

/** Every TLS socket is a control connection, which runs over a socket to the server's port, or a data connection. */
function watchSockets() {
  const tls = process.getBuiltinModule('node:tls')
  const { connect } = tls
  tls.connect = (options, ...rest) => {
    const socket = connect(options, ...rest)
    socket.on('session', () => (report.sessionsGiven += 1))
    if (options.socket?.remotePort !== server.port) watchData(socket)
    return socket
  }
}

function watchData(socket) {
  report.dataConnections += 1
  socket.once('secureConnect', () => {
    report.secured += 1
    if (socket.isSessionReused()) report.resumed += 1
    const protocol = socket.getProtocol()
    if (!report.protocols.includes(protocol)) report.protocols.push(protocol)
  })
}

/** What servers say where they take no data connection, or no more of us. */
const REFUSALS = [421, 425, 522, 530, 534]

function watchClient(client) {
  client.on('connect', () => (report.controlConnections += 1))
  client.on('disconnect', ({ reason }) => report.lost.push(`${reason}`))
  client.on('retry', ({ error }) => report.retries.push(`${error}`))
  client.on('reply', ({ code, lines }) => {
    if (REFUSALS.includes(code)) report.refused.push(`${code} ${lines.join(' ')}`)
  })
}

/** Several lanes share the client, so that its sessions serve now the one, now the other. Where all fails, nothing ends it. */
async function runLane(client, lane) {
  const isDone = () => report.dataConnections >= cell.dataConnections || report.failures.length > 0
  for (let round = 0; !isDone(); round += 1) {
    await attempt('list', () => list(client))
    await attempt('small', () => download(client, files.small, `small-${lane}`, 1))
    await attempt('segmented', () => download(client, files.segmented, `segmented-${lane}`, 3))
    await attempt('upload', () => upload(client, lane, round))
    await attempt('aborted', () => abort(client, lane, round))
  }
}

async function attempt(kind, operation) {
  try {
    await operation()
    report.operations[kind] += 1
  } catch (error) {
    report.failures.push(`${kind}: ${error}`)
  }
}

async function list(client) {
  const names = []
  for await (const { name } of client.list(files.listed.path)) names.push(name)
  if (names.sort().join() !== files.listed.names.join()) report.wrong.push(`the listing: ${names.join()}`)
}

async function download(client, file, target, connections) {
  let segments = 0
  const on = { segment: ({ type }) => (segments += type === 'finish' ? 1 : 0) }
  const path = join(folder, target)
  await client.download(file.path, path, { connections, minSegmentSize: 262_144, on })
  // All but the last are cut where the next begins; the server would send all to the end of the file.
  report.earlyEnds += segments - 1
  if (sha256(await readFile(path)) !== file.sha256) report.wrong.push(file.path)
}

async function upload(client, lane, round) {
  const name = `uploaded-${cell.id}-${lane}`
  const bytes = Buffer.alloc(1 + ((round * 7_919) % 100_000), `${name} ${round} `)
  await client.upload(bytes, name)
  const there = await readFile(join(cell.root, name))
  if (!there.equals(bytes)) report.wrong.push(`${name}, round ${round}`)
}

/**
 * When a transfer is given up. Pure-FTPd answers nothing at all where a download is cut in its first block, and the
 * session is lost by that; here it is to be kept.
 */
const ABORTED_BEHIND_BYTES = 1_048_576

/** A download, a stream that is read, an upload that has just begun: in turn. */
async function abort(client, lane, round) {
  const controller = new AbortController()
  const { signal } = controller
  const reason = new Error('given up on purpose')
  const ways = [abortDownload, abortStream, abortUpload]
  try {
    await ways[(lane + round) % ways.length](client, `aborted-${cell.id}-${lane}`, signal, () =>
      controller.abort(reason),
    )
  } catch (error) {
    if (error === reason) return
    throw error
  }
  throw new Error('it came to its end, though it was given up')
}

async function abortDownload(client, name, signal, giveUp) {
  const options = { signal, connections: 1, keepPartial: false }
  const transfer = client.download(files.large.path, join(folder, name), options)
  // Its events come too late for a file that is a matter of milliseconds.
  const watch = setInterval(() => {
    if (transfer.progress.bytes >= ABORTED_BEHIND_BYTES) giveUp()
  }, 1)
  try {
    await transfer
  } finally {
    clearInterval(watch)
  }
}

async function abortStream(client, _name, signal, giveUp) {
  let bytes = 0
  for await (const chunk of client.createReadStream(files.large.path, { signal })) {
    bytes += chunk.length
    if (bytes >= ABORTED_BEHIND_BYTES) giveUp()
  }
}

async function abortUpload(client, name, signal, giveUp) {
  async function* source() {
    const block = Buffer.alloc(65_536, 'given up ')
    yield block
    giveUp()
    yield block
  }
  await client.upload(source(), name, { signal })
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

watchSockets()
const client = new FtpClient({ ...server, tls: { ca: cell.ca }, maxConnections: cell.lanes + 2 })
watchClient(client)
await Promise.all(Array.from({ length: cell.lanes }, (_, lane) => runLane(client, lane)))
client.removeAllListeners('disconnect')
await client.close()
console.log(JSON.stringify(report))
