/** One JSON value in one line, in which nothing can move a cursor. */
import { FtpError } from '../../index.ts'

// JSON leaves these as they are.
const CONTROLS = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

export function jsonLine(value: unknown): string {
  return JSON.stringify(value, plain).replace(
    CONTROLS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** An error is what a program can branch on. */
function plain(_name: string, value: unknown): unknown {
  if (value instanceof FtpError)
    return { code: value.code, message: value.message, retryable: value.retryable }
  if (value instanceof Error) return { code: value.name, message: value.message }
  return value instanceof Map ? Object.fromEntries(value) : value
}
