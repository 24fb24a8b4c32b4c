/** One upload by octoftp, as a process of its own: `node octoftp-upload.mjs JSON`. */
import { readFile } from 'node:fs/promises'
import { FtpClient } from '../../dist/index.js'

const { url, user, password, source, path, caFile } = JSON.parse(process.argv[2])
const tls = caFile === undefined ? {} : { tls: { ca: await readFile(caFile) } }
const client = new FtpClient(url, { user, password, ...tls })
const result = await client.upload(source, path)
await client.close()
console.log(JSON.stringify(result))
