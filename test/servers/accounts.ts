/** The system account that sessions run as, and password hashes the servers understand. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Account } from './types.ts'

function systemAccount(name: string): Account | undefined {
  const line = (file: string, test: (fields: string[]) => boolean): string[] | undefined =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((text) => text.split(':'))
      .find(test)
  const user = line('/etc/passwd', (fields) => fields[0] === name)
  if (user === undefined) return undefined
  const group = line('/etc/group', (fields) => fields[2] === user[3])
  return { name, group: group?.[0] ?? 'nogroup', uid: Number(user[2]), gid: Number(user[3]) }
}

/**
 * As root: `daemon`, so that permissions mean something (not `nobody`: vsftpd wants a home that exists). Else
 * the user who runs the tests.
 */
export function sessionAccount(): Account {
  const daemon = process.getuid?.() === 0 ? systemAccount('daemon') : undefined
  if (daemon !== undefined) return daemon
  const { username, uid, gid } = userInfo()
  return { name: username, group: username, uid, gid }
}

const hashes = new Map<string, string>()

/**
 * MD5-crypt, by the Perl that is part of every Debian: cheap to check, so that a login takes no time.
 * (Pure-FTPd's own pure-pw makes Argon2 hashes, which cost it seconds a login.)
 */
export function passwordHash(password: string): string {
  const known = hashes.get(password)
  if (known !== undefined) return known
  const hash = execFileSync('perl', ['-e', 'print crypt($ARGV[0], q($1$octoftp$))', password], {
    encoding: 'utf8',
  })
  hashes.set(password, hash)
  return hash
}
