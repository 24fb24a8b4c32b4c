/**
 * Waiting under an `AbortSignal`. A signal may live as long as the program and see a thousand waits:
 * every listener is removed when its wait is over, and nothing uses `AbortSignal.any`, whose dependent
 * signals pile up on a long-lived one.
 *
 * However many wait, a signal carries one listener of ours: Node 20 warns of a leak from the eleventh
 * on, and raising that limit would change an object that is the caller's.
 */
import { callListener } from './listener.ts'

/** Takes back what it was returned for. Calling it again does nothing. */
export type Disposer = () => void

type AbortListener = (reason: unknown) => void

/** The listeners of one signal, and the one listener on the signal that tells them all. */
interface Audience {
  readonly listeners: Set<AbortListener>
  readonly tell: () => void
}

const audiences = new WeakMap<AbortSignal, Audience>()

/**
 * Calls `listener` once with `signal.reason` when `signal` aborts; at once, before returning, if it
 * already has. Without a signal it never calls.
 *
 * @returns a function that removes the listener
 */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): Disposer {
  if (signal === undefined) return () => undefined
  if (signal.aborted) {
    listener(signal.reason)
    return () => undefined
  }
  // A function of its own for each call: the same listener may be given twice, and be removed once.
  const heard: AbortListener = (reason) => listener(reason)
  const audience = audiences.get(signal) ?? gather(signal)
  audience.listeners.add(heard)
  return () => {
    if (audience.listeners.delete(heard) && audience.listeners.size === 0) dismiss(signal, audience)
  }
}

/**
 * Waits for `promise` or for the abort of `signal`, whichever comes first; an already aborted signal
 * comes first. The promise itself goes on: whatever it brings after an abort is dropped, a rejection too.
 *
 * @throws `signal.reason`, untouched
 */
export function waitOrAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, reject)
    void promise.then(resolve, reject).finally(stopListening)
  })
}

/**
 * Throws if `signal` is given and has aborted.
 *
 * @throws `signal.reason`, untouched
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  signal?.throwIfAborted()
}

function gather(signal: AbortSignal): Audience {
  const listeners = new Set<AbortListener>()
  const tell = (): void => tellAll(listeners, signal.reason)
  const audience = { listeners, tell }
  audiences.set(signal, audience)
  signal.addEventListener('abort', tell, { once: true })
  return audience
}

function dismiss(signal: AbortSignal, audience: Audience): void {
  audiences.delete(signal)
  signal.removeEventListener('abort', audience.tell)
}

/** One that throws does not keep the others from hearing of it, as with listeners on the signal itself. */
function tellAll(listeners: Set<AbortListener>, reason: unknown): void {
  for (const listener of listeners) {
    listeners.delete(listener)
    callListener(() => listener(reason))
  }
}
