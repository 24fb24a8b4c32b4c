/**
 * Fetches one file from several servers at once. One that fails, crawls or has another file is left out; the others
 * finish, and what it brought that may be wrong is fetched again.
 *
 *   node examples/mirrors.mjs disk.iso ftp://a.example.org/disk.iso ftp://b.example.org/pub/disk.iso
 */
import { download } from 'octoftp'

const [target, ...urls] = process.argv.slice(2)

try {
  const transfer = download(urls, target, { connections: 2 * urls.length })
  transfer.on('source', ({ url, reason }) => console.log(`left out: ${url} (${reason})`))
  const { bytes, sources } = await transfer
  for (const source of sources) console.log(`${source.bytes} bytes from ${source.url}`)
  console.log(`${bytes} bytes in all`)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
