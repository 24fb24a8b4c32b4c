/** How octoftp and each of its peers is asked to do one piece of work, as a whole process. */
import { basename, dirname } from 'node:path'
import {
  lftpDoing,
  nodeProgram,
  packageVersion,
  printedVersion,
  schemeOf,
  type RemoteFile,
} from './commands.ts'
import { basicFtpTrees, lftpTrees, octoftpTrees, rcloneTrees, type Trees } from './trees.ts'

/** One file to fetch. */
export interface DownloadTask extends RemoteFile {
  /** The local file, which does not exist yet. */
  readonly target: string
  readonly connections: number
  /** Octoftp chooses the number itself (`'auto'`), and `connections` says nothing. */
  readonly automatic?: boolean | undefined
  /** Where the same file is as well. */
  readonly mirrors?: readonly Pick<DownloadTask, 'host' | 'port' | 'user' | 'password'>[] | undefined
}

/** One local file to send, to a path where nothing is yet. */
export interface UploadTask extends RemoteFile {
  readonly source: string
}

export interface Client {
  readonly name: string
  /** Undefined where it is not installed. */
  version(): string | undefined
  /** Absent where downloads of one file are not compared with it. */
  readonly download?: {
    /** The command, or undefined where the client cannot do it (as FTP over TLS). */
    command(task: DownloadTask): readonly string[] | undefined
    /** What it is called in a table; says so where it uses fewer connections than the others. */
    label(task: DownloadTask): string
  }
  /** Absent where uploads are not compared with it. */
  readonly upload?: {
    command(task: UploadTask): readonly string[]
    readonly label: string
  }
  /** Absent where trees are not. */
  readonly trees?: Trees
}

/** Clients that fetch a file over one connection only take part in every case, as what one connection gives. */
function oneConnection(name: string): (task: DownloadTask) => string {
  return ({ connections }) => (connections === 1 ? name : `${name} (1 connection)`)
}

function urlOf(scheme: string, { host, port, user, password, path }: RemoteFile, withUser: boolean): string {
  return `${scheme}://${withUser ? `${user}:${password}@` : ''}${host}:${port}${path}`
}

const octoftp: Client = {
  name: 'octoftp',
  version: () => packageVersion(new URL('../../package.json', import.meta.url)),
  download: {
    label: () => 'octoftp',
    command: (task) => {
      const { target, caFile, mirrors = [] } = task
      const urls = [task, ...mirrors.map((mirror) => ({ ...task, ...mirror }))].map((one) =>
        urlOf(schemeOf(task), one, true),
      )
      const connections = task.automatic === true ? 'auto' : task.connections
      return nodeProgram('octoftp.mjs', { urls, target, connections, caFile })
    },
  },
  upload: {
    label: 'octoftp',
    command: (task) => {
      const { host, port, user, password, path, source, caFile } = task
      const url = `${schemeOf(task)}://${host}:${port}`
      return nodeProgram('octoftp-upload.mjs', { url, user, password, source, path, caFile })
    },
  },
  trees: octoftpTrees,
}

/** Nobody's settings, silence unless it fails, the login, and TLS where it is asked for. */
function curlWith({ caFile, user, password }: RemoteFile): string[] {
  const security = caFile === undefined ? [] : ['--ssl-reqd', '--cacert', caFile]
  return ['curl', '-q', '-sS', ...security, '--user', `${user}:${password}`]
}

const curl: Client = {
  name: 'curl',
  version: () => printedVersion('curl'),
  download: {
    label: oneConnection('curl'),
    command: (task) => [...curlWith(task), '-o', task.target, urlOf('ftp', task, false)],
  },
  upload: {
    label: 'curl -T',
    command: (task) => [...curlWith(task), '-T', task.source, urlOf('ftp', task, false)],
  },
}

const lftp: Client = {
  name: 'lftp',
  version: () => printedVersion('lftp'),
  download: {
    label: ({ connections }) => (connections === 1 ? 'lftp get' : `lftp pget -n ${connections}`),
    command: (task) => {
      const get = task.connections === 1 ? 'get' : `pget -n ${task.connections}`
      return lftpDoing(`${get} ${task.path} -o ${task.target}`, task)
    },
  },
  upload: {
    label: 'lftp put',
    command: (task) => lftpDoing(`put ${task.source} -o ${task.path}`, task),
  },
  trees: lftpTrees,
}

const aria2: Client = {
  name: 'aria2',
  version: () => printedVersion('aria2c'),
  download: {
    label: ({ connections }) => `aria2c -x${connections} -s${connections}`,
    command: (task) => {
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
  },
}

const axel: Client = {
  name: 'axel',
  version: () => printedVersion('axel'),
  download: {
    label: ({ connections }) => `axel -n ${connections}`,
    command: (task) => {
      if (task.caFile !== undefined) return undefined
      return ['axel', '-q', '-n', String(task.connections), '-o', task.target, urlOf('ftp', task, true)]
    },
  },
}

const basicFtp: Client = {
  name: 'basic-ftp',
  version: () => packageVersion(new URL('../../node_modules/basic-ftp/package.json', import.meta.url)),
  download: {
    label: oneConnection('basic-ftp'),
    command: (task) => nodeProgram('basic-ftp.mjs', task),
  },
  trees: basicFtpTrees,
}

const rclone: Client = { name: 'rclone', version: () => printedVersion('rclone'), trees: rcloneTrees }

/** Octoftp first: the others are compared with it. */
export const clients: readonly Client[] = [octoftp, curl, lftp, aria2, axel, basicFtp, rclone]
