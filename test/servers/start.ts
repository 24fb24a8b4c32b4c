import { parseArgs } from 'node:util'
import { serverKinds, serverMatrix, startServer } from './index.ts'
import { provision } from './provision.mjs'
import type { RunningServer, ServerKind, ServerOptions } from './types.ts'

const usage = `node test/servers/start.mjs KIND [options]

KIND: ${serverKinds.join(', ')}, or \`list\` for what can be had here

  --tls none|explicit|implicit   default none
  --require-reuse                data connections must resume the TLS session
  --tls-version 1.2|1.3          default both
  --rate BYTES                   bytes a second for each connection
  --max-connections N
  --read-only
  --anonymous
  --root FOLDER                  default: a fresh one that goes with the server
  --user NAME, --password WORD
  --passive-ports FIRST-LAST
  --address ADDRESS              default 127.0.0.1
  --multipath                    by Multipath TCP
  --json                         one line of JSON instead of text
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tls: { type: 'string' },
    'require-reuse': { type: 'boolean' },
    'tls-version': { type: 'string' },
    rate: { type: 'string' },
    'max-connections': { type: 'string' },
    'read-only': { type: 'boolean' },
    anonymous: { type: 'boolean' },
    root: { type: 'string' },
    user: { type: 'string' },
    password: { type: 'string' },
    'passive-ports': { type: 'string' },
    address: { type: 'string' },
    multipath: { type: 'boolean' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})

/** Only what was given: an option that is `undefined` is not the same as one that is absent. */
function serverOptions(): ServerOptions {
  const numbers = values['passive-ports']?.split('-').map(Number)
  const given = {
    tls: values.tls,
    requireReuse: values['require-reuse'],
    tlsVersion: values['tls-version'],
    bytesPerSecondPerConnection: values.rate === undefined ? undefined : Number(values.rate),
    maxConnections: values['max-connections'] === undefined ? undefined : Number(values['max-connections']),
    readOnly: values['read-only'],
    anonymous: values.anonymous,
    root: values.root,
    user: values.user,
    password: values.password,
    passivePorts: numbers,
    address: values.address,
    multipath: values.multipath,
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function list(): void {
  for (const { name, refused, unavailable } of serverMatrix()) {
    console.log(`${name.padEnd(24)} ${unavailable ?? refused ?? 'yes'}`)
  }
}

function describeServer(server: RunningServer): string {
  const { url, host, port, user, password, root, pid, scratch } = server
  if (values.json === true) return JSON.stringify({ url, host, port, user, password, root, pid, scratch })
  return `${url}
host      ${host}
port      ${port}
user      ${user}
password  ${password}
root      ${root}
log       ${scratch}
authority ${scratch}/ca.pem
Ctrl-C ends it.`
}

async function serve(kind: ServerKind): Promise<void> {
  const server = await startServer(kind, serverOptions())
  console.log(describeServer(server))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.stop())
}

const kind = positionals[0]
await provision()
if (kind === 'list') list()
else if (values.help === true || !serverKinds.some((known) => known === kind)) console.log(usage)
else await serve(kind as ServerKind)
