/** Sessions with a scripted server: what comes before the dialogue that a test is about. */
import { clientSettings, type FtpClientOptions } from '../../src/options.ts'
import { openSession } from '../../src/session/open-session.ts'
import type { SessionOptions } from '../../src/session/options.ts'
import { unknownServer, type ServerProfile } from '../../src/session/server-profile.ts'
import type { Session } from '../../src/session/session.ts'
import {
  scriptedServer,
  type ScriptedControl,
  type ScriptedServer,
  type ScriptedServerOptions,
} from '../support/scripted-server.ts'

function optionsFor(server: ScriptedServer, options: FtpClientOptions = {}): SessionOptions {
  return clientSettings({ host: server.host, port: server.port, security: 'none', ...options }).session
}

export function open(
  server: ScriptedServer,
  options: FtpClientOptions = {},
  {
    profile = unknownServer(),
    signal = new AbortController().signal,
  }: { profile?: ServerProfile; signal?: AbortSignal } = {},
): Promise<Session> {
  return openSession(optionsFor(server, options), profile, signal)
}

/** Greets, and takes whoever comes. By a greeting that is known it is asked several things at once. */
export async function letIn(control: ScriptedControl, greeting?: string): Promise<void> {
  control.reply(greeting ?? '220 ready')
  await control.expect(/^USER /).reply('230 come in')
  await control.expect('FEAT').reply('502 no such thing')
  if (greeting !== undefined) await control.expect('OPTS UTF8 ON').reply('502 no such thing')
}

/** A server that lets its one guest in and then plays `dialogue`. */
export function server(
  dialogue: (control: ScriptedControl) => Promise<void>,
  { greeting, ...options }: ScriptedServerOptions & { readonly greeting?: string } = {},
): Promise<ScriptedServer> {
  const play = async (control: ScriptedControl): Promise<void> => {
    await letIn(control, greeting)
    await dialogue(control)
  }
  return scriptedServer(play, options)
}
