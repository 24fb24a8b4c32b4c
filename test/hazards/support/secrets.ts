/** Looks for a secret in everything that a value holds or shows: messages, stacks, fields, causes, JSON, inspect. */
import { inspect } from 'node:util'

/** The places where any form of `secret` can be read in `value`; empty if nowhere. */
export function findSecret(value: unknown, secret: string): string[] {
  const forms = [...new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])]
  return [...texts(value)]
    .filter(([, text]) => forms.some((form) => text.includes(form)))
    .map(([place, text]) => `${place}: ${text.slice(0, 200)}`)
}

function* texts(value: unknown): Generator<[place: string, text: string]> {
  yield [
    'inspect',
    inspect(value, { depth: Infinity, showHidden: true, getters: true, maxStringLength: Infinity }),
  ]
  yield ['String()', stringOf(value)]
  yield ['JSON', jsonOf(value)]
  yield* fields(value, 'value', new Set())
}

function* fields(value: unknown, place: string, seen: Set<object>): Generator<[string, string]> {
  if (typeof value === 'string') yield [place, value]
  if (value instanceof Uint8Array) yield [place, Buffer.from(value).toString('latin1')]
  if (typeof value !== 'object' || value === null || seen.has(value) || value instanceof Uint8Array) return
  seen.add(value)
  // Own names, also those that are not enumerable: `message`, `stack`, `cause`; then what the class adds.
  const names = [...Reflect.ownKeys(value), ...getters(value)]
  for (const name of names) yield* fields(read(value, name), `${place}.${String(name)}`, seen)
}

function getters(value: object): string[] {
  const prototype = Object.getPrototypeOf(value) as object | null
  if (prototype === null || prototype === Object.prototype) return []
  const described = Object.entries(Object.getOwnPropertyDescriptors(prototype))
  const own = described.filter(([, descriptor]) => 'get' in descriptor).map(([name]) => name)
  return [...own, ...getters(prototype)]
}

function read(value: object, name: string | symbol): unknown {
  try {
    return (value as Record<string | symbol, unknown>)[name]
  } catch {
    return undefined
  }
}

function stringOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return ''
  }
}

function jsonOf(value: unknown): string {
  try {
    const json: unknown = JSON.stringify(value)
    return typeof json === 'string' ? json : ''
  } catch {
    return '' // A circle, or a bigint: what can be read by fields is read by fields.
  }
}
