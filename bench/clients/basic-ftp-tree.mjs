/** One tree fetched or sent by basic-ftp, as a process of its own: `node basic-ftp-tree.mjs JSON`. */
import { readFile } from 'node:fs/promises'
import { Client } from 'basic-ftp'

const { host, port, user, password, path, local, caFile, verb } = JSON.parse(process.argv[2])
const security = caFile === undefined ? {} : { secure: true, secureOptions: { ca: await readFile(caFile) } }
const client = new Client()
await client.access({ host, port, user, password, ...security })
if (verb === 'up') await client.uploadFromDir(local, path)
else await client.downloadToDir(local, path)
client.close()
