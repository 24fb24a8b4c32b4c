/** The server that is connected: where one is, what is there, and what is to be fetched of it. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Visit } from '../model.ts'
import { addressOf } from './address.ts'
import { tell } from './api.ts'
import {
  cursor,
  failure,
  fetchSelected,
  filter,
  leave,
  open,
  openParent,
  path,
  refresh,
  selected,
  shown,
} from './directory.ts'
import { FileList } from './file-list.tsx'
import { FolderChooser } from './folder-chooser.tsx'
import { count } from './format.ts'
import { Icon, type IconName } from './icons.tsx'

export function Browser({ visit }: { readonly visit: Visit }): JSX.Element {
  const typed = useSignal(path.value)
  const priority = useSignal('0')
  const startAt = useSignal('')
  const expected = useSignal('')

  useEffect(takeFocus, [])
  useEffect(() => {
    // After a reload of the page.
    if (path.value === '') void open(visit.path)
  }, [visit])
  useEffect(() => path.subscribe((now) => (typed.value = now)), [typed])

  const fetchThem = async (): Promise<void> => {
    const start = startAt.value === '' ? '' : new Date(startAt.value).toISOString()
    const how = { priority: Number(priority.value), startAt: start, expected: expected.value }
    if (await fetchSelected(how)) expected.value = ''
  }

  return (
    <div class="browser">
      <div class="server-line">
        <strong title={visit.welcome}>{addressOf(visit.login)}</strong>
        <span class="dim">{visit.tls ?? 'not encrypted'}</span>
        <Tool
          icon="leave"
          label="Disconnect"
          onClick={() => {
            tell('/api/disconnect')
            leave()
          }}
        />
      </div>
      <div class="path-line">
        <Tool icon="up" label="Parent folder (Backspace)" onClick={openParent} />
        <Tool icon="refresh" label="Refresh (R)" onClick={refresh} />
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void open(typed.value)
            focusFiles()
          }}
        >
          <input
            id="path"
            aria-label="Path on the server"
            spellcheck={false}
            autocomplete="off"
            value={typed.value}
            onInput={({ currentTarget: { value } }) => (typed.value = value)}
          />
        </form>
        <input
          id="filter"
          type="search"
          aria-label="Show only names with (/)"
          placeholder="Filter"
          value={filter.value}
          onInput={({ currentTarget: { value } }) => {
            filter.value = value
            cursor.value = 0
          }}
          onKeyDown={({ key }) => {
            if (key === 'Escape' || key === 'Enter') focusFiles()
          }}
        />
      </div>
      {failure.value !== '' && (
        <p class="failure" role="alert">
          {failure.value}
        </p>
      )}
      <FileList onFetch={() => void fetchThem()} />
      <div class="fetch-line">
        <span class="dim" id="selection">
          {selected.value.size > 0
            ? `${selected.value.size.toLocaleString()} of ${shown.value.length.toLocaleString()} selected`
            : count(shown.value.length, 'entry', 'entries')}
        </span>
        <details class="how">
          <summary>More</summary>
          <div class="fields">
            <label>
              Priority
              <input
                type="number"
                id="new-priority"
                min={-1_000}
                max={1_000}
                value={priority.value}
                onInput={({ currentTarget: { value } }) => (priority.value = value)}
              />
            </label>
            <label>
              Start at
              <input
                type="datetime-local"
                id="new-start"
                value={startAt.value}
                onInput={({ currentTarget: { value } }) => (startAt.value = value)}
              />
            </label>
            <label class="wide">
              Checksum it must have
              <input
                id="new-expected"
                spellcheck={false}
                autocomplete="off"
                placeholder="SHA-256, SHA-1, MD5, …"
                value={expected.value}
                onInput={({ currentTarget: { value } }) => (expected.value = value)}
              />
            </label>
          </div>
        </details>
        <FolderChooser />
        <button type="button" id="fetch" class="primary" title="D" onClick={() => void fetchThem()}>
          <Icon name="download" /> Download
        </button>
      </div>
    </div>
  )
}

/** The form that had it is gone. */
function takeFocus(): void {
  if (document.activeElement === document.body) focusFiles()
}

function focusFiles(): void {
  document.querySelector<HTMLElement>('#files')?.focus()
}

interface ToolProps {
  readonly icon: IconName
  readonly label: string
  readonly onClick: () => void
}

function Tool({ icon, label, onClick }: ToolProps): JSX.Element {
  return (
    <button type="button" class="quiet icon-only" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  )
}
