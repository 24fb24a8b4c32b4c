/** What the page says aloud: results and failures, shown for a while and read out by screen readers. */
import { signal } from '@preact/signals'

export interface Notice {
  readonly id: number
  readonly text: string
  readonly isFailure: boolean
}

const SHOWN_MS = 5_000
const FAILURE_SHOWN_MS = 15_000
/** More would hide what they are about. */
const MOST = 3

export const notices = signal<readonly Notice[]>([])
let last = 0

export function say(text: string, isFailure = false): void {
  last += 1
  const notice = { id: last, text, isFailure }
  notices.value = [...notices.value.filter((one) => one.text !== text).slice(1 - MOST), notice]
  setTimeout(() => dismiss(notice.id), isFailure ? FAILURE_SHOWN_MS : SHOWN_MS)
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((one) => one.id !== id)
}

/** Read out only: those who see the page see it anyway. */
export const whisper = signal('')
