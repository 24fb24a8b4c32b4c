/** What is kept of a transfer across restarts. */
import { login, optionalText, fieldsOf, text, number, flag, type Fields } from './fields.ts'
import type { Checksum, Login } from './model.ts'

export type Outcome =
  | {
      readonly state: 'complete'
      readonly averageBytesPerSecond: number
      readonly elapsedSeconds: number
      /** `undefined` until it is computed. */
      readonly checksum: Checksum | undefined
    }
  | { readonly state: 'failed'; readonly error: string }
  | { readonly state: 'stopped' }

export interface TransferRecord {
  readonly id: string
  readonly login: Login
  readonly remote: string
  readonly target: string
  readonly priority: number
  readonly startAt: string | undefined
  /** 0: no limit of its own. */
  readonly bytesPerSecond: number
  /** A checksum that the file must have; its length says of which kind. */
  readonly expected: string | undefined
  readonly isPaused: boolean
  /** How far it was when it was written down; the library knows better as soon as it goes on. */
  readonly bytes: number
  readonly total: number | undefined
  /** In earlier runs. */
  readonly elapsedSeconds: number
  /** `undefined` while it is not over. */
  readonly outcome: Outcome | undefined
}

/** @throws Refusal for what is none */
export function recordOf(value: unknown): TransferRecord {
  const fields = fieldsOf(value)
  return {
    id: text(fields, 'id'),
    login: login(fieldsOf(fields['login'])),
    remote: text(fields, 'remote'),
    target: text(fields, 'target'),
    priority: number(fields, 'priority', -Infinity, Infinity),
    startAt: optionalText(fields, 'startAt'),
    bytesPerSecond: number(fields, 'bytesPerSecond', 0, Infinity),
    expected: optionalText(fields, 'expected'),
    isPaused: flag(fields, 'isPaused'),
    bytes: number(fields, 'bytes', 0, Infinity),
    total: fields['total'] === undefined ? undefined : number(fields, 'total', 0, Infinity),
    elapsedSeconds: number(fields, 'elapsedSeconds', 0, Infinity),
    outcome: fields['outcome'] === undefined ? undefined : outcomeOf(fieldsOf(fields['outcome'])),
  }
}

function outcomeOf(fields: Fields): Outcome {
  const state = text(fields, 'state')
  if (state === 'failed') return { state, error: text(fields, 'error') }
  if (state !== 'complete') return { state: 'stopped' }
  return {
    state,
    averageBytesPerSecond: number(fields, 'averageBytesPerSecond', 0, Infinity),
    elapsedSeconds: number(fields, 'elapsedSeconds', 0, Infinity),
    checksum: fields['checksum'] as Checksum | undefined,
  }
}
