/** One download by octoftp, as a process of its own: `node octoftp.mjs JSON`. */
import { readFile } from 'node:fs/promises'
import { download } from '../../dist/index.js'

const { url, target, connections, caFile } = JSON.parse(process.argv[2])
const tls = caFile === undefined ? {} : { tls: { ca: await readFile(caFile) } }
await download(url, target, { connections, ...tls })
