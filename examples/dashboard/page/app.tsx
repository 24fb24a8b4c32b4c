/** The page as a whole: two halves beside each other, or one at a time in a narrow window. */
import { signal, type Signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { Browser } from './browser.tsx'
import { ConnectForm } from './connect-form.tsx'
import { rate } from './format.ts'
import { Graph } from './graph.tsx'
import { Icon } from './icons.tsx'
import { Keys } from './keys.tsx'
import { dismiss, notices, whisper } from './notices.ts'
import { Queue } from './queue.tsx'
import { SettingsLine } from './settings-line.tsx'
import { isLive, order, samples, visit } from './store.ts'

/** Which half is seen where there is no room for both. */
const half: Signal<'server' | 'transfers'> = signal('server')

/** By Alt and a digit: where the focus goes. */
const PLACES: Readonly<Record<string, readonly ['server' | 'transfers', readonly string[]]>> = {
  '1': ['server', ['#files', '#host']],
  '2': ['transfers', ['.card', '#pause-all']],
  '3': ['transfers', ['#connections']],
}

export function App(): JSX.Element {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const place = event.altKey ? PLACES[event.key] : undefined
      if (place === undefined) return
      event.preventDefault()
      half.value = place[0]
      // It may just become visible.
      requestAnimationFrame(() => focusFirst(place[1]))
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [])
  const seen = visit.value
  return (
    <div class="app" data-half={half.value}>
      <header>
        <h1>octoftp</h1>
        <span class={`live ${isLive.value ? 'yes' : 'no'}`} role="status">
          {isLive.value ? '' : 'The dashboard does not answer; trying again …'}
        </span>
        <span class="speed">{rate(samples.value.at(-1) ?? 0)}</span>
        <Keys />
      </header>
      <nav aria-label="Halves of the page">
        <HalfButton which="server" label="Server" />
        <HalfButton
          which="transfers"
          label={`Transfers${order.value.length > 0 ? ` (${order.value.length})` : ''}`}
        />
      </nav>
      <main>
        <section class="half server panel" aria-label="Server">
          {seen === null ? <ConnectForm /> : <Browser visit={seen} />}
        </section>
        <section class="half transfers" aria-label="Transfers and settings">
          <Graph />
          <SettingsLine />
          <Queue />
        </section>
      </main>
      <p class="hidden" role="status">
        {whisper.value}
      </p>
      <Notices />
    </div>
  )
}

function focusFirst(selectors: readonly string[]): void {
  const found = selectors.flatMap((selector) => document.querySelector<HTMLElement>(selector) ?? [])
  found[0]?.focus()
}

interface HalfButtonProps {
  readonly which: 'server' | 'transfers'
  readonly label: string
}

function HalfButton({ which, label }: HalfButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class="quiet"
      {...(half.value === which ? { 'aria-current': 'page' } : {})}
      onClick={() => (half.value = which)}
    >
      {label}
    </button>
  )
}

function Notices(): JSX.Element {
  return (
    <div class="notices" role="log" aria-live="polite" aria-label="Messages">
      {notices.value.map(({ id, text, isFailure }) => (
        <p key={id} class={isFailure ? 'notice failed' : 'notice'}>
          <span>{text}</span>
          <button type="button" class="quiet icon-only" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <Icon name="clear" />
          </button>
        </p>
      ))}
    </div>
  )
}
