/** The directory that is looked at: its entries as they come, what is selected, where the cursor is. */
import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { call, list } from './api.ts'
import { count } from './format.ts'
import { say, whisper } from './notices.ts'
import { comparison, itemOf, type Column, type Item, type Order } from './order.ts'
import { SortedRuns } from './sorted-runs.ts'

export const path: Signal<string> = signal('')
const items: Signal<readonly Item[]> = signal([])
export const isLoading: Signal<boolean> = signal(false)
export const failure: Signal<string> = signal('')
export const filter: Signal<string> = signal('')
export const order: Signal<Order> = signal({ column: 'name', isDescending: false })
/** Names. */
export const selected: Signal<ReadonlySet<string>> = signal(new Set())
export const cursor: Signal<number> = signal(0)
/** Below the folder of the dashboard. */
export const into: Signal<string> = signal('')

export const shown: ReadonlySignal<readonly Item[]> = computed(() => {
  const wanted = filter.value.trim().toLowerCase()
  if (wanted === '') return items.value
  return items.value.filter(({ row }) => row[1].toLowerCase().includes(wanted))
})

/** Between two showings of what has come so far. */
const SHOW_EVERY_MS = 200
/** Sorted at once, before the page has its turn again. */
const SLICE = 5_000

let loading = new AbortController()

/** @param cursorName where the cursor comes to stand */
export async function open(directory: string, cursorName?: string): Promise<void> {
  loading.abort()
  const { signal: stop } = (loading = new AbortController())
  batch(() => {
    path.value = directory
    items.value = []
    selected.value = new Set()
    cursor.value = 0
    filter.value = ''
    failure.value = ''
    isLoading.value = true
  })
  try {
    await read(directory, stop)
    if (cursorName !== undefined)
      cursor.value = Math.max(
        0,
        items.value.findIndex(({ row }) => row[1] === cursorName),
      )
    whisper.value = `${directory}: ${count(items.value.length, 'entry', 'entries')}`
  } catch (error) {
    if (stop.aborted) return
    failure.value = (error as Error).message
  }
  isLoading.value = false
}

async function read(directory: string, stop: AbortSignal): Promise<void> {
  const runs = new SortedRuns(comparison(order.value))
  let shownAt = 0
  for await (const rows of list(directory, stop)) {
    runs.add(rows.map(itemOf))
    if (performance.now() - shownAt < SHOW_EVERY_MS) continue
    items.value = runs.all()
    shownAt = performance.now()
  }
  items.value = runs.all()
}

export function leave(): void {
  loading.abort()
  batch(() => {
    items.value = []
    failure.value = ''
    path.value = ''
  })
}

export function refresh(): void {
  void open(path.value, shown.value[cursor.value]?.row[1])
}

export function openParent(): void {
  const names = path.value.split('/').filter((name) => name !== '')
  const left = names.pop()
  if (left !== undefined) void open(`/${names.join('/')}`, left)
}

export function pathOf(name: string): string {
  return path.value.endsWith('/') ? path.value + name : `${path.value}/${name}`
}

/** By slices, so that the page never stands still. */
export async function sortBy(column: Column): Promise<void> {
  const { column: before, isDescending } = order.value
  const wanted = { column, isDescending: column === before && !isDescending }
  order.value = wanted
  const runs = new SortedRuns(comparison(wanted))
  const all = items.value
  for (let at = 0; at < all.length; at += SLICE) {
    runs.add(all.slice(at, at + SLICE))
    await new Promise((resolve) => setTimeout(resolve))
    if (order.value !== wanted || items.value !== all) return
  }
  items.value = runs.all()
}

export function select(names: Iterable<string>): void {
  selected.value = new Set(names)
}

export function toggle(name: string): void {
  const names = new Set(selected.value)
  if (!names.delete(name)) names.add(name)
  selected.value = names
}

export interface HowToFetch {
  readonly priority: number
  readonly startAt: string
  readonly expected: string
}

/** What is selected, else what the cursor is on. */
export async function fetchSelected(how: HowToFetch): Promise<boolean> {
  const atCursor = shown.value[cursor.value]
  const wanted =
    selected.value.size > 0
      ? items.value.filter(({ row }) => selected.value.has(row[1]))
      : atCursor === undefined
        ? []
        : [atCursor]
  if (wanted.length === 0) return false
  try {
    const entries = wanted.map(({ row: [type, name] }) => ({ type, name, path: pathOf(name) }))
    const given = { priority: how.priority, startAt: how.startAt, expected: how.expected }
    const { count: files } = await call<{ count: number }>('/api/transfers/add', {
      ...{ entries, folder: into.value },
      ...given,
    })
    say(`${count(files, 'file', 'files')} in the queue`)
    selected.value = new Set()
    return true
  } catch (error) {
    say((error as Error).message, true)
    return false
  }
}
