/**
 * A window on the library, in a browser on this machine: servers, files, and transfers that outlive both page and server.
 *
 *   npm run dashboard
 *   npm run dashboard -- --port 8021 --folder ~/Downloads --state ~/.local/state/octoftp/dashboard
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startDashboard } from './start-dashboard.ts'

const usage = `npm run dashboard -- [options]

  --port N         on 127.0.0.1 (8021; 0: any that is free)
  --folder PATH    where files are saved, and below (Downloads in the home folder)
  --state PATH     where transfers and saved connections are kept (the user's state folder)
`

/** The folder that the system has for such files. */
function stateFolder({ XDG_STATE_HOME: state = '', LOCALAPPDATA: local = '' } = process.env): string {
  if (process.platform === 'win32' && local !== '') return join(local, 'octoftp', 'dashboard')
  return join(state === '' ? join(homedir(), '.local', 'state') : state, 'octoftp', 'dashboard')
}

function readArguments(): { port: number; folder: string; state: string; help: boolean } {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8021' },
      folder: { type: 'string', default: join(homedir(), 'Downloads') },
      state: { type: 'string', default: stateFolder() },
      help: { type: 'boolean', default: false },
    },
  })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`--port is "${values.port}"; it must be a whole number from 0 to 65535`)
  return { ...values, port }
}

try {
  const { port, folder, state, help } = readArguments()
  if (help) console.log(usage)
  else {
    const dashboard = await startDashboard({ port, folder, stateFolder: state })
    console.log(`Open ${dashboard.url}`)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => void dashboard.close())
  }
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
