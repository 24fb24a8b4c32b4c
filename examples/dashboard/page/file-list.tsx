/** The entries of a directory: only the rows that can be seen are in the document, however many there are. */
import { useSignal, useSignalEffect } from '@preact/signals'
import type { JSX, TargetedKeyboardEvent } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import {
  cursor,
  isLoading,
  open,
  openParent,
  order,
  pathOf,
  refresh,
  select,
  selected,
  shown,
  sortBy,
  toggle,
} from './directory.ts'
import { bytes, when } from './format.ts'
import { Icon } from './icons.tsx'
import type { Column, Item } from './order.ts'

/** As in the style sheet. */
const ROW_PIXELS = 34
/** Above and below what is seen. */
const SPARE_ROWS = 8

const TYPES = { directory: 'Folder', file: 'File', symlink: 'Link', other: 'Other' } as const

export interface FileListProps {
  readonly onFetch: () => void
}

export function FileList({ onFetch }: FileListProps): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null)
  const top = useSignal(0)
  const height = useSignal(400)
  /** Where Shift extends from. */
  const anchor = useRef(0)

  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    const observer = new ResizeObserver(() => (height.value = element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [height])

  useSignalEffect(() => {
    const at = cursor.value * ROW_PIXELS
    const element = scroller.current
    if (element === null) return
    if (at < element.scrollTop) element.scrollTop = at
    const lowest = at + ROW_PIXELS - element.clientHeight
    if (lowest > element.scrollTop) element.scrollTop = lowest
  })

  const rows = shown.value
  const first = Math.max(0, Math.floor(top.value / ROW_PIXELS) - SPARE_ROWS)
  const last = Math.min(rows.length, Math.ceil((top.value + height.value) / ROW_PIXELS) + SPARE_ROWS)

  const moveTo = (to: number, isExtending: boolean): void => {
    const at = Math.max(0, Math.min(rows.length - 1, to))
    cursor.value = at
    if (isExtending) selectBetween(anchor.current, at)
    else anchor.current = at
  }

  const press = (event: TargetedKeyboardEvent<HTMLDivElement>): void => {
    if (act(event)) event.preventDefault()
  }
  const act = ({ key, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean => {
    const at = cursor.value
    const page = Math.max(1, Math.floor(height.value / ROW_PIXELS) - 1)
    const item = rows[at]
    if (ctrlKey || metaKey) {
      if (key !== 'a') return false
      select(rows.map(({ row }) => row[1]))
      return true
    }
    if (key === 'ArrowUp' && altKey) openParent()
    else if (altKey) return false
    else if (key === 'ArrowDown') moveTo(at + 1, shiftKey)
    else if (key === 'ArrowUp') moveTo(at - 1, shiftKey)
    else if (key === 'PageDown') moveTo(at + page, shiftKey)
    else if (key === 'PageUp') moveTo(at - page, shiftKey)
    else if (key === 'Home') moveTo(0, shiftKey)
    else if (key === 'End') moveTo(rows.length - 1, shiftKey)
    else if (key === 'Enter' && item !== undefined) enter(item, onFetch)
    else if (key === ' ' && item !== undefined) toggle(item.row[1])
    else if (key === 'Escape') select([])
    else if (key === 'Backspace') openParent()
    else if (key === 'r') refresh()
    else if (key === 'd') onFetch()
    else if (key === '/') document.querySelector<HTMLElement>('#filter')?.focus()
    else return false
    return true
  }

  const click = (event: MouseEvent, at: number): void => {
    const name = rows[at]?.row[1]
    if (name === undefined) return
    cursor.value = at
    if (event.shiftKey) return selectBetween(anchor.current, at)
    anchor.current = at
    if (event.ctrlKey || event.metaKey || isTick(event)) toggle(name)
    else select([name])
  }

  return (
    <div
      class="files"
      id="files"
      role="grid"
      tabIndex={0}
      aria-label="Files on the server"
      aria-multiselectable="true"
      aria-rowcount={rows.length + 1}
      aria-colcount={3}
      aria-busy={isLoading.value}
      {...(rows.length > 0 ? { 'aria-activedescendant': `row-${cursor.value}` } : {})}
      onKeyDown={press}
    >
      <div role="row" aria-rowindex={1} class="heads">
        <Head column="name" label="Name" />
        <Head column="size" label="Size" />
        <Head column="modified" label="Modified" />
      </div>
      <div
        class="scroller"
        role="presentation"
        ref={scroller}
        onScroll={({ currentTarget }) => (top.value = currentTarget.scrollTop)}
      >
        <div role="presentation" class="all" style={{ height: `${rows.length * ROW_PIXELS}px` }}>
          {rows.slice(first, last).map((item, index) => (
            <FileRow
              key={first + index}
              item={item}
              at={first + index}
              onClick={(event) => click(event, first + index)}
              onDblClick={() => enter(item, onFetch)}
            />
          ))}
        </div>
        {rows.length === 0 && <p class="empty">{isLoading.value ? 'Reading …' : 'Nothing here'}</p>}
      </div>
    </div>
  )
}

function enter({ row: [type, name] }: Item, onFetch: () => void): void {
  if (type === 'file') onFetch()
  else void open(pathOf(name))
}

function selectBetween(one: number, other: number): void {
  const names = shown.value.slice(Math.min(one, other), Math.max(one, other) + 1)
  select(names.map(({ row }) => row[1]))
}

/** The box in front of a name selects it beside others. */
function isTick({ target }: MouseEvent): boolean {
  return target instanceof Element && target.closest('.box') !== null
}

function Head({ column, label }: { readonly column: Column; readonly label: string }): JSX.Element {
  const { column: by, isDescending } = order.value
  const direction = isDescending ? 'descending' : 'ascending'
  return (
    <div role="columnheader" class={`cell ${column}`} aria-sort={by === column ? direction : 'none'}>
      <button type="button" class="head" onClick={() => void sortBy(column)}>
        {label}
        <span aria-hidden="true">{by === column ? (isDescending ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </div>
  )
}

interface FileRowProps {
  readonly item: Item
  readonly at: number
  readonly onClick: (event: MouseEvent) => void
  readonly onDblClick: () => void
}

function FileRow({ item, at, onClick, onDblClick }: FileRowProps): JSX.Element {
  const [type, name, size, modified, precision] = item.row
  const isSelected = selected.value.has(name)
  return (
    <div
      role="row"
      id={`row-${at}`}
      class={`row ${type}${cursor.value === at ? ' cursor' : ''}`}
      aria-rowindex={at + 2}
      aria-selected={isSelected}
      style={{ transform: `translateY(${at * ROW_PIXELS}px)` }}
      onClick={onClick}
      onDblClick={onDblClick}
    >
      <div role="gridcell" class="cell name" title={name}>
        <span class="box" aria-hidden="true" />
        <Icon name={type} />
        <span class="hidden">{TYPES[type]} </span>
        <span class="text">{name}</span>
      </div>
      <div role="gridcell" class="cell size">
        {size === null || type === 'directory' ? '' : bytes(size)}
      </div>
      <div role="gridcell" class="cell modified">
        {modified === null ? '' : when(modified, precision)}
      </div>
    </div>
  )
}
