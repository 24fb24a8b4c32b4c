/** What is set for all transfers together, and changes those that run. */
import type { JSX } from 'preact'
import type { Settings } from '../model.ts'
import { tell } from './api.ts'
import { DraftInput } from './draft-input.tsx'
import { limitOf, limitText } from './format.ts'
import { settings } from './store.ts'

export function SettingsLine(): JSX.Element | null {
  const now = settings.value
  if (now === undefined) return null
  const change = (part: Partial<Settings>): void => tell('/api/settings', part)
  return (
    <form class="settings panel" aria-label="Settings" onSubmit={(event) => event.preventDefault()}>
      <label>
        Connections a file
        <DraftInput
          type="number"
          id="connections"
          min={1}
          max={16}
          value={String(now.connections)}
          onCommit={(value) => change({ connections: Number(value) })}
        />
      </label>
      <label>
        Files at once
        <DraftInput
          type="number"
          id="concurrency"
          min={1}
          max={16}
          value={String(now.concurrency)}
          onCommit={(value) => change({ concurrency: Number(value) })}
        />
      </label>
      <label>
        Limit, MiB/s
        <DraftInput
          type="number"
          id="limit"
          min={0}
          step="any"
          placeholder="none"
          title="Of each server; nothing for no limit"
          value={limitText(now.bytesPerSecond)}
          onCommit={(value) => change({ bytesPerSecond: limitOf(value) })}
        />
      </label>
      <label>
        New connections every
        <select
          id="rotation"
          value={String(now.rotateSeconds)}
          onChange={({ currentTarget: { value } }) => change({ rotateSeconds: Number(value) })}
        >
          {rotations(now.rotateSeconds).map((seconds) => (
            <option key={seconds} value={String(seconds)}>
              {seconds === 0 ? 'never' : `${seconds} s`}
            </option>
          ))}
        </select>
      </label>
    </form>
  )
}

function rotations(now: number): readonly number[] {
  return [...new Set([0, 10, 30, 60, 120, 300, now])].sort((a, b) => a - b)
}
