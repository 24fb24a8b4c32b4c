/** One download by octoftp, as a process of its own: `node octoftp.mjs JSON`. */
import { readFile } from 'node:fs/promises'
import { download } from '../../dist/index.js'

const { urls, target, connections, caFile, ...options } = JSON.parse(process.argv[2])
const tls = caFile === undefined ? {} : { tls: { ca: await readFile(caFile) } }
const start = performance.now()
const result = await download(urls, target, { connections, ...tls, ...options })
const callSeconds = (performance.now() - start) / 1000
console.log(JSON.stringify({ ...result, callSeconds }))
