/** What can be set of one transfer, and where it is from and goes to. */
import type { JSX } from 'preact'
import type { TransferView } from '../model.ts'
import { tell } from './api.ts'
import { addressOf } from './connect-form.tsx'
import { folder } from './store.ts'

const MIB = 2 ** 20

export function TransferDetails({ view }: { readonly view: TransferView }): JSX.Element {
  const change = (part: Record<string, unknown>): void =>
    tell('/api/transfers/change', { id: view.id, ...part })
  const isWaiting = ['queued', 'scheduled', 'locked', 'paused'].includes(view.state) && view.bytes === 0
  return (
    <div class="details-of">
      <div class="fields">
        <label>
          Priority
          <input
            type="number"
            class="priority"
            min={-1_000}
            max={1_000}
            value={view.priority}
            onChange={({ currentTarget: { value } }) => change({ priority: Number(value) })}
          />
        </label>
        <label>
          Limit, MiB/s
          <input
            type="number"
            class="limit"
            min={0}
            step="any"
            placeholder="none"
            value={view.bytesPerSecondLimit === undefined ? '' : view.bytesPerSecondLimit / MIB}
            onChange={({ currentTarget: { value } }) =>
              change({ bytesPerSecond: Math.round(Number(value) * MIB) })
            }
          />
        </label>
        <label>
          Start at
          <input
            type="datetime-local"
            class="start"
            disabled={!isWaiting}
            value={view.startAt === undefined ? '' : localTime(view.startAt)}
            onChange={({ currentTarget: { value } }) =>
              change({ startAt: value === '' ? '' : new Date(value).toISOString() })
            }
          />
        </label>
        <label class="wide">
          Checksum it must have
          <input
            class="expected"
            spellcheck={false}
            autocomplete="off"
            placeholder="SHA-256, SHA-1, MD5, …"
            value={view.expected ?? ''}
            onChange={({ currentTarget: { value } }) => change({ expected: value })}
          />
        </label>
      </div>
      <dl>
        <dt>From</dt>
        <dd>
          {addressOf(view.login)} {view.remote}
        </dd>
        <dt>To</dt>
        <dd>
          {folder.value}/{view.target}
        </dd>
      </dl>
    </div>
  )
}

/** As `datetime-local` wants it. */
function localTime(iso: string): string {
  const date = new Date(iso)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
