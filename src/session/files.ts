/** Verbs that make, move and remove files and directories, and change what is known of them. */
import { FtpReplyError } from '../errors.ts'
import { command, encodeCommand, type Command } from '../protocol/command.ts'
import { isCompletion, isIntermediate, type Reply } from '../protocol/reply.ts'
import { formatModificationTime } from '../protocol/time.ts'
import { carryOut, refusal } from './refusal.ts'
import type { TimeSetting } from './server-profile.ts'
import type { RemotePath, Session } from './session.ts'

/** MKD (RFC 959 §4.1.3). */
export async function makeDirectory(session: Session, path: RemotePath): Promise<void> {
  await carryOut(session, command('MKD', path))
}

/** DELE. */
export async function deleteFile(session: Session, path: RemotePath): Promise<void> {
  await carryOut(session, command('DELE', path))
}

/** RNFR and RNTO. */
export async function rename(session: Session, from: RemotePath, to: RemotePath): Promise<void> {
  const [first, second] = [command('RNFR', from), command('RNTO', to)]
  // Behind RNFR it would be too late to find that it cannot be written: ProFTPD then takes no other command.
  encodeCommand(second, session.control.codec.encode)
  const reply = await session.request(first)
  if (!isIntermediate(reply)) throw refusal(session, reply, first)
  await carryOut(session, second)
}

/** CWD. What is relative means something else from here on, until {@link Session.goBack}. */
export async function changeDirectory(session: Session, path: RemotePath): Promise<void> {
  const wasAtBase = session.isAtBase
  await session.leaveBase()
  try {
    await carryOut(session, command('CWD', path))
  } catch (error) {
    if (wasAtBase && error instanceof FtpReplyError) session.stayAtBase()
    throw error
  }
}

/** Refusals of CWD that mean it; 431 is that of RFC 640. Behind others (500 to PWD, 451) it may well be there. */
const NOT_ENTERED: ReadonlySet<number> = new Set([431, 450, 501, 550, 553])

/** Whether {@link changeDirectory} has failed because no directory is there. */
export function isMissing(error: unknown): error is FtpReplyError {
  if (!(error instanceof FtpReplyError) || error.code === 'ERR_FTP_NOT_PERMITTED') return false
  return NOT_ENTERED.has(error.reply.code)
}

/** SITE CHMOD, which no RFC knows and nearly every server on Unix. `mode` as in `0o644`. */
export async function changeMode(session: Session, path: RemotePath, mode: number): Promise<void> {
  await carryOut(session, command('SITE', joined(`CHMOD ${mode.toString(8).padStart(3, '0')} `, path)))
}

/**
 * MFMT (draft-somers-ftp-mfxx-04), else MDTM with a time, else SITE UTIME in its two forms: what works is remembered.
 * Rejects with the first refusal where none does.
 */
export async function setModificationTime(session: Session, path: RemotePath, time: Date): Promise<void> {
  const stamp = formatModificationTime(time)
  const { profile } = session
  let refused: { readonly reply: Reply; readonly sent: ReturnType<typeof command> } | undefined
  for (const way of profile.timeSetting === undefined ? TIME_SETTINGS : [profile.timeSetting]) {
    const sent = commandOf(way, path, stamp)
    const reply = await session.request(sent)
    if (isCompletion(reply) && !isQuestion(way, reply)) {
      profile.timeSetting = way
      return
    }
    refused ??= { reply, sent }
    // The file is not there, or is not ours: no other verb changes that.
    if (way === 'MFMT' && NOT_THIS_FILE.has(reply.code)) break
  }
  if (refused !== undefined) throw refusal(session, refused.reply, refused.sent)
}

/** The command by which a time is set in a way that is known to work. */
export function timeCommand(way: TimeSetting, path: RemotePath, time: Date): Command {
  return commandOf(way, path, formatModificationTime(time))
}

const TIME_SETTINGS: readonly TimeSetting[] = [
  'MFMT',
  'MDTM',
  'SITE UTIME time path',
  'SITE UTIME path times',
]
const NOT_THIS_FILE: ReadonlySet<number> = new Set([450, 550, 553])

function commandOf(way: TimeSetting, path: RemotePath, stamp: string): ReturnType<typeof command> {
  switch (way) {
    case 'MFMT':
    case 'MDTM':
      return command(way, joined(`${stamp} `, path))
    case 'SITE UTIME time path':
      return command('SITE', joined(`UTIME ${stamp} `, path))
    case 'SITE UTIME path times':
      return command('SITE', joined('UTIME ', path, ` ${stamp} ${stamp} ${stamp} UTC`))
  }
}

/** A server that takes the whole for a name tells the time of that file. */
function isQuestion(way: TimeSetting, reply: Reply): boolean {
  return way === 'MDTM' && /^\s*\d{14}/.test(reply.lines[0] ?? '')
}

/** Text, a path and text as one argument: a path of bytes goes out as these bytes. */
function joined(before: string, path: RemotePath, after = ''): RemotePath {
  if (typeof path === 'string') return before + path + after
  const utf8 = new TextEncoder()
  return Uint8Array.of(...utf8.encode(before), ...path, ...utf8.encode(after))
}
