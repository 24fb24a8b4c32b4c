/** Replies in every way that TCP may bring them: whole, byte by byte, and in two pieces cut at every place. */
import { expect } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../../src/index.ts'
import { ReplyParser } from '../../../src/protocol/reply-parser.ts'
import type { Reply } from '../../../src/protocol/reply.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../../support/leaks.ts'
import {
  scriptedServer,
  type Dialogue,
  type ReplyCut,
  type ScriptedServer,
} from '../../support/scripted-server.ts'

/** What a parser has made of some bytes. */
export interface Parsed {
  readonly replies: readonly Reply[]
  /** Whether it waits for the rest of a reply. */
  readonly isUnfinished: boolean
  readonly failure: string | undefined
}

/** What the parser makes of `wire`, which has to be the same however that is cut. */
export function parsed(wire: string | Uint8Array): Parsed {
  const bytes = Buffer.from(wire)
  const whole = parsedChunks([bytes])
  for (let at = 1; at < bytes.length; at++) {
    expect(parsedChunks([bytes.subarray(0, at), bytes.subarray(at)]), `cut at ${at}`).toEqual(whole)
  }
  expect(parsedChunks(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole)
  return whole
}

/** The only reply in `wire`, however that is cut. */
export function replyIn(wire: string): Reply {
  const { replies, isUnfinished, failure } = parsed(wire)
  const [reply] = replies
  expect([replies.length, isUnfinished, failure]).toEqual([1, false, undefined])
  return reply ?? { code: 0, lines: [] }
}

function parsedChunks(chunks: readonly Uint8Array[]): Parsed {
  const parser = new ReplyParser()
  const replies = chunks.flatMap((chunk) => (parser.failure === undefined ? parser.push(chunk) : []))
  return { replies, isUnfinished: parser.midReply, failure: parser.failure?.code }
}

/** No second attempt, so that the first failure shows, and one connection. */
const ONE_TRY: FtpClientOptions = { retry: { attempts: 1 }, maxConnections: 1, user: 'octo', password: 'ink' }

/** `'bytes'`, without the cuts in two pieces, for scenes in which time has to pass. */
type Cuts = 'all' | 'bytes'

/** Plays a scene with a scripted server again and again, with its replies cut in every way. */
export function atEveryCut(
  dialogue: Dialogue,
  use: (server: ScriptedServer) => Promise<void>,
  cuts: Cuts = 'all',
): Promise<void> {
  return everyCut(cuts, async (cutReplies) => {
    await using server = await scriptedServer(dialogue, cutReplies === undefined ? {} : { cutReplies })
    await use(server)
    return server
  })
}

/** The same with a client for that server, which is closed at the end. */
export function withClient(
  dialogue: Dialogue,
  use: (ftp: FtpClient, server: ScriptedServer) => Promise<void>,
  options: FtpClientOptions = {},
  cuts: Cuts = 'all',
): Promise<void> {
  return atEveryCut(
    dialogue,
    async (server) => {
      const { host, port } = server
      await using ftp = new FtpClient({ host, port, security: 'none', ...ONE_TRY, ...options })
      await use(ftp, server)
    },
    cuts,
  )
}

/** The same with a server that behaves rightly but for its options. */
export function withFakeServer(
  options: FakeFtpOptions,
  use: (ftp: FtpClient, server: FakeFtpServer) => Promise<void>,
): Promise<void> {
  return everyCut('all', async (cutReplies) => {
    const cut = cutReplies === undefined ? {} : { cutReplies }
    await using server = await fakeFtpServer({ security: 'none', ...options, ...cut })
    const { host, port } = server
    await using ftp = new FtpClient({ host, port, security: 'none', ...ONE_TRY, maxConnections: 4 })
    await use(ftp, server)
    return server
  })
}

type Scene = (cut: ReplyCut | undefined) => Promise<{ readonly longestReply: number }>

function everyCut(cuts: Cuts, scene: Scene): Promise<void> {
  return expectNoLeaks(async () => {
    const { longestReply } = await scene(undefined)
    await told(scene, 'at every byte')
    if (cuts === 'bytes') return
    for (let at = 1; at < longestReply; at++) await told(scene, at)
  })
}

async function told(scene: Scene, cut: ReplyCut): Promise<void> {
  try {
    await scene(cut)
  } catch (cause) {
    throw new Error(`with every reply cut ${cut}: ${String(cause)}`, { cause })
  }
}
