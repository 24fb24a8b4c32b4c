/** What can be set of one transfer, and where it is from and goes to. */
import type { JSX } from 'preact'
import type { TransferView } from '../model.ts'
import { addressOf } from './address.ts'
import { tell } from './api.ts'
import { DraftInput } from './draft-input.tsx'
import { limitOf, limitText } from './format.ts'
import { folder } from './store.ts'

export function TransferDetails({ view }: { readonly view: TransferView }): JSX.Element {
  const change = (part: Record<string, unknown>): void =>
    tell('/api/transfers/change', { id: view.id, ...part })
  const hasToBegin = ['queued', 'scheduled', 'locked', 'paused'].includes(view.state) && view.bytes === 0
  return (
    <div class="details-of">
      <div class="fields">
        <label>
          Priority
          <DraftInput
            type="number"
            class="priority"
            min={-1_000}
            max={1_000}
            value={String(view.priority)}
            onCommit={(value) => change({ priority: Number(value) })}
          />
        </label>
        <label>
          Limit, MiB/s
          <DraftInput
            type="number"
            class="limit"
            min={0}
            step="any"
            placeholder="none"
            value={limitText(view.bytesPerSecondLimit ?? 0)}
            onCommit={(value) => change({ bytesPerSecond: limitOf(value) })}
          />
        </label>
        <label>
          Start at
          <DraftInput
            type="datetime-local"
            class="start"
            disabled={!hasToBegin}
            value={view.startAt === undefined ? '' : localTime(view.startAt)}
            onCommit={(value) => change({ startAt: value === '' ? '' : new Date(value).toISOString() })}
          />
        </label>
        <label class="wide">
          Checksum it must have
          <DraftInput
            class="expected"
            placeholder="SHA-256, SHA-1, MD5, …"
            value={view.expected ?? ''}
            onCommit={(value) => change({ expected: value })}
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
