import { writeFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { dirname, join } from 'node:path'
import { passwordHash } from '../accounts.ts'
import { installedFile, libraryPath } from '../installation.ts'
import type { Setup } from '../types.ts'
import type { Kind } from './kind.ts'

function base({ address, port, scratch, root, account }: Setup): string {
  return `ServerName "octoftp test"
ServerType standalone
DefaultAddress ${address}
Port ${port}
UseIPv6 ${isIPv6(address) ? 'on' : 'off'}
UseReverseDNS off
User ${account.name}
Group ${account.group}
DefaultRoot ${root}
AuthUserFile ${join(scratch, 'passwd')}
AuthGroupFile ${join(scratch, 'group')}
AuthOrder mod_auth_file.c
RequireValidShell off
PidFile ${join(scratch, 'pid')}
ScoreboardFile ${join(scratch, 'scoreboard')}
SystemLog ${join(scratch, 'system.log')}
ExtendedLog ${join(scratch, 'commands.log')} ALL
TransferLog none
WtmpLog off
# It slows logins down on purpose, against guessing of user names.
DelayEngine off
AllowOverwrite on
AllowStoreRestart on
AllowRetrieveRestart on`
}

function modules(): string {
  const folder = dirname(installedFile('proftpd', 'mod_tls.so'))
  return `ModulePath ${folder}
LoadModule mod_digest.c
LoadModule mod_deflate.c
DigestEngine on
DigestAlgorithms all
DeflateEngine on
<IfModule mod_ctrls.c>
  ControlsEngine off
</IfModule>`
}

function limits({ maxConnections, bytesPerSecondPerConnection, passivePorts, readOnly }: Setup): string {
  const lines = ['MaxInstances 400', `MaxClientsPerUser ${maxConnections}`]
  if (bytesPerSecondPerConnection !== undefined) {
    lines.push(`TransferRate RETR,STOR,APPE ${bytesPerSecondPerConnection / 1024}`)
  }
  if (passivePorts !== undefined) lines.push(`PassivePorts ${passivePorts.join(' ')}`)
  if (readOnly) lines.push('<Limit WRITE>', '  DenyAll', '</Limit>')
  return lines.join('\n')
}

function security({
  tls,
  tlsVersion,
  requireReuse,
  keyFile,
  certificateFile,
  certificateKind,
  scratch,
}: Setup): string {
  if (tls === 'none') return ''
  const options = [requireReuse ? '' : 'NoSessionReuseRequired', tls === 'implicit' ? 'UseImplicitSSL' : '']
  const type = certificateKind === 'ec' ? 'EC' : 'RSA'
  return `LoadModule mod_tls.c
TLSEngine on
TLSRequired on
TLSLog ${join(scratch, 'tls.log')}
TLSProtocol ${tlsVersion === undefined ? 'TLSv1.2 TLSv1.3' : `TLSv${tlsVersion}`}
TLS${type}CertificateFile ${certificateFile}
TLS${type}CertificateKeyFile ${keyFile}
${options.some((option) => option !== '') ? `TLSOptions ${options.join(' ')}` : ''}`
}

function anonymousLogin({ anonymous, root, account }: Setup): string {
  if (!anonymous) return ''
  return `<Anonymous ${root}>
  User ftp
  Group ${account.group}
  UserAlias anonymous ftp
  <Limit WRITE>
    DenyAll
  </Limit>
</Anonymous>`
}

/** Its own accounts instead of the system's: the user, `ftp`, and the one the server itself runs as. */
function writeAccounts({ scratch, user, password, account, root }: Setup): void {
  const line = (name: string, hash: string): string =>
    `${name}:${hash}:${account.uid}:${account.gid}::${root}:/bin/sh\n`
  const lines = [line(user, passwordHash(password)), line('ftp', '*'), line(account.name, '*')]
  writeFileSync(join(scratch, 'passwd'), lines.join(''), { mode: 0o600 })
  writeFileSync(join(scratch, 'group'), `${account.group}:x:${account.gid}:\n`, { mode: 0o600 })
}

export const proftpd: Kind = {
  refuses: () => undefined,
  launch(setup) {
    writeAccounts(setup)
    const file = join(setup.scratch, 'proftpd.conf')
    const parts = [base(setup), modules(), limits(setup), security(setup), anonymousLogin(setup)]
    writeFileSync(file, `${parts.join('\n')}\n`)
    return {
      command: [installedFile('proftpd', 'sbin/proftpd'), '--nodaemon', '--config', file],
      env: { LD_LIBRARY_PATH: libraryPath() },
      logFiles: ['system.log', 'tls.log', 'commands.log'].map((name) => join(setup.scratch, name)),
    }
  },
}
