/** The keys, in a dialog. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Icon } from './icons.tsx'

const FILES: readonly (readonly [string, string])[] = [
  ['↑ ↓', 'move, as by Page, Home, End; with Shift select'],
  ['Space', 'select, or not'],
  ['Ctrl A', 'select all; none by Escape'],
  ['Enter', 'open a folder, download a file'],
  ['D', 'download what is selected'],
  ['Backspace', 'parent folder'],
  ['R', 'refresh'],
  ['/', 'filter by name'],
]

const TRANSFERS: readonly (readonly [string, string])[] = [
  ['↑ ↓', 'move'],
  ['P', 'pause, resume'],
  ['S', 'stop'],
  ['A', 'again'],
  ['Delete', 'clear'],
  ['+ −', 'priority'],
  ['Enter', 'details'],
]

const ANYWHERE: readonly (readonly [string, string])[] = [
  ['Alt 1', 'files'],
  ['Alt 2', 'transfers'],
  ['Alt 3', 'settings'],
  ['?', 'these keys'],
]

export function Keys(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
      if (event.key === '?' && !isTyping) dialog.current?.showModal()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [])
  return (
    <>
      <button type="button" class="quiet" title="Keys (?)" onClick={() => dialog.current?.showModal()}>
        <Icon name="keys" /> Keys
      </button>
      <dialog ref={dialog} aria-labelledby="keys-title" class="keys">
        <h2 id="keys-title">Keys</h2>
        <div class="tables">
          <KeyTable title="In the files" keys={FILES} />
          <KeyTable title="On a transfer" keys={TRANSFERS} />
          <KeyTable title="Anywhere" keys={ANYWHERE} />
        </div>
        <div class="buttons">
          <button type="button" class="primary" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </dialog>
    </>
  )
}

interface KeyTableProps {
  readonly title: string
  readonly keys: readonly (readonly [string, string])[]
}

function KeyTable({ title, keys }: KeyTableProps): JSX.Element {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
