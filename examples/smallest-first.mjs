/**
 * Fetches the files of a directory, two at a time and the smallest first, so that most of them are there soon.
 * A file that fails does not keep the others from being fetched.
 *
 *   node examples/smallest-first.mjs ftp://ftp.example.org /pub downloads
 */
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { FtpClient, TransferQueue } from 'octoftp'

const [server, directory, folder] = process.argv.slice(2)

const ftp = new FtpClient(server, { password: process.env.FTP_PASSWORD })
const queue = new TransferQueue({ concurrency: 2 })
queue.on('complete', ({ item }) => console.log(`here: ${item.name}`))
queue.on('failed', ({ item, error }) => console.error(`failed: ${item.name}: ${error.message}`))

try {
  await mkdir(folder, { recursive: true })
  await queue.pause() // Nothing begins before all are known.
  for await (const { type, name, size = Number.MAX_SAFE_INTEGER } of ftp.list(directory)) {
    // A name from a server is no path here: one that would lead elsewhere is left out.
    if (type !== 'file' || basename(name) !== name) continue
    const target = join(folder, name)
    queue.add(() => ftp.download(`${directory}/${name}`, target), { name, target, priority: -size })
  }
  queue.resume()

  const { complete, failed } = await queue.idle()
  console.log(`${complete} files, ${failed} failures`)
  process.exitCode = failed === 0 ? 0 : 1
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  await ftp.close()
}
