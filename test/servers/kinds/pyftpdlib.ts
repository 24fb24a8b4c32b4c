import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { libraryPath, pythonEnvironment } from '../installation.ts'
import type { Kind } from './kind.ts'

const program = fileURLToPath(new URL('./pyftpdlib-server.py', import.meta.url))

export const pyftpdlib: Kind = {
  refuses: ({ requireReuse }) => (requireReuse === true ? 'it cannot require TLS session reuse' : undefined),
  launch(setup) {
    const { python, env } = pythonEnvironment()
    const file = join(setup.scratch, 'setup.json')
    writeFileSync(file, JSON.stringify(setup), { mode: 0o600 })
    // -B: no compiled files beside the sources; -s: no packages of the user's own.
    return { command: [python, '-B', '-s', program, file], env: { LD_LIBRARY_PATH: libraryPath(), ...env } }
  },
}
