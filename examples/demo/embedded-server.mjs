/**
 * ftp-srv, an FTP server from npm, in a process of its own on a free loopback port. It is started as the tests
 * start theirs (test/servers/README.md): it goes when this process does, and its folders with it.
 */
import { register } from 'tsx/esm/api'

export async function startEmbeddedServer({ tls }) {
  register()
  const { startServer } = await import('../../test/servers/index.ts')
  return startServer('ftp-srv', { tls: tls ? 'explicit' : 'none', readOnly: true })
}
