import type { VirtualFile } from '../pattern-file.ts'
import type { DataOptions, PassiveReply, ReplyCut } from '../scripted-server.ts'
import type { ServerTlsOptions } from '../scripted/server-tls.ts'
import type { FakeSession } from './fake-session.ts'
import type { Retrieval } from './records.ts'

/** In place of a verb's behaviour; `proceed` is that behaviour. */
export type Override = (
  session: FakeSession,
  argument: string,
  proceed: () => Promise<void>,
) => void | Promise<void>

/** Something that befalls one RETR after `afterBytes` of what it sends. */
export type Fault =
  /** The data ends there, by FIN or RST; then the last reply (default 426), or `null` for none. */
  | { kind: 'cut'; afterBytes: number; by: 'fin' | 'rst'; reply?: string | null }
  /** Nothing comes for a time, or for ever. */
  | { kind: 'stall'; afterBytes: number; forMs?: number }
  /** The control connection dies; the data goes with it, or goes on to its end. */
  | { kind: 'control dies'; afterBytes: number; by: 'fin' | 'rst'; dataGoesOn: boolean }

/** When the 226 of a RETR comes. `without 150`: at the right time, but nothing before it. */
export type Completion = 'proper' | 'before data' | 'early' | 'never' | 'without 150'

/** What follows when the client cuts the data connection of a RETR. */
export type AfterCut = '426' | '226' | 'second 150' | 'nothing'

/** How EPSV or PASV goes wrong: a refusal, a dead port, or a wrong wording. */
export type PassiveQuirk =
  { refused: string } | { port: NonNullable<DataOptions['port']> } | { words: PassiveReply }

export interface ConnectionLimit {
  /** Control connections open at once. */
  connections?: number
  /** Of them, logged in with one user name. */
  perUser?: number
  /** How the one too many is told. Default: 421 at the greeting for `connections`, 530 for `perUser`. */
  refusal?: '421 greeting' | '421 login' | '530 login' | 'end of file'
}

/** All is well by default; each option but the first few makes the server misbehave in one way. */
export interface FakeFtpOptions {
  files?: Record<string, Buffer | VirtualFile>
  /** Passwords by user. Default: any user, any password. */
  users?: Record<string, string>
  host?: '127.0.0.1' | '::1'
  /** `none`: AUTH is unknown. Default `explicit`: AUTH TLS is offered, and not required. */
  security?: 'none' | 'explicit' | 'implicit'
  tls?: ServerTlsOptions
  /** What MDTM tells, given how often it was asked for that path before. Default: one date for all. */
  modified?: (path: string, timesAsked: number) => Date
  /** What SIZE tells. Default: the truth. */
  sizeTold?: (path: string, size: number) => number

  /** In place of a verb's behaviour. */
  on?: Record<string, Override>
  /** Verbs answered with 502, and missing in FEAT. */
  unsupported?: string[]

  /** Replaces the greeting; `null`: none, and no answer to anything. */
  greeting?: string | null
  /** In place of greeting; its argument is the greeting, without which there is none. */
  greet?: Override
  limit?: ConnectionLimit
  /** Every reply in two TCP segments, the first of so many bytes, or in one for every byte. */
  cutReplies?: ReplyCut
  /** Each command is read so much later: a round trip. (Data and connecting are not slowed.) */
  latencyMs?: number
  /** Of each control connection's transfers; an array gives each its own, the last for all further. */
  bytesPerSecond?: number | number[]

  /** REST is answered 350, and the transfer begins at 0. */
  restIgnored?: boolean
  /** Transfers with a REST begin so many bytes too far. */
  restOffBy?: number
  /** The offset wraps, at 2**31 or 2**32. */
  restModulo?: number

  fault?: Fault | ((retrieval: Retrieval) => Fault | undefined)
  completion?: Completion
  afterCut?: AfterCut

  epsv?: PassiveQuirk
  pasv?: PassiveQuirk

  /** Bytes in clear in the packet of the 234. */
  injectedBehindAuth?: string
  /** Refuses (522) a data connection that does not resume a session of its control connection. */
  requireReuse?: boolean
  /** Refuses (522) a ticket that was used before. */
  singleUseTickets?: boolean
  /** After so many data connections no older ticket of that control connection resumes. */
  ticketsForgottenAfter?: number
}
