/** RETR, STOR, APPE, MLSD and LIST of the model server: the bytes, and what becomes of them by the plan. */
import type { FakeSession } from '../support/fake-ftp-server.ts'
import { bufferFile } from '../support/pattern-file.ts'
import type { ScriptedData } from '../support/scripted-server.ts'
import { turnOfTheLoop } from '../support/scripted/script-data.ts'
import type { Ending, TransferPlan } from './plan.ts'

export interface TransferContext {
  readonly session: FakeSession
  readonly plan: TransferPlan
}

const DONE = '226 Transfer complete'
const MODIFIED = '20240229123456'
/** An upload is cut that long behind its beginning, at most. Milliseconds. */
const UPLOAD_CUT_MS = 50

export async function retrieveFile(context: TransferContext, path: string): Promise<void> {
  const { session } = context
  const file = session.server.file(path)
  const offset = session.restartOffset
  session.restartOffset = 0
  if (file === undefined) return refuse(session, '550 No such file')
  const { start } = session.server.recordRetrieval(session.index, path, offset)
  if (start > file.size) return refuse(session, '554 Restart position beyond the end of the file')
  await send(context, file.content(start, file.size - start))
}

export async function storeFile(context: TransferContext, path: string): Promise<void> {
  const { session } = context
  const { options } = session.server
  const asked = session.restartOffset
  session.restartOffset = 0
  const offset = asked === 0 || options.restIgnored === true ? 0 : asked + (options.restOffBy ?? 0)
  await receive(context, (bytes) => put(session, path, bytes, offset))
}

export async function append(context: TransferContext, path: string): Promise<void> {
  const { session } = context
  await receive(context, (bytes) => put(session, path, bytes, session.server.file(path)?.size ?? 0))
}

export async function listDirectory(
  context: TransferContext,
  path: string,
  verb: 'MLSD' | 'LIST',
): Promise<void> {
  const { session } = context
  if (!session.server.isDirectory(path)) return refuse(session, '550 No such directory')
  const lines = namesIn(session, path).map(([name, size]) =>
    verb === 'MLSD'
      ? `type=file;size=${size};modify=${MODIFIED}; ${name}`
      : `-rw-r--r-- 1 octo octo ${size} Feb 29 2024 ${name}`,
  )
  await send(context, Buffer.from(lines.map((line) => `${line}\r\n`).join('')))
}

function namesIn(session: FakeSession, path: string): (readonly [name: string, size: number])[] {
  const prefix = path === '/' ? '/' : `${path}/`
  const inside = [...session.server.files].filter(([name]) => name.startsWith(prefix))
  return inside.map(([name, file]) => [
    name.slice(prefix.length),
    Buffer.isBuffer(file) ? file.length : file.size,
  ])
}

function refuse(session: FakeSession, reply: string): void {
  session.dropData()
  session.reply(reply)
}

async function send(context: TransferContext, bytes: Buffer): Promise<void> {
  const { session, plan } = context
  const data = await begin(context)
  if (data === undefined) return
  const isWhole = plan.data.is === 'whole'
  const sent = isWhole ? bytes : bytes.subarray(0, share(bytes.length, plan.data.behind))
  if (isWhole && plan.ends === 'before') session.reply(DONE)
  const half = sent.length >> 1
  const isTaken = await write(data, sent.subarray(0, half), plan.piece)
  if (plan.pauseMs > 0) await session.control.delay(plan.pauseMs)
  if (isWhole && plan.ends === 'early') session.reply(DONE)
  if (!isTaken || !(await write(data, sent.subarray(half), plan.piece)))
    return end(context, '426 You have left')
  if (plan.begins === 'behind') session.reply('150 Here it was')
  await leave(context, data)
  const wasSaid = isWhole && (plan.ends === 'before' || plan.ends === 'early')
  if (!wasSaid) await end(context, isWhole ? DONE : `${plan.failure} Something has happened`)
}

async function receive(context: TransferContext, store: (bytes: Buffer) => void): Promise<void> {
  const { session, plan } = context
  const data = await begin(context)
  if (data === undefined) return
  if (plan.data.is === 'cut') {
    await session.control.delay(share(UPLOAD_CUT_MS, plan.data.behind))
    await cut(data, plan.data.by)
  }
  store(await data.readToEnd())
  if (plan.data.is === 'stall') return leave(context, data)
  if (plan.pauseMs > 0) await session.control.delay(plan.pauseMs)
  const isWhole = plan.data.is === 'whole'
  if (isWhole && plan.ends === 'before') session.reply(DONE)
  await data.end()
  if (!isWhole || plan.ends !== 'before')
    await end(context, isWhole ? DONE : `${plan.failure} Something has happened`)
}

/** The data connection, behind what is said before it. */
async function begin({ session, plan }: TransferContext): Promise<ScriptedData | undefined> {
  if (plan.begins === '150' || plan.begins === 'twice') session.reply('150 Here it comes')
  if (plan.begins === 'twice') session.reply('150 Here it comes')
  if (plan.begins === '125') session.reply('125 Here it comes')
  const data = await session.openData()
  if (!('refusal' in data)) return data
  session.reply(data.refusal)
  return undefined
}

/** False if the other side has left. */
async function write(data: ScriptedData, bytes: Buffer, piece: number): Promise<boolean> {
  for (let at = 0; at < bytes.length; at += piece) {
    if (!(await data.write(bytes.subarray(at, at + piece)))) return false
    if (piece < bytes.length) await turnOfTheLoop()
  }
  return data.open
}

async function leave({ session, plan }: TransferContext, data: ScriptedData): Promise<void> {
  switch (plan.data.is) {
    case 'whole':
      return data.end()
    case 'cut':
      return cut(data, plan.data.by)
    case 'stall':
      await Promise.race([data.departed, session.control.closed])
      return
    default:
      return plan.data satisfies never
  }
}

async function cut(data: ScriptedData, by: Ending): Promise<void> {
  if (by === 'rst') return data.reset()
  await data.end()
  data.drop()
}

async function end({ session, plan }: TransferContext, reply: string): Promise<void> {
  if (plan.endsMs > 0) await session.control.delay(plan.endsMs)
  if (plan.ends !== 'never') session.reply(reply)
}

function put({ server }: FakeSession, path: string, bytes: Buffer, offset: number): void {
  const before = server.file(path) ?? bufferFile(Buffer.alloc(0))
  const gap = Buffer.alloc(Math.max(0, offset - before.size))
  server.files.set(path, Buffer.concat([before.content(0, offset), gap, bytes]))
}

function share(whole: number, thousandths: number): number {
  return Math.floor((whole * thousandths) / 1_000)
}
