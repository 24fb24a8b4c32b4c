/** A control connection to a scripted server, before anything has been said on it. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { ControlConnection } from '../../src/connection/control.ts'
import type { ScriptedServer } from '../support/scripted-server.ts'

export async function controlTo(
  server: ScriptedServer,
  secrets: readonly string[] = [],
): Promise<ControlConnection> {
  const socket = connect(server.port, server.host)
  await once(socket, 'connect')
  return new ControlConnection(socket, { label: 'ftp.test:21', secrets })
}
