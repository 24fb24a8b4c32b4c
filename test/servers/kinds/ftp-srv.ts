import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Kind } from './kind.ts'

const program = fileURLToPath(new URL('./ftp-srv-server.mjs', import.meta.url))

export const ftpSrv: Kind = {
  refuses({ requireReuse, bytesPerSecondPerConnection, maxConnections }) {
    if (requireReuse === true) return 'it cannot require TLS session reuse'
    if (bytesPerSecondPerConnection !== undefined) return 'it has no limit of speed'
    if (maxConnections !== undefined) return 'it has no limit of connections'
    return undefined
  },
  launch(setup) {
    const file = join(setup.scratch, 'setup.json')
    writeFileSync(file, JSON.stringify(setup), { mode: 0o600 })
    return { command: [process.execPath, program, file] }
  },
}
