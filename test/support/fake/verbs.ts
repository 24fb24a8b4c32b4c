import type { VirtualFile } from '../pattern-file.ts'
import type { FakeSession } from './fake-session.ts'
import { login } from './login.ts'
import type { PassiveQuirk } from './options.ts'
import { retrieve } from './retrieve.ts'

type Obey = (session: FakeSession, argument: string, line: string) => void | Promise<void>

export interface Verb {
  needsLogin: boolean
  obey: Obey
}

/** The verbs of the fake server, as a well-behaved one has them. */
export const VERBS: Record<string, Verb> = {
  USER: open((session, user) => {
    session.user = user
    session.loggedIn = false
    session.reply('331 Password required')
  }),
  PASS: open(login),
  AUTH: open(authTls),
  PBSZ: open((session) => session.reply('200 PBSZ=0')),
  PROT: open(protection),
  FEAT: open(features),
  SYST: open((session) => session.reply('215 UNIX Type: L8')),
  OPTS: open((session) => session.reply('200 OPTS accepted')),
  NOOP: open((session) => session.reply('200 NOOP ok')),
  ABOR: open((session) => session.reply('225 Nothing to abort')),
  QUIT: open((session) => {
    session.reply('221 Goodbye')
    return session.end()
  }),

  TYPE: closed((session, type) => session.reply(`200 Type set to ${type}`)),
  PWD: closed((session) =>
    session.reply(`257 "${session.directory.replaceAll('"', '""')}" is the directory`),
  ),
  CWD: closed(changeDirectory),
  SIZE: closed(ofFile(sizeOf)),
  MDTM: closed(ofFile(modified)),
  MLST: closed(ofFile(facts)),
  REST: closed(restart),
  EPSV: closed(passive),
  PASV: closed(passive),
  EPRT: closed((session, _argument, line) => session.answerActive(line)),
  PORT: closed((session, _argument, line) => session.answerActive(line)),
  RETR: closed(retrieve),
}

function open(obey: Obey): Verb {
  return { needsLogin: false, obey }
}

function closed(obey: Obey): Verb {
  return { needsLogin: true, obey }
}

async function authTls(session: FakeSession, mechanism: string): Promise<void> {
  if (session.server.security === 'none') return session.reply('502 AUTH not implemented')
  if (!/^(TLS|SSL)$/i.test(mechanism)) return session.reply('504 Unknown mechanism')
  const { injectedBehindAuth } = session.server.options
  if (injectedBehindAuth === undefined) session.reply('234 AUTH TLS successful')
  else session.control.send(`234 AUTH TLS successful\r\n${injectedBehindAuth}`)
  await session.control.startTls()
}

function protection(session: FakeSession, level: string): void {
  if (!session.control.encrypted) {
    session.control.protectData(false)
    return session.reply('503 PROT needs TLS')
  }
  if (level !== 'P' && level !== 'C') return session.reply('504 Unknown level')
  session.reply(`200 Protection set to ${level}`)
}

function features(session: FakeSession): void {
  const { server } = session
  const tls = server.security === 'none' ? [] : ['AUTH TLS', 'PBSZ', 'PROT']
  const all = [...tls, 'EPRT', 'EPSV', 'MDTM', 'MLST size*;modify*;type*;', 'REST STREAM', 'SIZE', 'UTF8']
  const offered = all.filter((feature) => !server.lacks(feature.split(' ')[0] ?? ''))
  session.reply('211-Features:', ...offered.map((feature) => ` ${feature}`), '211 End')
}

function changeDirectory(session: FakeSession, argument: string): void {
  const path = session.resolve(argument)
  if (!session.server.isDirectory(path)) return session.reply('550 No such directory')
  session.directory = path
  session.reply('250 Directory changed')
}

function ofFile(tell: (session: FakeSession, path: string, file: VirtualFile) => void): Obey {
  return (session, argument) => {
    const path = session.resolve(argument)
    const file = session.server.file(path)
    if (file) return tell(session, path, file)
    if (session.server.isDirectory(path)) return session.reply(`550 ${argument}: Not a regular file`)
    session.reply(`550 ${argument}: No such file`)
  }
}

function sizeOf(session: FakeSession, path: string, file: VirtualFile): void {
  session.reply(`213 ${session.server.sizeTold(path, file)}`)
}

function modified(session: FakeSession, path: string): void {
  session.reply(`213 ${session.server.modified(path)}`)
}

function facts(session: FakeSession, path: string, file: VirtualFile): void {
  const { server } = session
  const told = `size=${server.sizeTold(path, file)};modify=${server.modified(path)};type=file;`
  session.reply('250-Listing', ` ${told} ${path}`, '250 End')
}

function restart(session: FakeSession, argument: string): void {
  if (!/^\d+$/.test(argument)) return session.reply('501 Bad offset')
  session.restartOffset = Number(argument)
  session.reply(`350 Restarting at ${argument}`)
}

async function passive(session: FakeSession, _argument: string, line: string): Promise<void> {
  const { epsv, pasv } = session.server.options
  const quirk: PassiveQuirk = (line.startsWith('EPSV') ? epsv : pasv) ?? { port: 'open' }
  if ('refused' in quirk) return session.reply(quirk.refused)
  if ('words' in quirk) return session.answerPassive(line, { reply: quirk.words })
  return session.answerPassive(line, { port: quirk.port })
}
