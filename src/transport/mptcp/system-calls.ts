/** The two calls of Linux that Node has no name for, by the package `koffi`. Neither of them blocks. */
import { isIPv6 } from 'node:net'
import { getSystemErrorName } from 'node:util'
import type * as Koffi from 'koffi'
import { FtpConnectionError } from '../../errors.ts'

/** In include/uapi/linux and asm-generic; mips, parisc and sparc, where Node is rare, number them otherwise. */
const AF_INET = 2
const AF_INET6 = 10
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const IPPROTO_MPTCP = 262
const SOL_MPTCP = 284
const MPTCP_INFO = 1

/** Of `struct mptcp_info`: six numbers of a byte and two bytes that are free stand before the flags. */
const INFO_BYTES = 12
const FLAGS_AT = 8
const FLAG_FALLBACK = 1

export interface SystemCalls {
  /** A socket for Multipath TCP to `address`, as its descriptor; or the name of the error, such as `'ENOPROTOOPT'`. */
  openSocket(address: string): number | string
  /** Whether a connected socket has Multipath TCP. Linux knows from 5.16 on; before, the answer is no. */
  hasMultipath(descriptor: number): boolean
}

/** Rejects with `ERR_FTP_CONNECT` where the package is missing, or holds nothing for this machine. */
export async function loadSystemCalls(): Promise<SystemCalls> {
  const { load, errno } = await loadKoffi()
  const program = load(null)
  const socket = program.func('int socket(int domain, int type, int protocol)') as unknown as Socket
  const getsockopt = program.func(
    'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
  ) as unknown as GetSocketOption
  return {
    openSocket(address) {
      const family = isIPv6(address) ? AF_INET6 : AF_INET
      const descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_MPTCP)
      return descriptor < 0 ? getSystemErrorName(-errno()) : descriptor
    },
    hasMultipath(descriptor) {
      const info = Buffer.alloc(INFO_BYTES)
      // A socket that has fallen back is one of TCP, which knows no such level.
      if (getsockopt(descriptor, SOL_MPTCP, MPTCP_INFO, info, [INFO_BYTES]) !== 0) return false
      return (info.readUInt32LE(FLAGS_AT) & FLAG_FALLBACK) === 0
    },
  }
}

type Socket = (domain: number, type: number, protocol: number) => number
type GetSocketOption = (fd: number, level: number, name: number, value: Buffer, length: [number]) => number

async function loadKoffi(): Promise<typeof Koffi> {
  try {
    return await import('koffi')
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
    const message = isMissing
      ? 'mptcp() needs the package "koffi", which is not there: npm install koffi'
      : `mptcp() cannot load the package "koffi": ${(cause as Error).message}`
    throw new FtpConnectionError('ERR_FTP_CONNECT', message, { cause, retryable: false })
  }
}
