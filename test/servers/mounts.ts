/**
 * Mounts of a server's own: its process sees our files where the system keeps its (/etc/pam.d,
 * /etc/passwd), no other process does, and nothing is left behind. Needs root and a kernel that lets us
 * (a container may not).
 */
import { spawnSync } from 'node:child_process'

export interface Mount {
  readonly from: string
  readonly onto: string
  readonly readOnly?: boolean
}

let possible: boolean | undefined

export function canMount(): boolean {
  possible ??=
    spawnSync('unshare', ['--mount', 'mount', '--bind', '/tmp', '/tmp'], { stdio: 'ignore' }).status === 0
  return possible
}

/** Mounts and becomes the command, under the same process id. */
const script =
  'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 126; [ "$3" = rw ] || mount -o remount,bind,ro "$2" || exit 126; shift 3; done; shift; exec "$@"'

/** @returns the command that runs `command` with these mounts */
export function withMounts(mounts: readonly Mount[], command: readonly string[]): string[] {
  if (mounts.length === 0) return [...command]
  const triples = mounts.flatMap(({ from, onto, readOnly }) => [from, onto, readOnly === true ? 'ro' : 'rw'])
  return ['unshare', '--mount', 'sh', '-c', script, 'mounts', ...triples, '--', ...command]
}
