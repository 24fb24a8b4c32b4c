/** Reads the fields of what the page has sent, and refuses what is not what it should be. */
import { Refusal } from './failures.ts'
import type { Login, Security, Wanted } from './model.ts'

export type Fields = Readonly<Record<string, unknown>>

export function fieldsOf(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new Refusal(400, 'An object is wanted')
}

export function text(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value === 'string') return value
  throw new Refusal(400, `"${name}" must be a text`)
}

export function optionalText(fields: Fields, name: string): string | undefined {
  return fields[name] === undefined || fields[name] === null ? undefined : text(fields, name)
}

export function flag(fields: Fields, name: string): boolean {
  return fields[name] === true
}

/** A number from `least` to `most`. */
export function number(fields: Fields, name: string, least: number, most: number): number {
  const value = fields[name]
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw new Refusal(400, `"${name}" must be a number from ${least} to ${most}`)
}

export function wholeNumber(fields: Fields, name: string, least: number, most: number): number {
  const value = number(fields, name, least, most)
  if (Number.isInteger(value)) return value
  throw new Refusal(400, `"${name}" must be a whole number`)
}

export function texts(fields: Fields, name: string): readonly string[] {
  const value = fields[name]
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
  throw new Refusal(400, `"${name}" must be a list of texts`)
}

const SECURITIES: readonly Security[] = ['none', 'explicit', 'implicit']

export function login(fields: Fields): Login {
  const security = SECURITIES.find((one) => one === fields['security'])
  if (security === undefined) throw new Refusal(400, '"security" must be none, explicit or implicit')
  const host = text(fields, 'host').trim()
  if (host === '') throw new Refusal(400, 'The name of the server is missing')
  const user = text(fields, 'user').trim()
  return {
    host,
    port: wholeNumber(fields, 'port', 1, 65_535),
    user: user === '' ? 'anonymous' : user,
    security,
  }
}

const TYPES: readonly Wanted['type'][] = ['file', 'directory', 'symlink', 'other']

export function wanted(fields: Fields): readonly Wanted[] {
  const value = fields['entries']
  if (!Array.isArray(value)) throw new Refusal(400, '"entries" must be a list')
  return value.map((one) => {
    const entry = fieldsOf(one)
    const type = TYPES.find((known) => known === entry['type'])
    if (type === undefined) throw new Refusal(400, '"type" must be that of an entry')
    return { path: text(entry, 'path'), name: text(entry, 'name'), type }
  })
}

/** A time to come, as ISO 8601; `undefined` for none. */
export function time(fields: Fields, name: string): string | undefined {
  const value = optionalText(fields, name)
  if (value === undefined || value === '') return undefined
  const date = new Date(value)
  if (Number.isNaN(date.getTime())) throw new Refusal(400, `"${name}" must be a time`)
  return date.toISOString()
}
