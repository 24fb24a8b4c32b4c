/** What is set for all transfers together. */
import { wholeNumber, type Fields } from './fields.ts'
import type { Settings } from './model.ts'

export const DEFAULT_SETTINGS: Settings = Object.freeze({
  connections: 4,
  rotateSeconds: 0,
  bytesPerSecond: 0,
  concurrency: 2,
})

/** @throws Refusal */
export function settingsOf(fields: Fields): Settings {
  const rotateSeconds = fields['rotateSeconds'] === 0 ? 0 : wholeNumber(fields, 'rotateSeconds', 10, 300)
  return {
    connections: wholeNumber(fields, 'connections', 1, 16),
    rotateSeconds,
    bytesPerSecond: wholeNumber(fields, 'bytesPerSecond', 0, Number.MAX_SAFE_INTEGER),
    concurrency: wholeNumber(fields, 'concurrency', 1, 16),
  }
}
