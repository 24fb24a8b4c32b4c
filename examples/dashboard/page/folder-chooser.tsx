/** Where files are saved: a folder below that of the dashboard, which may be made here. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { call } from './api.ts'
import { into } from './directory.ts'
import { Icon } from './icons.tsx'
import { say } from './notices.ts'
import { folder } from './store.ts'

export function FolderChooser(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const at = useSignal('')
  const folders = useSignal<readonly string[]>([])
  const name = useSignal('')

  const look = async (where: string): Promise<void> => {
    try {
      folders.value = (await call<{ folders: string[] }>('/api/folders', { folder: where })).folders
      at.value = where
    } catch (error) {
      say((error as Error).message, true)
    }
  }
  const make = async (): Promise<void> => {
    try {
      const { folder: made } = await call<{ folder: string }>('/api/folders/make', {
        folder: at.value,
        name: name.value,
      })
      name.value = ''
      await look(made)
    } catch (error) {
      say((error as Error).message, true)
    }
  }
  const choose = (): void => {
    into.value = at.value
    dialog.current?.close()
  }

  return (
    <>
      <button
        type="button"
        id="choose-folder"
        class="quiet where"
        title={`${folder.value}/${into.value}`}
        onClick={() => {
          void look(into.value)
          dialog.current?.showModal()
        }}
      >
        <span class="dim">Save to</span>{' '}
        <span class="path">{into.value === '' ? folder.value : into.value}</span>
      </button>
      <dialog ref={dialog} aria-labelledby="folder-title">
        <h2 id="folder-title">Where to save</h2>
        <p class="path">
          {folder.value}
          {at.value === '' ? '' : `/${at.value}`}
        </p>
        <ul class="folders">
          {at.value !== '' && (
            <li>
              <button type="button" class="quiet" onClick={() => void look(above(at.value))}>
                <Icon name="up" /> One up
              </button>
            </li>
          )}
          {folders.value.map((one) => (
            <li key={one}>
              <button
                type="button"
                class="quiet"
                onClick={() => void look(at.value === '' ? one : `${at.value}/${one}`)}
              >
                <Icon name="directory" /> {one}
              </button>
            </li>
          ))}
        </ul>
        <form
          class="line"
          onSubmit={(event) => {
            event.preventDefault()
            void make()
          }}
        >
          <label>
            New folder
            <input
              required
              value={name.value}
              onInput={({ currentTarget: { value } }) => (name.value = value)}
            />
          </label>
          <button type="submit">Make</button>
        </form>
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="button" class="primary" onClick={choose}>
            Save here
          </button>
        </div>
      </dialog>
    </>
  )
}

function above(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
