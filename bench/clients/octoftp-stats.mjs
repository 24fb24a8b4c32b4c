/** Questions after many files, all at once, as a process of its own: `node octoftp-stats.mjs JSON`. */
import { FtpClient } from '../../dist/index.js'

const { url, user, password, connections, paths } = JSON.parse(process.argv[2])
const client = new FtpClient(url, { user, password, maxConnections: connections })
const start = performance.now()
const entries = await Promise.all(paths.map((path) => client.stat(path)))
const elapsedSeconds = (performance.now() - start) / 1000
await client.close()
console.log(JSON.stringify({ elapsedSeconds, entries }))
