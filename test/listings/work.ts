/**
 * Counts what is done to strings, so that "linear" needs no clock: a character that is looked at costs one, a search
 * or a copy as many as it passes, and an expression the square of what it is given, as some could take that long.
 */

type Method = (this: unknown, ...args: unknown[]) => unknown
type Cost = (text: string, args: readonly unknown[], result: unknown) => number

const one: Cost = () => 1
const all: Cost = (text) => text.length
const copied: Cost = (_text, _args, result) => 1 + String(result).length
const searched: Cost = (text, [, from = 0], result) =>
  1 + Math.abs((Number(result) < 0 ? text.length : Number(result)) - Number(from))

const STRING_COSTS: Readonly<Record<string, Cost>> = {
  charCodeAt: one,
  charAt: one,
  at: one,
  slice: copied,
  substring: copied,
  indexOf: searched,
  lastIndexOf: all,
  includes: all,
  startsWith: (_text, [what]) => String(what).length,
  endsWith: (_text, [what]) => String(what).length,
  split: all,
  replace: all,
  replaceAll: all,
  toLowerCase: all,
  toUpperCase: all,
  trim: all,
  trimStart: all,
  trimEnd: all,
  padEnd: copied,
}

/** The work that `run` makes. */
export function workOf(run: () => void): number {
  let work = 0
  const undo: (() => void)[] = []
  function count(
    prototype: object,
    name: string,
    cost: (self: unknown, args: unknown[], result: unknown) => number,
  ) {
    const methods = prototype as Record<string, Method>
    const original = methods[name]
    if (original === undefined) throw new RangeError(`no such method: ${name}`)
    methods[name] = function (...args) {
      const result = original.apply(this, args)
      work += cost(this, args, result)
      return result
    }
    undo.push(() => (methods[name] = original))
  }
  for (const [name, cost] of Object.entries(STRING_COSTS)) {
    count(String.prototype, name, (text, args, result) => cost(text as string, args, result))
  }
  count(RegExp.prototype, 'exec', (_expression, [text]) => String(text).length ** 2)
  try {
    run()
  } finally {
    for (const restore of undo) restore()
  }
  return work
}
