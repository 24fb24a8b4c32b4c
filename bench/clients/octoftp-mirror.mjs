/** One tree fetched, sent or listed by octoftp, as a process of its own: `node octoftp-mirror.mjs JSON`. */
import { readFile } from 'node:fs/promises'
import { FtpClient } from '../../dist/index.js'

const { login, verb, path, local, connections, pacedFiles } = JSON.parse(process.argv[2])
const { url, caFile, ...account } = login
const tls = caFile === undefined ? {} : { tls: { ca: await readFile(caFile) } }
const client = new FtpClient(url, { ...account, ...tls })
if (verb === 'walk') await walk()
else await mirror()
await client.close()

async function walk() {
  const paths = []
  for await (const entry of client.walk(path)) paths.push(entry.path)
  console.log(paths.join('\n'))
}

async function mirror() {
  const pace = pacedFiles === undefined ? undefined : paceOf(pacedFiles)
  const options = { connections, ...(pace && { on: { entry: pace.onEntry } }) }
  const { failures, ...result } =
    verb === 'up'
      ? await client.mirrorUp(local, path, options)
      : await client.mirrorDown(path, local, options)
  console.log(JSON.stringify({ ...result, pace: pace?.told() }))
  if (failures.length === 0) return
  console.error(`${failures.length} failures, the first: ${failures[0].path}: ${failures[0].error}`)
  process.exitCode = 1
}

/** How long a file takes in the first and in the last quarter of so many: the time of no file is kept. */
function paceOf(files) {
  const quarter = Math.floor(files / 4)
  const marks = new Map([1, 1 + quarter, files - quarter, files].map((count) => [count, NaN]))
  let done = 0
  const onEntry = ({ action, outcome }) => {
    if (action !== 'transfer' || outcome !== 'done') return
    done += 1
    if (marks.has(done)) marks.set(done, performance.now())
  }
  const told = () => {
    const [first, firstEnd, last, lastEnd] = [...marks.values()]
    return { firstMs: (firstEnd - first) / quarter, lastMs: (lastEnd - last) / quarter }
  }
  return { onEntry, told }
}
