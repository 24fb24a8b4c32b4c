/** The jobs of a mirror by one connection, as a process of its own: `node octoftp-jobs.mjs JSON`. */
import { FtpClient, planMirror, runJob } from '../../dist/index.js'

const { url, user, password, target, rangeBytes } = JSON.parse(process.argv[2])
const client = new FtpClient(new URL('/', url), { user, password, maxConnections: 1 })
const before = process.cpuUsage()
const start = performance.now()
const done = { directories: 0, files: 0, bytes: 0 }

async function doJob(job) {
  const result = await runJob(job, { client, connections: 1 })
  done.directories += result.type === 'directory' ? 1 : 0
  done.files += result.type === 'files' ? result.transferred : 0
  done.bytes += result.bytes ?? 0
  for (const next of result.jobs ?? []) await doJob(next)
}

for await (const job of planMirror(url, target, { client, connections: 1, rangeBytes })) await doJob(job)
const seconds = (performance.now() - start) / 1000
const { user: userTime, system } = process.cpuUsage(before)
await client.close()
console.log(JSON.stringify({ ...done, seconds, cpuSeconds: (userTime + system) / 1e6 }))
