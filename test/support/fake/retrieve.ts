import type { VirtualFile } from '../pattern-file.ts'
import type { ScriptedData } from '../scripted-server.ts'
import type { FakeSession } from './fake-session.ts'
import type { Fault } from './options.ts'
import type { Retrieval } from './records.ts'

const TRANSFER_DONE = '226 Transfer complete'
const TRANSFER_CUT = '426 Connection closed; transfer aborted'
const TRANSFER_BEGINS = '150 Opening BINARY mode data connection'

/** What happens when so many bytes of a transfer are out; `over` if nothing comes after it. */
interface Checkpoint {
  afterBytes: number
  act: () => Promise<'go on' | 'over'>
}

interface Transfer {
  session: FakeSession
  data: ScriptedData
  file: VirtualFile
  retrieval: Retrieval
}

/** RETR: the checks, then the transfer with whatever is to befall it. */
export async function retrieve(session: FakeSession, argument: string): Promise<void> {
  const { server } = session
  const path = session.resolve(argument)
  const file = server.file(path)
  const offset = session.restartOffset
  session.restartOffset = 0
  if (file === undefined) return refuse(session, `550 ${argument}: ${absence(session, path)}`)
  if (!session.hasData) return session.reply('425 Use PASV first')
  const retrieval = server.recordRetrieval(session.index, path, offset)
  if (retrieval.start > file.size) {
    retrieval.outcome = 'refused'
    return refuse(session, '554 Restart position beyond the end of the file')
  }
  if (server.options.completion !== 'without 150') session.reply(TRANSFER_BEGINS)
  const data = await session.openData()
  if ('refusal' in data) {
    retrieval.outcome = 'refused'
    return session.reply(data.refusal)
  }
  await send({ session, data, file, retrieval })
}

function refuse(session: FakeSession, reply: string): void {
  session.dropData()
  session.reply(reply)
}

function absence(session: FakeSession, path: string): string {
  return session.server.isDirectory(path) ? 'Not a regular file' : 'No such file'
}

async function send(transfer: Transfer): Promise<void> {
  const { data, file, retrieval } = transfer
  const buffer = Buffer.allocUnsafe(transfer.session.pace.piece)
  for (const { afterBytes, act } of checkpoints(transfer)) {
    if (!(await sendUpTo(transfer, afterBytes, buffer))) return clientHasCut(transfer)
    if ((await act()) === 'over') return
  }
  if (!(await sendUpTo(transfer, file.size - retrieval.start, buffer))) return clientHasCut(transfer)
  retrieval.outcome = 'complete'
  await data.end()
  complete(transfer)
}

/** Sends until `target` bytes of this transfer are out; false if the client has cut it before. */
async function sendUpTo(transfer: Transfer, target: number, buffer: Buffer): Promise<boolean> {
  const { session, data, file, retrieval } = transfer
  const end = Math.min(target, file.size - retrieval.start)
  while (retrieval.bytesSent < end) {
    const length = Math.min(buffer.length, end - retrieval.bytesSent)
    await session.pace.take(length)
    const bytes = file.content(retrieval.start + retrieval.bytesSent, length, buffer)
    if (!(await data.write(bytes))) return false
    retrieval.bytesSent += length
  }
  return data.open
}

/** The last reply, unless it has been given, or never is. */
function complete({ session }: Transfer): void {
  const when = session.server.options.completion ?? 'proper'
  if (when === 'proper' || when === 'without 150') session.reply(TRANSFER_DONE)
}

function clientHasCut({ session, retrieval }: Transfer): void {
  retrieval.outcome = 'cut by the client'
  const reply = session.server.options.afterCut ?? '426'
  switch (reply) {
    case '426':
      return session.reply(TRANSFER_CUT)
    case '226':
      return session.reply(TRANSFER_DONE)
    case 'second 150':
      return session.reply('150 0.002 seconds (measured here), 42.00 Mbytes per second')
    case 'nothing':
      return
    default:
      return reply satisfies never
  }
}

function checkpoints(transfer: Transfer): Checkpoint[] {
  const list = [...earlyCompletion(transfer), ...faults(transfer)]
  return list.sort((one, other) => one.afterBytes - other.afterBytes)
}

function earlyCompletion({ session, file, retrieval }: Transfer): Checkpoint[] {
  const { completion } = session.server.options
  if (completion !== 'early' && completion !== 'before data') return []
  const afterBytes = completion === 'early' ? Math.floor((file.size - retrieval.start) / 2) : 0
  const act = (): Promise<'go on'> => {
    session.reply(TRANSFER_DONE)
    return Promise.resolve('go on')
  }
  return [{ afterBytes, act }]
}

function faults(transfer: Transfer): Checkpoint[] {
  const { fault } = transfer.session.server.options
  const found = typeof fault === 'function' ? fault(transfer.retrieval) : fault
  return found === undefined ? [] : [{ afterBytes: found.afterBytes, act: () => befall(transfer, found) }]
}

function befall(transfer: Transfer, fault: Fault): Promise<'go on' | 'over'> {
  switch (fault.kind) {
    case 'cut':
      return cut(transfer, fault)
    case 'stall':
      return stall(transfer, fault.forMs)
    case 'control dies':
      return controlDies(transfer, fault)
    default:
      return fault satisfies never
  }
}

async function cut(transfer: Transfer, fault: Fault & { kind: 'cut' }): Promise<'over'> {
  const { session, data, retrieval } = transfer
  retrieval.outcome = 'cut by the server'
  await (fault.by === 'rst' ? data.reset() : data.end())
  const reply = fault.reply === undefined ? TRANSFER_CUT : fault.reply
  if (reply !== null) session.reply(reply)
  return 'over'
}

async function stall({ session, data }: Transfer, forMs: number | undefined): Promise<'go on'> {
  const gone = [data.departed, session.control.closed]
  await Promise.race(forMs === undefined ? gone : [...gone, session.control.delay(forMs)])
  return 'go on'
}

async function controlDies(
  transfer: Transfer,
  fault: Fault & { kind: 'control dies' },
): Promise<'go on' | 'over'> {
  const { session, data, retrieval } = transfer
  await session.die(fault.by)
  if (fault.dataGoesOn) return 'go on'
  retrieval.outcome = 'cut by the server'
  await (fault.by === 'rst' ? data.reset() : data.end())
  return 'over'
}
