/** What the commands of several clients have in common: where a file is, how it is asked for, and versions. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A file or a directory on a server, and how it is reached. */
export interface RemoteFile {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** On the server, with a leading slash; without characters that a URL or a shell would have to escape. */
  readonly path: string
  /** Explicit TLS on both channels, verified against this authority. Undefined: plain. */
  readonly caFile: string | undefined
}

export function printedVersion(program: string, flag = '--version'): string | undefined {
  const { status, stdout } = spawnSync(program, [flag], { encoding: 'utf8' })
  return status === 0 ? (/\d+\.\d+[.\d]*/.exec(stdout)?.[0] ?? 'unknown version') : undefined
}

export function packageVersion(packageFile: URL): string | undefined {
  try {
    return (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version
  } catch {
    return undefined
  }
}

export function schemeOf({ caFile }: RemoteFile): string {
  return caFile === undefined ? 'ftp' : 'ftpes'
}

/** @param file beside this one */
export function nodeProgram(file: string, input: object): string[] {
  return [process.execPath, fileURLToPath(new URL(file, import.meta.url)), JSON.stringify(input)]
}

/** A script of lftp's that logs in, with TLS where it is asked for, and does the one thing. */
export function lftpDoing(work: string, { host, port, user, password, caFile }: RemoteFile): string[] {
  const security =
    caFile === undefined
      ? ['set ftp:ssl-allow no']
      : ['set ftp:ssl-force yes', 'set ftp:ssl-protect-data yes', `set ssl:ca-file ${caFile}`]
  const open = `open -u ${user},${password} -p ${port} ftp://${host}`
  return ['lftp', '--norc', '-c', ['set cmd:fail-exit yes', ...security, open, work].join('; ')]
}
