/** What a test asks of a server, and what it gets. */

import type { Certificate } from '../support/certificates.ts'

/** The real servers: four from Debian's packages, and `ftp-srv` from npm, which runs everywhere. */
export type ServerKind = 'vsftpd' | 'proftpd' | 'pure-ftpd' | 'pyftpdlib' | 'ftp-srv'

/** Real proxies from Debian's packages: SOCKS 5; SOCKS 4 and 5; HTTP; FTP. */
export type ProxyKind = 'microsocks' | 'danted' | 'tinyproxy' | 'ftp-proxy'

/** What else comes from Debian's packages. */
export type ToolKind = 'mptcpize' | 'chromium' | 'redis-server'

/** `explicit` is AUTH TLS, required on both channels; `implicit` is TLS from the first byte. */
export type ServerSecurity = 'none' | 'explicit' | 'implicit'

export interface ServerOptions {
  /** Default `'none'`. */
  readonly tls?: ServerSecurity
  /** Data connections must resume the control connection's TLS session. vsftpd and ProFTPD only. Default false. */
  readonly requireReuse?: boolean
  /** The one TLS version the server speaks. Default: 1.2 and 1.3. */
  readonly tlsVersion?: '1.2' | '1.3'
  /** One of test/support/certificates.ts. Default: the test authority's, for localhost, 127.0.0.1 and ::1. */
  readonly certificate?: Certificate
  /** Each connection's data rate, both ways. Default: none. */
  readonly bytesPerSecondPerConnection?: number
  /** Connections at a time: per user on ProFTPD (530 after PASS), per address elsewhere (421). Default: 200. */
  readonly maxConnections?: number
  /** No verb that writes is allowed. Default false. */
  readonly readOnly?: boolean
  /**
   * The folder served, which stays afterwards. Default: a fresh one that goes with the server. Servers run
   * as `daemon` when the tests run as root: they read what all may read, and write where `daemon` may
   * ({@link RunningServer.write} and {@link RunningServer.makeDirectory} make such files and folders).
   */
  readonly root?: string
  /** Anonymous logins too, read-only. Default false. */
  readonly anonymous?: boolean
  /** Default `octo`. */
  readonly user?: string
  /** Default `open sesame`. */
  readonly password?: string
  /** First and last port for passive data connections. Default: the server's own choice. */
  readonly passivePorts?: readonly [number, number]
  /** The loopback address to listen on. Default `127.0.0.1`. */
  readonly address?: string
  /** It listens by Multipath TCP, control and data, as under `mptcpize run`. pyftpdlib only. Default false. */
  readonly multipath?: boolean
  /** A process in whose network namespace it runs, with any address there. Default: this process. */
  readonly networkOf?: number
}

export interface RunningServer extends AsyncDisposable {
  readonly kind: ServerKind
  readonly tls: ServerSecurity
  /** The address it listens on, as a client's `host`. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** The folder that a client sees as `/`. */
  readonly root: string
  /** PEM of the authority to trust. */
  readonly ca: string
  /** `ftp:`, `ftpes:` or `ftps:` with host and port, and no user; ends without a slash. */
  readonly url: string
  /** The process that listens; its sessions are its children. */
  readonly pid: number
  /** The folder with its configuration, its logs, and `ca.pem`; goes with the server. */
  readonly scratch: string
  /** What the server wrote: its log files and its output. */
  log(): string
  /** Makes a file (and its folders) under the root that the server may read and change. @returns its local path */
  write(path: string, data: string | Uint8Array): string
  /** Makes a folder under the root that the server may write into. @returns its local path */
  makeDirectory(path: string): string
  /** Ends it with all its sessions and removes what it left. Idempotent. */
  stop(): Promise<void>
}

/** The options with every default filled in, and the facts of the one start: what a kind is configured from. */
export interface Setup extends Required<Omit<ServerOptions, 'requireReuse' | OptionalFacts | Surroundings>> {
  readonly requireReuse: boolean
  readonly tlsVersion: '1.2' | '1.3' | undefined
  readonly bytesPerSecondPerConnection: number | undefined
  readonly passivePorts: readonly [number, number] | undefined
  readonly port: number
  /** A folder of this server's own, for its configuration and its logs. Removed with it. */
  readonly scratch: string
  /** PEM files: key, certificate, and both in one. */
  readonly keyFile: string
  readonly certificateFile: string
  readonly bundleFile: string
  readonly certificateKind: 'rsa' | 'ec'
  /** The account that sessions run as. */
  readonly account: Account
  /** Whether the server gets mounts of its own (see mounts.ts). */
  readonly ownMounts: boolean
}

type OptionalFacts = 'tlsVersion' | 'bytesPerSecondPerConnection' | 'passivePorts' | 'certificate'

/** Of these a kind of server knows nothing. */
type Surroundings = 'multipath' | 'networkOf'

export interface Account {
  readonly name: string
  readonly group: string
  readonly uid: number
  readonly gid: number
}

/** How to run one server: made by a kind, run by process.ts. */
export interface Launch {
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Files that the server writes, for {@link RunningServer.log}. */
  readonly logFiles?: readonly string[]
  /** A file outside the scratch folder that must not outlive the server. */
  readonly strayFile?: string
}
