/** Calling what others gave to be called. */

/** A listener that throws is its program's affair, as if nobody had caught it; what it listens to goes on. */
export function callListener(call: () => void): void {
  try {
    call()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
