/** What the server has told: signals that the components read. Only the event stream writes them. */
import { batch, signal, type Signal } from '@preact/signals'
import {
  SAMPLES,
  type Changes,
  type SavedConnection,
  type Settings,
  type TransferView,
  type Visit,
} from '../model.ts'
import { lastPart } from './format.ts'
import { say } from './notices.ts'

export const isLive: Signal<boolean> = signal(false)
export const folder: Signal<string> = signal('')
export const visit: Signal<Visit | null> = signal(null)
export const saved: Signal<readonly SavedConnection[]> = signal([])
export const settings: Signal<Settings | undefined> = signal(undefined)
export const isPaused: Signal<boolean> = signal(false)
export const samples: Signal<readonly number[]> = signal([])
/** In the order in which they were added. */
export const order: Signal<readonly string[]> = signal([])
/** Each by itself: what runs changes four times a second, and only its own card with it. */
export const transfers: ReadonlyMap<string, Signal<TransferView>> = new Map()

function apply(changes: Changes): void {
  batch(() => {
    if (changes.isWhole === true) forgetAll()
    if (changes.folder !== undefined) folder.value = changes.folder
    if (changes.visit !== undefined) visit.value = changes.visit
    if (changes.saved !== undefined) saved.value = changes.saved
    if (changes.settings !== undefined) settings.value = changes.settings
    if (changes.isPaused !== undefined) isPaused.value = changes.isPaused
    if (changes.samples !== undefined) samples.value = [...samples.value, ...changes.samples].slice(-SAMPLES)
    changeTransfers(changes.transfers ?? [], changes.removed ?? [], changes.isWhole === true)
  })
}

function forgetAll(): void {
  own.clear()
  order.value = []
  samples.value = []
}

const own = transfers as Map<string, Signal<TransferView>>

function changeTransfers(
  changed: readonly TransferView[],
  removed: readonly string[],
  isFirst: boolean,
): void {
  const added: string[] = []
  for (const view of changed) {
    const known = own.get(view.id)
    if (known === undefined) {
      own.set(view.id, signal(view))
      added.push(view.id)
    } else {
      if (!isFirst) sayWhatHappened(known.peek(), view)
      known.value = view
    }
  }
  if (added.length === 0 && removed.length === 0) return
  const gone = new Set(removed)
  order.value = [...order.value.filter((id) => !gone.has(id)), ...added]
  for (const id of gone) own.delete(id)
}

function sayWhatHappened(before: TransferView, now: TransferView): void {
  if (before.state === now.state) return
  const name = lastPart(now.target)
  if (now.state === 'failed') say(`${name} failed. ${now.error ?? ''}`, true)
  if (now.state !== 'complete') return
  if (now.checksum?.outcome === 'differs') say(`${name} is there, but its checksum differs`, true)
  else say(`${name} is complete${now.checksum?.outcome === 'matched' ? ', checksum matched' : ''}`)
}

export function listenToServer(): void {
  const events = new EventSource('/api/events')
  events.onopen = () => (isLive.value = true)
  events.onmessage = ({ data }) => apply(JSON.parse(data as string) as Changes)
  events.onerror = () => {
    isLive.value = false
    if (events.readyState !== EventSource.CLOSED) return
    setTimeout(listenToServer, 2_000)
  }
}
