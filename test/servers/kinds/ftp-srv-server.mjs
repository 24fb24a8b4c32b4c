/**
 * ftp-srv on one port in a process of its own (it installs signal handlers), set up by a JSON file: the
 * fields of `Setup` in types.ts. Where it has no supervisor it has an IPC channel: it says `listening` there,
 * and ends when the channel does.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { FtpSrv } from 'ftp-srv'

const setup = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const { address, port, account } = setup

process.on('disconnect', () => {
  rmSync(setup.scratch, { recursive: true, force: true })
  process.exit()
})

const writing = ['STOR', 'APPE', 'STOU', 'DELE', 'RMD', 'XRMD', 'MKD', 'XMKD', 'RNFR', 'RNTO', 'SITE']

/** With tickets of one key its data connections can resume the control connection's session. */
function tlsOptions() {
  if (setup.tls === 'none') return false
  const version = setup.tlsVersion && `TLSv${setup.tlsVersion}`
  return {
    key: readFileSync(setup.keyFile),
    cert: readFileSync(setup.certificateFile),
    ticketKeys: randomBytes(48),
    sessionIdContext: 'octoftp-test',
    ...(version && { minVersion: version, maxVersion: version }),
  }
}

const host = isIPv6(address) ? `[${address}]` : address
const [pasv_min, pasv_max] = setup.passivePorts ?? [1024, 65535]
const server = new FtpSrv({
  url: `${setup.tls === 'implicit' ? 'ftps' : 'ftp'}://${host}:${port}`,
  pasv_url: address,
  pasv_min,
  pasv_max,
  tls: tlsOptions(),
  anonymous: setup.anonymous,
  blacklist: setup.readOnly ? writing : [],
})

/**
 * ftp-srv reads a fast client's TLS handshake as commands: some turns of the event loop pass between its 234
 * and its TLS socket. So from the 234 on nobody listens to the plain socket, which is paused, until `_secure`
 * is set, the last thing that ftp-srv does about AUTH.
 */
function holdBackHandshake(connection) {
  const plain = connection.commandSocket
  const listeners = plain.listeners('data')
  plain.pause().removeAllListeners('data')
  const set = (value) => {
    Object.defineProperty(connection, '_secure', { value, writable: true })
    // The TLS socket takes over in the next tick. Then ftp-srv emits the clear text on the plain one.
    process.nextTick(() => listeners.forEach((listener) => plain.on('data', listener)))
  }
  Object.defineProperty(connection, '_secure', { configurable: true, get: () => false, set })
}

server.on('connect', ({ connection }) => {
  const { reply } = connection
  connection.reply = (code, ...rest) => {
    if (code === 234) holdBackHandshake(connection)
    return reply.call(connection, code, ...rest)
  }
})

server.on('login', ({ username, password }, resolve, reject) => {
  console.log(`login ${username}`)
  const isKnown = username === setup.user && password === setup.password
  const isAnonymous = setup.anonymous && username === 'anonymous'
  if (isKnown || isAnonymous) resolve({ root: setup.root })
  else reject(new Error('Wrong user or password'))
})

await server.listen()
if (process.getuid?.() === 0) {
  process.setgroups([])
  process.setgid(account.gid)
  process.setuid(account.uid)
}
process.send?.('listening')
