/**
 * Timers for deadlines. `Infinity` means none, and a delay beyond what `setTimeout` can hold
 * (2^31 - 1 ms) is kept as that maximum instead of firing at once.
 */
import { waitOrAbort } from './abort.ts'

const LONGEST_TIMEOUT_MS = 0x7fff_ffff

/** Calls `expire` once after `ms` milliseconds; the returned function cancels it. It holds the process. */
export function startTimer(ms: number, expire: () => void): () => void {
  if (ms === Infinity) return () => {}
  const timer = setTimeout(expire, Math.min(ms, LONGEST_TIMEOUT_MS))
  return () => clearTimeout(timer)
}

/** Like {@link startTimer}, but the process may end while it runs. */
export function startIdleTimer(ms: number, expire: () => void): () => void {
  if (ms === Infinity) return () => {}
  const timer = setTimeout(expire, Math.min(ms, LONGEST_TIMEOUT_MS)).unref()
  return () => clearTimeout(timer)
}

/** Resolves after `ms` milliseconds, or rejects with the signal's reason. */
export async function delay(ms: number, signal?: AbortSignal): Promise<void> {
  let stop = (): void => {}
  const over = new Promise<void>((resolve) => {
    stop = startTimer(ms, resolve)
  })
  try {
    await waitOrAbort(over, signal)
  } finally {
    stop()
  }
}
