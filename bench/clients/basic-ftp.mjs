/** One download by basic-ftp, as a process of its own: `node basic-ftp.mjs JSON`. */
import { readFile } from 'node:fs/promises'
import { Client } from 'basic-ftp'

const { host, port, user, password, path, target, caFile } = JSON.parse(process.argv[2])
const security = caFile === undefined ? {} : { secure: true, secureOptions: { ca: await readFile(caFile) } }
const client = new Client()
await client.access({ host, port, user, password, ...security })
await client.downloadTo(target, path)
client.close()
