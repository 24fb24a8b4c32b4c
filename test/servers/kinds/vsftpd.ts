import { mkdirSync, writeFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { passwordHash } from '../accounts.ts'
import { installedFile, libraryPath } from '../installation.ts'
import { withMounts } from '../mounts.ts'
import type { Setup } from '../types.ts'
import type { Kind } from './kind.ts'
import { tlsVersionEnvironment } from './openssl.ts'

const yes = (value: boolean): string => (value ? 'YES' : 'NO')

function listen({ address, port }: Setup): string {
  return isIPv6(address)
    ? `listen=NO\nlisten_ipv6=YES\nlisten_address6=${address}\nlisten_port=${port}`
    : `listen=YES\nlisten_address=${address}\nlisten_port=${port}`
}

/** vsftpd locks the anonymous out of a root they could write into, and of an account without a home. */
const anonymousAccount = 'bin'

/** Every login becomes the guest account, so the users of the password file need not exist in the system. */
function logins({ account, root, readOnly, anonymous }: Setup): string {
  return `local_enable=YES
guest_enable=YES
guest_username=${account.name}
virtual_use_local_privs=YES
nopriv_user=${account.name}
local_root=${root}
chroot_local_user=YES
allow_writeable_chroot=YES
write_enable=${yes(!readOnly)}
anonymous_enable=${yes(anonymous)}
ftp_username=${anonymousAccount}
anon_root=${root}
anon_world_readable_only=NO
delay_failed_login=0`
}

function limits({ maxConnections, bytesPerSecondPerConnection, passivePorts }: Setup): string {
  const rate = Math.round(bytesPerSecondPerConnection ?? 0)
  const [first, last] = passivePorts ?? [0, 0]
  return `max_per_ip=${maxConnections}
max_clients=0
local_max_rate=${rate}
anon_max_rate=${rate}
pasv_min_port=${first}
pasv_max_port=${last}`
}

function security({ tls, requireReuse, keyFile, certificateFile }: Setup): string {
  if (tls === 'none') return 'ssl_enable=NO'
  return `ssl_enable=YES
implicit_ssl=${yes(tls === 'implicit')}
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
force_local_logins_ssl=YES
force_local_data_ssl=YES
require_ssl_reuse=${yes(requireReuse)}
ssl_ciphers=HIGH
rsa_cert_file=${certificateFile}
rsa_private_key_file=${keyFile}`
}

function configuration(setup: Setup, pamService: string): string {
  return `background=NO
${listen(setup)}
${logins(setup)}
${limits(setup)}
${security(setup)}
pam_service_name=${pamService}
secure_chroot_dir=${join(setup.scratch, 'empty')}
# Its filter of system calls predates today's kernels and C library, and kills sessions.
seccomp_sandbox=NO
# A network namespace for each session costs tens of milliseconds a login.
isolate_network=NO
mdtm_write=YES
xferlog_enable=YES
xferlog_std_format=NO
log_ftp_protocol=YES
vsftpd_log_file=${join(setup.scratch, 'vsftpd.log')}
`
}

/** PAM reads services from /etc/pam.d only: ours is mounted there, or else written there for the time being. */
function pamService({ scratch, port, user, password, ownMounts }: Setup): { name: string; folder: string } {
  const passwords = join(scratch, 'passwords')
  writeFileSync(passwords, `${user}:${passwordHash(password)}\n`, { mode: 0o600 })
  const name = ownMounts ? 'octoftp-test' : `octoftp-test-${port}`
  const folder = ownMounts ? join(scratch, 'pam.d') : '/etc/pam.d'
  mkdirSync(folder, { recursive: true })
  const module = installedFile('vsftpd', 'pam_pwdfile.so')
  writeFileSync(
    join(folder, name),
    `auth required ${module} pwdfile ${passwords} nodelay\naccount required pam_permit.so\nsession required pam_permit.so\n`,
  )
  return { name, folder }
}

export const vsftpd: Kind = {
  refuses: () => undefined,
  launch(setup) {
    const pam = pamService(setup)
    mkdirSync(join(setup.scratch, 'empty'))
    const file = join(setup.scratch, 'vsftpd.conf')
    writeFileSync(file, configuration(setup, pam.name))
    const mounts = setup.ownMounts ? [{ from: pam.folder, onto: '/etc/pam.d' }] : []
    return {
      command: withMounts(mounts, [installedFile('vsftpd', 'sbin/vsftpd'), file]),
      env: { LD_LIBRARY_PATH: libraryPath(), ...tlsVersionEnvironment(setup) },
      logFiles: [join(setup.scratch, 'vsftpd.log')],
      ...(setup.ownMounts ? {} : { strayFile: join(pam.folder, pam.name) }),
    }
  },
}
