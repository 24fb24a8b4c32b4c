/** Waiting for what comes by itself, for as long as a busy machine may need. */
import { vi } from 'vitest'

const PATIENCE = { timeout: 20_000, interval: 5 }

/** Resolves when `condition` holds. */
export async function untilTrue(condition: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitUntil(condition, PATIENCE)
}

/** Resolves when `assertions` no longer throw, and rejects with the last that did. */
export async function untilPasses(assertions: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(assertions, PATIENCE)
}
