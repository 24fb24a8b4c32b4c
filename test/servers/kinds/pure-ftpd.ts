import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { passwordHash } from '../accounts.ts'
import { installedFile, libraryPath } from '../installation.ts'
import { withMounts, type Mount } from '../mounts.ts'
import type { Setup } from '../types.ts'
import type { Kind } from './kind.ts'
import { tlsVersionEnvironment } from './openssl.ts'

/** Its password database, from a text file of one line: pure-pw itself would hash slowly. @returns the file */
function passwordDatabase({ scratch, user, password, account, root }: Setup): string {
  const text = join(scratch, 'passwords')
  const database = join(scratch, 'passwords.pdb')
  const empty = ':'.repeat(12)
  const line = `${user}:${passwordHash(password)}:${account.uid}:${account.gid}::${root}/./${empty}\n`
  writeFileSync(text, line, { mode: 0o600 })
  const env = { ...process.env, LD_LIBRARY_PATH: libraryPath() }
  execFileSync(installedFile('pure-ftpd', 'bin/pure-pw'), ['mkdb', database, '-f', text], { env })
  return database
}

/** Anonymous logins go to the home of a system user `ftp`, whom it sees in a /etc/passwd of its own. */
function anonymousMount({ scratch, root, account }: Setup): Mount {
  const file = join(scratch, 'system-passwd')
  const others = readFileSync('/etc/passwd', 'utf8').replace(/^ftp:.*\n/m, '')
  writeFileSync(file, `${others}ftp:x:${account.uid}:${account.gid}::${root}:/usr/sbin/nologin\n`)
  return { from: file, onto: '/etc/passwd' }
}

function options(setup: Setup): string[] {
  const { address, port, scratch, maxConnections, passivePorts, bytesPerSecondPerConnection } = setup
  const list = [
    '-S',
    `${address},${port}`,
    '-g',
    join(scratch, 'pid'),
    '-l',
    `puredb:${passwordDatabase(setup)}`,
  ]
  // In minutes: a session waits so long for a data connection, though its client has gone, and counts as a user.
  list.push('-I', '1')
  list.push('-H', '-c', '400', '-C', `${maxConnections}`, '-O', `clf:${join(scratch, 'transfers.log')}`)
  list.push(setup.anonymous ? '-i' : '-E')
  if (passivePorts !== undefined) list.push('-p', passivePorts.join(':'))
  if (bytesPerSecondPerConnection !== undefined) {
    const kilobytes = `${Math.max(1, Math.round(bytesPerSecondPerConnection / 1024))}`
    list.push('-t', `${kilobytes}:${kilobytes}`, '-T', `${kilobytes}:${kilobytes}`)
  }
  // 3: TLS is required on both channels.
  if (setup.tls !== 'none') list.push('-Y', '3', '-2', setup.bundleFile)
  return list
}

export const pureFtpd: Kind = {
  refuses({ tls, requireReuse, readOnly, anonymous }, ownMounts) {
    if (tls === 'implicit') return "Debian's build of it has no implicit TLS"
    if (requireReuse === true) return 'it cannot require TLS session reuse'
    if (!ownMounts && readOnly === true)
      return 'it has no read-only setting, and this machine allows no mounts'
    if (!ownMounts && anonymous === true)
      return 'it needs a system user ftp, and this machine allows no mounts'
    return undefined
  },
  launch(setup) {
    const mounts: Mount[] = []
    if (setup.anonymous) mounts.push(anonymousMount(setup))
    if (setup.readOnly) mounts.push({ from: setup.root, onto: setup.root, readOnly: true })
    return {
      command: withMounts(mounts, [installedFile('pure-ftpd', 'sbin/pure-ftpd'), ...options(setup)]),
      env: { LD_LIBRARY_PATH: libraryPath(), ...tlsVersionEnvironment(setup) },
      logFiles: [join(setup.scratch, 'transfers.log')],
    }
  },
}
