/** How octoftp and its peers are asked to fetch, send or list a whole tree. */
import { spawnSync } from 'node:child_process'
import { lftpDoing, nodeProgram, schemeOf, type RemoteFile } from './commands.ts'

/** A tree on a server, and its place on this side. */
export interface TreeTask extends RemoteFile {
  /** The local directory, which exists where it is sent. Unused by walks. */
  readonly local: string
  /** Directories and files at once. */
  readonly connections: number
  /** Octoftp chooses the number itself (`'auto'`), `connections` at most. */
  readonly automatic?: boolean | undefined
  /** Connections for one large file, where a client has to be told. */
  readonly segments?: number | undefined
  /** How many files there are, where octoftp is to tell the pace of the first and of the last quarter of them. */
  readonly pacedFiles?: number | undefined
}

/** One way to do it. */
export interface TreeVerb {
  label(task: TreeTask): string
  command(task: TreeTask): readonly string[]
}

/** What is compared with a client; each may have several ways, or none. */
export interface Trees {
  readonly down: readonly TreeVerb[]
  readonly up: readonly TreeVerb[]
  /** Prints a path a line. */
  readonly walk: readonly TreeVerb[]
}

function octoftpVerb(verb: keyof Trees): TreeVerb {
  return {
    label: ({ automatic, connections }) =>
      automatic === true ? `octoftp, 'auto' up to ${connections}` : `octoftp, ${connections} connections`,
    command: (task) => {
      const { host, port, user, password, caFile, path, local, pacedFiles, connections: most } = task
      const url = `${schemeOf(task)}://${host}:${port}`
      const connections = task.automatic === true ? 'auto' : most
      const login = { url, user, password, caFile, maxConnections: most }
      return nodeProgram('octoftp-mirror.mjs', { login, verb, path, local, connections, pacedFiles })
    },
  }
}

export const octoftpTrees: Trees = {
  down: [octoftpVerb('down')],
  up: [octoftpVerb('up')],
  walk: [octoftpVerb('walk')],
}

/** ProFTPD offers MODE Z, which lftp takes by itself, and which random bytes only slow down. */
const UNCOMPRESSED = 'set ftp:use-mode-z no'

function lftpMirror(flags: string, places: (task: TreeTask) => string): TreeVerb {
  const verb = (task: TreeTask): string => {
    const { connections, segments } = task
    const parallel = `-P ${connections}${segments === undefined ? '' : ` --use-pget-n=${segments}`}`
    return ['mirror', ...(flags === '' ? [] : [flags]), parallel].join(' ')
  }
  return {
    label: (task) => `lftp ${verb(task)}`,
    command: (task) => lftpDoing(`${UNCOMPRESSED}; ${verb(task)} ${places(task)}`, task),
  }
}

const sending = ({ local, path }: TreeTask): string => `${local} ${path}`

export const lftpTrees: Trees = {
  down: [lftpMirror('', ({ local, path }) => `${path} ${local}`)],
  // Permissions, which it sets unless it is told not to, cost a round trip a file; nobody else here sets them.
  up: [lftpMirror('-R', sending), lftpMirror('-R --no-perms', sending)],
  walk: [{ label: () => 'lftp find', command: (task) => lftpDoing(`find ${task.path}`, task) }],
}

/** No settings of anybody, and no notice that there are none. */
const RCLONE = ['rclone', '--config=']

/** Rclone takes passwords only in a form of its own. */
function obscured(password: string): string {
  const { status, stdout, stderr } = spawnSync('rclone', ['--config=', 'obscure', password], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`rclone obscure: ${stderr}`)
  return stdout.trim()
}

/**
 * Without a limit of its own (`concurrency`), which may deadlock unless it is larger than transfers and checkers
 * together: it may have more connections than the others. By TLS 1.2: vsftpd ends its connections under 1.3 (`illegal
 * parameter`), and its own options name this way out.
 */
function rcloneDoing(work: (remote: string) => readonly string[], task: TreeTask): string[] {
  const { host, port, user, password, caFile, path } = task
  const security = caFile === undefined ? '' : ',explicit_tls=true,disable_tls13=true'
  const remote = `:ftp,host=${host},port=${port},user=${user},pass=${obscured(password)}${security}:${path}`
  const trusting = caFile === undefined ? [] : ['env', `SSL_CERT_FILE=${caFile}`]
  return [...trusting, ...RCLONE, ...work(remote)]
}

function rcloneCopy(places: (remote: string, local: string) => readonly string[]): TreeVerb {
  return {
    label: ({ connections }) => `rclone copy --transfers ${connections}`,
    command: (task) => {
      const count = String(task.connections)
      const options = ['--transfers', count, '--checkers', count]
      return rcloneDoing((remote) => ['copy', ...options, ...places(remote, task.local)], task)
    },
  }
}

export const rcloneTrees: Trees = {
  down: [rcloneCopy((remote, local) => [remote, local])],
  up: [rcloneCopy((remote, local) => [local, remote])],
  walk: [
    {
      label: ({ connections }) => `rclone lsf -R --checkers ${connections}`,
      command: (task) =>
        rcloneDoing((remote) => ['lsf', '-R', '--checkers', String(task.connections), remote], task),
    },
  ],
}

function basicFtpVerb(verb: 'down' | 'up'): TreeVerb {
  return {
    label: () => 'basic-ftp (1 connection)',
    command: (task) => nodeProgram('basic-ftp-tree.mjs', { ...task, verb }),
  }
}

export const basicFtpTrees: Trees = { down: [basicFtpVerb('down')], up: [basicFtpVerb('up')], walk: [] }
