/** All transfers. */
import { computed, useSignal, type ReadonlySignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { TransferState } from '../model.ts'
import { tell } from './api.ts'
import { count } from './format.ts'
import { Icon } from './icons.tsx'
import { isPaused, order, transfers } from './store.ts'
import { TransferCard } from './transfer-card.tsx'

/** Cards at first; more are shown when they are asked for. */
const FIRST = 100

const RUNNING: readonly TransferState[] = ['connecting', 'transferring', 'verifying']
const OVER: readonly TransferState[] = ['complete', 'failed', 'stopped']

interface Tally {
  readonly running: number
  readonly over: readonly string[]
}

const tally: ReadonlySignal<Tally> = computed(() => {
  let running = 0
  const over: string[] = []
  for (const id of order.value) {
    const state = transfers.get(id)?.value.state
    if (state === undefined) continue
    if (RUNNING.includes(state)) running += 1
    if (OVER.includes(state)) over.push(id)
  }
  return { running, over }
})

export function Queue(): JSX.Element {
  const most = useSignal(FIRST)
  const ids = order.value
  const { running, over } = tally.value
  return (
    <section class="queue panel" aria-labelledby="queue-title">
      <div class="panel-line">
        <h2 id="queue-title">Transfers</h2>
        <span class="dim" id="tally">
          {ids.length === 0
            ? ''
            : `${running} running, ${ids.length - running - over.length} waiting, ${over.length} over`}
        </span>
        <button
          type="button"
          id="pause-all"
          class="quiet"
          aria-pressed={isPaused.value}
          onClick={() => tell('/api/pause', { isPaused: !isPaused.value })}
        >
          <Icon name={isPaused.value ? 'resume' : 'pause'} /> {isPaused.value ? 'Resume all' : 'Pause all'}
        </button>
        <button
          type="button"
          id="clear-all"
          class="quiet"
          disabled={over.length === 0}
          onClick={() => tell('/api/transfers/act', { ids: over, action: 'clear' })}
        >
          <Icon name="clear" /> Clear
        </button>
      </div>
      {ids.length === 0 && (
        <p class="empty">What is downloaded appears here, and stays when the page is closed.</p>
      )}
      <ul class="cards" aria-label="Transfers">
        {ids.slice(0, most.value).map((id) => {
          const transfer = transfers.get(id)
          return transfer === undefined ? null : <TransferCard key={id} transfer={transfer} />
        })}
      </ul>
      {ids.length > most.value && (
        <button type="button" class="quiet" onClick={() => (most.value += FIRST)}>
          {count(ids.length - most.value, 'more transfer', 'more transfers')}
        </button>
      )}
    </section>
  )
}
