/**
 * Timers for deadlines. `Infinity` means none, and a delay beyond what `setTimeout` can hold
 * (2^31 - 1 ms) is kept as that maximum instead of firing at once.
 */
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
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error)
      return
    }
    const onAbort = (): void => {
      stop()
      reject(signal?.reason as Error)
    }
    const stop = startTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
