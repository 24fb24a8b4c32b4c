/**
 * What has been learnt of one server, shared by all sessions to it: asked once, or found out the hard way
 * once. Plain data; the code that learns a thing writes it down here.
 */
import type { ServerFeatures } from '../protocol/features.ts'

/** How modification times can be set. */
export type TimeSetting = 'MFMT' | 'MDTM' | 'SITE UTIME time path' | 'SITE UTIME path times'

export interface ServerProfile {
  /** The answer to FEAT (RFC 2389), once asked. */
  features: ServerFeatures | undefined
  /** How passive ports are asked for, and whether a data connection has come about that way. */
  passive: { readonly way: 'EPSV' | 'PASV'; readonly isProven: boolean }
  /** Whether REST is taken, and followed (RFC 959 §4.1.3). */
  restart: 'untried' | 'works' | 'unusable'
  /** Whether several commands at once are all answered. */
  bursts: 'untried' | 'work' | 'fail'
  /** Whether a port and a transfer can be asked for at once, ahead of the last reply to the transfer before. */
  trains: 'untried' | 'work' | 'fail'
  /** The answer to SYST (RFC 959 §4.1.3), once asked; `''` where there is none. */
  system: string | undefined
  /** How directories are listed, once one of both has been refused or has worked. */
  listing: 'MLSD' | 'LIST' | undefined
  /** How modification times are set, once that has worked. */
  timeSetting: TimeSetting | undefined
}

export function unknownServer(): ServerProfile {
  return {
    features: undefined,
    passive: { way: 'EPSV', isProven: false },
    restart: 'untried',
    bursts: 'untried',
    trains: 'untried',
    system: undefined,
    listing: undefined,
    timeSetting: undefined,
  }
}
