/** What the page says aloud: results and failures, shown for a while and read out by screen readers. */
import { signal } from '@preact/signals'

export interface Notice {
  readonly id: number
  readonly text: string
  readonly isFailure: boolean
}

const SHOWN_MS = 8_000

export const notices = signal<readonly Notice[]>([])
let last = 0

export function say(text: string, isFailure = false): void {
  last += 1
  const notice = { id: last, text, isFailure }
  notices.value = [...notices.value.slice(-3), notice]
  setTimeout(() => dismiss(notice.id), SHOWN_MS)
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((one) => one.id !== id)
}
