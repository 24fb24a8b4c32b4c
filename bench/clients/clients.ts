/** How octoftp and each of its peers is asked to do one piece of work, as a whole process. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One file to fetch. */
export interface DownloadTask {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** On the server, with a leading slash; without characters that a URL or a shell would have to escape. */
  readonly path: string
  /** The local file, which does not exist yet. */
  readonly target: string
  readonly connections: number
  /** Octoftp chooses the number itself (`'auto'`), and `connections` says nothing. */
  readonly automatic?: boolean | undefined
  /** Where the same file is as well. */
  readonly mirrors?: readonly Pick<DownloadTask, 'host' | 'port' | 'user' | 'password'>[] | undefined
  /** Explicit TLS on both channels, verified against this authority. Undefined: plain. */
  readonly caFile: string | undefined
}

export interface Client {
  readonly name: string
  /** Undefined where it is not installed. */
  version(): string | undefined
  /** The command, or undefined where the client cannot do it (as FTP over TLS). */
  download(task: DownloadTask): readonly string[] | undefined
  /** What it is called in a table; says so where it uses fewer connections than the others. */
  label(task: DownloadTask): string
}

/** Clients that fetch a file over one connection only take part in every case, as what one connection gives. */
function oneConnection(name: string): Client['label'] {
  return ({ connections }) => (connections === 1 ? name : `${name} (1 connection)`)
}

function printedVersion(program: string, flag = '--version'): string | undefined {
  const { status, stdout } = spawnSync(program, [flag], { encoding: 'utf8' })
  return status === 0 ? (/\d+\.\d+[.\d]*/.exec(stdout)?.[0] ?? 'unknown version') : undefined
}

function packageVersion(packageFile: URL): string | undefined {
  try {
    return (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version
  } catch {
    return undefined
  }
}

function urlOf(
  scheme: string,
  { host, port, user, password, path }: DownloadTask,
  withUser: boolean,
): string {
  return `${scheme}://${withUser ? `${user}:${password}@` : ''}${host}:${port}${path}`
}

function nodeProgram(file: string, input: object): string[] {
  return [process.execPath, fileURLToPath(new URL(file, import.meta.url)), JSON.stringify(input)]
}

const octoftp: Client = {
  name: 'octoftp',
  version: () => packageVersion(new URL('../../package.json', import.meta.url)),
  label: () => 'octoftp',
  download: (task) => {
    const { target, caFile, mirrors = [] } = task
    const scheme = caFile === undefined ? 'ftp' : 'ftpes'
    const urls = [task, ...mirrors.map((mirror) => ({ ...task, ...mirror }))].map((one) =>
      urlOf(scheme, one, true),
    )
    const connections = task.automatic === true ? 'auto' : task.connections
    return nodeProgram('octoftp.mjs', { urls, target, connections, caFile })
  },
}

const curl: Client = {
  name: 'curl',
  version: () => printedVersion('curl'),
  label: oneConnection('curl'),
  download: (task) => {
    const security = task.caFile === undefined ? [] : ['--ssl-reqd', '--cacert', task.caFile]
    const login = ['--user', `${task.user}:${task.password}`]
    return ['curl', '-q', '-sS', ...security, ...login, '-o', task.target, urlOf('ftp', task, false)]
  },
}

const lftp: Client = {
  name: 'lftp',
  version: () => printedVersion('lftp'),
  label: ({ connections }) => (connections === 1 ? 'lftp get' : `lftp pget -n ${connections}`),
  download: ({ host, port, user, password, path, target, connections, caFile }) => {
    const security =
      caFile === undefined
        ? ['set ftp:ssl-allow no']
        : ['set ftp:ssl-force yes', 'set ftp:ssl-protect-data yes', `set ssl:ca-file ${caFile}`]
    const get = connections === 1 ? 'get' : `pget -n ${connections}`
    const script = [
      'set cmd:fail-exit yes',
      ...security,
      `open -u ${user},${password} -p ${port} ftp://${host}`,
      `${get} ${path} -o ${target}`,
    ]
    return ['lftp', '--norc', '-c', script.join('; ')]
  },
}

const aria2: Client = {
  name: 'aria2',
  version: () => printedVersion('aria2c'),
  label: ({ connections }) => `aria2c -x${connections} -s${connections}`,
  download: (task) => {
    if (task.caFile !== undefined) return undefined
    const { user, password, target, connections, mirrors = [] } = task
    const urls = [task, ...mirrors.map((mirror) => ({ ...task, ...mirror }))].map((one) =>
      urlOf('ftp', one, false),
    )
    return [
      ...['aria2c', '--no-conf', '-q', `-x${connections}`, `-s${connections}`, '--file-allocation=none'],
      // Its default of 20 MiB would leave connections idle on files of less than 20 MiB each.
      '--min-split-size=1M',
      ...[`--ftp-user=${user}`, `--ftp-passwd=${password}`],
      ...['-d', dirname(target), '-o', basename(target), ...urls],
    ]
  },
}

const axel: Client = {
  name: 'axel',
  version: () => printedVersion('axel'),
  label: ({ connections }) => `axel -n ${connections}`,
  download: (task) => {
    if (task.caFile !== undefined) return undefined
    return ['axel', '-q', '-n', String(task.connections), '-o', task.target, urlOf('ftp', task, true)]
  },
}

const basicFtp: Client = {
  name: 'basic-ftp',
  version: () => packageVersion(new URL('../../node_modules/basic-ftp/package.json', import.meta.url)),
  label: oneConnection('basic-ftp'),
  download: (task) => nodeProgram('basic-ftp.mjs', task),
}

/** Octoftp first: the others are compared with it. */
export const clients: readonly Client[] = [octoftp, curl, lftp, aria2, axel, basicFtp]
