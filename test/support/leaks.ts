import { createHook } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Of the runner and the process itself: they come and go by themselves. */
const NOT_OURS = new Set(['PipeWrap', 'MessagePort', 'TTYWrap', 'Immediate', 'Timeout'])
const OUR_DESCRIPTORS = /^(socket:|\/(?!dev\/|proc\/))/

export interface LeakOptions {
  /** Things on which listeners must not stay: an AbortSignal, an emitter. The process is always watched. */
  watch?: (AbortSignal | NodeJS.EventEmitter)[]
  /** How long things may take to close by themselves, in ms. Default 2000. */
  settleMs?: number
}

/**
 * Runs `use` and fails if it leaves anything behind: sockets, servers, pending requests, timers (unref'd ones
 * too), open files (where /proc tells them), listeners. What closes by itself may take a moment.
 */
export async function expectNoLeaks<T>(use: () => T | Promise<T>, options: LeakOptions = {}): Promise<T> {
  const watched = [process, ...(options.watch ?? [])]
  const timers = new TimerWatch()
  const before = held(watched)
  timers.start()
  try {
    const result = await use()
    timers.noMore()
    await settle(() => [...more(before, held(watched)), ...timers.running()], options.settleMs ?? 2_000)
    return result
  } finally {
    timers.stop()
  }
}

async function settle(leaks: () => string[], longestMs: number): Promise<void> {
  const deadline = performance.now() + longestMs
  while (leaks().length > 0 && performance.now() < deadline) await sleep(10)
  const left = leaks()
  if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`)
}

/** Everything that is held now, by name, with how often. */
function held(watched: (AbortSignal | NodeJS.EventEmitter)[]): Map<string, number> {
  const names = [
    ...process.getActiveResourcesInfo().filter((name) => !NOT_OURS.has(name)),
    ...openDescriptors(),
    ...watched.flatMap(listeners),
  ]
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

function more(before: Map<string, number>, after: Map<string, number>): string[] {
  const leaks: string[] = []
  for (const [name, count] of after) {
    const extra = count - (before.get(name) ?? 0)
    if (extra > 0) leaks.push(`${extra} x ${name}`)
  }
  return leaks
}

// Linux only: elsewhere the active resources have to do.
function openDescriptors(): string[] {
  try {
    return readdirSync('/proc/self/fd')
      .map(target)
      .filter((name) => OUR_DESCRIPTORS.test(name))
  } catch {
    return []
  }
}

function target(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return ''
  }
}

function listeners(target: AbortSignal | NodeJS.EventEmitter): string[] {
  if (!('eventNames' in target)) {
    return getEventListeners(target, 'abort').map(() => 'listener for abort on a signal')
  }
  return target
    .eventNames()
    .flatMap((event) => target.listeners(event).map(() => `listener for ${String(event)}`))
}

/**
 * Timers that were started and have neither fired nor been cleared. Only async hooks see the unref'd ones:
 * `getActiveResourcesInfo` tells what keeps the process alive.
 */
class TimerWatch {
  readonly #stacks = new Map<number, string>()
  #recording = true
  readonly #hook = createHook({
    init: (id, type) => {
      if (this.#recording && type === 'Timeout') this.#stacks.set(id, new Error().stack ?? '')
    },
    destroy: (id) => void this.#stacks.delete(id),
  })

  start(): void {
    this.#hook.enable()
  }

  /** Timers started from here on are those of the settling itself. */
  noMore(): void {
    this.#recording = false
  }

  stop(): void {
    this.#hook.disable()
  }

  running(): string[] {
    return [...this.#stacks.values()].filter(isOurs).map((stack) => `1 x Timeout started${frames(stack)}`)
  }
}

// The test runner talks to its parent with deadlines of its own; the package socks never clears its own.
function isOurs(stack: string): boolean {
  return !/node_modules[\\/](vitest|@vitest|vite|birpc|socks)/.test(callers(stack)[0] ?? '')
}

function frames(stack: string): string {
  return callers(stack)
    .slice(0, 4)
    .map((line) => `\n    ${line.trim()}`)
    .join('')
}

function callers(stack: string): string[] {
  return stack
    .split('\n')
    .slice(2)
    .filter((line) => !/[( ]node:|<anonymous>/.test(line))
}
