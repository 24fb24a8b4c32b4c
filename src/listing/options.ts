/** Checks of options that only listings have, in the manner of `util/validate.ts`. */
import { inspect, types } from 'node:util'
import { text } from '../util/validate.ts'

/** A zone that Intl knows. */
export function timeZone(options: object, name: string, fallback: string): string {
  const zone = text(options, name, fallback)
  // Intl takes 11 ms for the first zone that it is asked for, and every client has one.
  if (zone === 'UTC') return zone
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return zone
  } catch {
    throw new RangeError(
      `Option "${name}" is ${show(zone)}; it must be an IANA time zone such as 'Europe/Berlin'`,
    )
  }
}

export function date(options: object, name: string, fallback: Date): Date {
  const value = (options as Record<string, unknown>)[name]
  if (value === undefined) return fallback
  if (!types.isDate(value)) throw new TypeError(`Option "${name}" is ${show(value)}; it must be a Date`)
  if (Number.isNaN(value.getTime())) {
    throw new RangeError(`Option "${name}" is ${show(value)}; it must be a valid Date`)
  }
  return value
}

function show(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 60 })
}
