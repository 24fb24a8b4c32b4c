/**
 * Small checks that keep an option's name and its rule together. Each returns the value, or the default
 * where it is absent, or throws a `TypeError` or `RangeError` with name, value and what is allowed.
 */
import { inspect } from 'node:util'
import { nearestName } from './near-name.ts'

type Options = object

/** `name` may be a path such as `verify.size`; its last part is the property. */
function read(options: Options, name: string): unknown {
  return (options as Record<string, unknown>)[name.slice(name.lastIndexOf('.') + 1)]
}

/** How a rejected value is shown. Not for secrets. */
function show(value: unknown): string {
  const text = inspect(value, { depth: 0, breakLength: Infinity })
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

function wrongType(name: string, value: unknown, allowed: string): TypeError {
  return new TypeError(`Option "${name}" is ${show(value)}; it must be ${allowed}`)
}

function outOfRange(name: string, value: unknown, allowed: string): RangeError {
  return new RangeError(`Option "${name}" is ${show(value)}; it must be ${allowed}`)
}

/** The names of the options in `T`. Only the keys count, so that an object of defaults is one as well. */
export type OptionNames<T> = Readonly<Record<keyof T, unknown>>

/**
 * Refuses a name that is none of `names`, which would be ignored otherwise; with `undefined` it counts as not given.
 * @param name that of the option which holds them; `options` for those of a call
 */
export function optionsObject<T extends object>(
  value: T | undefined,
  name: string,
  names: OptionNames<NoInfer<T>>,
): T {
  const given = openObject(value, name)
  const unknown = Object.keys(given).find(
    (key) => !Object.hasOwn(names, key) && given[key as keyof T] !== undefined,
  )
  if (unknown !== undefined)
    throw noSuchOption(name === 'options' ? '' : `${name}.`, unknown, Object.keys(names))
  return given
}

function noSuchOption(prefix: string, unknown: string, names: readonly string[]): TypeError {
  const shown = unknown.length > 80 ? `${unknown.slice(0, 77)}...` : unknown
  const nearest = nearestName(unknown, names)
  const hint =
    nearest === undefined ? `it must be one of ${names.join(', ')}` : `did you mean "${prefix}${nearest}"?`
  return new TypeError(`There is no option ${JSON.stringify(`${prefix}${shown}`)}; ${hint}`)
}

/** An object whose names are not ours to know: it is handed on. */
export function openObject<T extends object>(value: T | undefined, name: string): T {
  const given: unknown = value
  if (given === undefined) return {} as T
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw wrongType(name, value, 'an object')
  return given as T
}

export function wholeNumber(
  options: Options,
  name: string,
  fallback: number,
  min: number,
  max: number,
): number {
  const value = read(options, name)
  if (value === undefined) return fallback
  const allowed = `a whole number from ${min} to ${max}`
  if (typeof value !== 'number') throw wrongType(name, value, allowed)
  if (!Number.isInteger(value) || value < min || value > max) throw outOfRange(name, value, allowed)
  return value
}

/** A whole number from 0, or `Infinity` for no limit. */
export function limit<F extends number | undefined>(options: Options, name: string, fallback: F): number | F {
  const value = read(options, name)
  if (value === undefined) return fallback
  if (value === Infinity) return Infinity
  const allowed = 'a whole number from 0, or Infinity for no limit'
  if (typeof value !== 'number') throw wrongType(name, value, allowed)
  if (!Number.isSafeInteger(value) || value < 0) throw outOfRange(name, value, allowed)
  return value
}

/** A finite number, or `Infinity` where that is a sensible value. */
export function number(options: Options, name: string, fallback: number, min: number, max: number): number {
  const value = read(options, name)
  if (value === undefined) return fallback
  const allowed = `a number from ${min} to ${max}`
  if (typeof value !== 'number') throw wrongType(name, value, allowed)
  if (Number.isNaN(value) || value < min || value > max) throw outOfRange(name, value, allowed)
  return value
}

/** Milliseconds: more than zero; `Infinity` switches the deadline off. */
export function milliseconds(options: Options, name: string, fallback: number): number {
  const value = read(options, name)
  if (value === undefined) return fallback
  const allowed = 'a number of milliseconds above 0, or Infinity for no limit'
  if (typeof value !== 'number') throw wrongType(name, value, allowed)
  if (Number.isNaN(value) || value <= 0) throw outOfRange(name, value, allowed)
  return value
}

export function flag(options: Options, name: string, fallback: boolean): boolean {
  const value = read(options, name)
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') throw wrongType(name, value, 'true or false')
  return value
}

export function oneOf<T extends string>(
  options: Options,
  name: string,
  fallback: T,
  allowed: readonly T[],
): T {
  const value = read(options, name)
  if (value === undefined) return fallback
  if (!allowed.includes(value as T)) {
    const list = allowed.map((item) => `'${item}'`).join(', ')
    throw typeof value === 'string'
      ? outOfRange(name, value, `one of ${list}`)
      : wrongType(name, value, `one of ${list}`)
  }
  return value as T
}

export function text<F extends string | undefined>(options: Options, name: string, fallback: F): string | F {
  const value = read(options, name)
  if (value === undefined) return fallback
  if (typeof value !== 'string') throw wrongType(name, value, 'a string')
  if (value === '') throw outOfRange(name, value, 'a string that is not empty')
  return value
}

/** Throws unless the option is absent or a function. */
export function expectFunction(options: Options, name: string): void {
  const value = read(options, name)
  if (value !== undefined && typeof value !== 'function') throw wrongType(name, value, 'a function')
}

/** The time of a date, in milliseconds since 1970. */
export function dateMs(options: Options, name: string): number | undefined {
  const value = read(options, name)
  if (value === undefined) return undefined
  if (!(value instanceof Date)) throw wrongType(name, value, 'a Date')
  if (Number.isNaN(value.getTime())) throw outOfRange(name, value, 'a valid Date')
  return value.getTime()
}

export function abortSignal(options: Options): AbortSignal | undefined {
  const value = read(options, 'signal')
  if (value !== undefined && !(value instanceof AbortSignal))
    throw wrongType('signal', value, 'an AbortSignal')
  return value
}
