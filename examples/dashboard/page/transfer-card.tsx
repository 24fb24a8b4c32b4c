/** One transfer: how far it is, and all that can be done to it. */
import { useSignal, type Signal } from '@preact/signals'
import type { JSX, TargetedKeyboardEvent } from 'preact'
import type { TransferState, TransferView } from '../model.ts'
import { addressOf } from './address.ts'
import { tell } from './api.ts'
import { bytes, count, duration, lastPart, percent, rate, when } from './format.ts'
import { Icon, type IconName } from './icons.tsx'
import { Strip } from './strip.tsx'
import { TransferDetails } from './transfer-details.tsx'

const LABELS: Readonly<Record<TransferState, string>> = {
  locked: 'Needs a login',
  scheduled: 'Scheduled',
  queued: 'Waiting',
  connecting: 'Connecting',
  transferring: 'Running',
  paused: 'Paused',
  verifying: 'Verifying',
  hashing: 'Checksum',
  complete: 'Complete',
  failed: 'Failed',
  stopped: 'Stopped',
}

const OVER: readonly TransferState[] = ['hashing', 'complete', 'failed', 'stopped']

interface Deed {
  readonly action: string
  readonly label: string
  readonly icon: IconName
  /** When the card has the focus. */
  readonly key: string
}

function deedsOf({ state }: TransferView): readonly Deed[] {
  const clear: Deed = { action: 'clear', label: 'Clear', icon: 'clear', key: 'Delete' }
  const again: Deed = { action: 'again', label: 'Again', icon: 'again', key: 'a' }
  if (state === 'failed' || state === 'stopped') return [again, clear]
  if (OVER.includes(state)) return [clear]
  const resume: Deed = { action: 'resume', label: 'Resume', icon: 'resume', key: 'p' }
  const pause: Deed = { action: 'pause', label: 'Pause', icon: 'pause', key: 'p' }
  return [state === 'paused' ? resume : pause, { action: 'stop', label: 'Stop', icon: 'stop', key: 's' }]
}

export function TransferCard({ transfer }: { readonly transfer: Signal<TransferView> }): JSX.Element {
  const view = transfer.value
  const isOpen = useSignal(false)
  const name = lastPart(view.target)
  const deeds = deedsOf(view)

  const press = (event: TargetedKeyboardEvent<HTMLElement>): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return
    const { key } = event
    const deed = deeds.find((one) => one.key === key)
    const step = key === '+' ? 1 : key === '-' ? -1 : 0
    if (deed !== undefined) {
      if (deed.action === 'clear') focusBeside(event.currentTarget)
      tell('/api/transfers/act', { ids: [view.id], action: deed.action })
    } else if (step !== 0) tell('/api/transfers/change', { id: view.id, priority: view.priority + step })
    else if (key === 'Enter') isOpen.value = !isOpen.value
    else if (key === 'ArrowDown') focusOn(event.currentTarget.nextElementSibling)
    else if (key === 'ArrowUp') focusOn(event.currentTarget.previousElementSibling)
    else return
    event.preventDefault()
  }

  return (
    <li
      class={`card ${view.state}`}
      tabIndex={0}
      aria-label={`${name}, ${LABELS[view.state]}`}
      onKeyDown={press}
    >
      <div class="title-line">
        <span class="name" title={view.target}>
          {name}
        </span>
        <span class="state">{LABELS[view.state]}</span>
        <span class="deeds">
          {deeds.map(({ action, label, icon, key }) => (
            <button
              // Pause and resume are one button, which keeps the focus.
              key={key}
              type="button"
              class={`quiet icon-only ${action}`}
              aria-label={`${label} ${name}`}
              title={`${label} (${key.toUpperCase()})`}
              onClick={({ currentTarget }) => {
                if (key !== 'p') leaveFocus(currentTarget, action)
                tell('/api/transfers/act', { ids: [view.id], action })
              }}
            >
              <Icon name={icon} />
            </button>
          ))}
          <button
            type="button"
            class="quiet icon-only details"
            aria-expanded={isOpen.value}
            aria-label={`Details of ${name}`}
            title="Details (Enter)"
            onClick={() => (isOpen.value = !isOpen.value)}
          >
            <Icon name="more" />
          </button>
        </span>
      </div>
      <Strip view={view} />
      <p class="facts">
        {factsOf(view).map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
      </p>
      {view.error !== undefined && <p class="failure">{view.error}</p>}
      {view.checksum !== undefined && <ChecksumLine view={view} />}
      {isOpen.value && <TransferDetails view={view} />}
    </li>
  )
}

function factsOf(view: TransferView): readonly string[] {
  const { state, total } = view
  if (state === 'complete' || state === 'hashing') {
    return [
      bytes(total ?? view.bytes),
      duration(view.elapsedSeconds),
      `${rate(view.averageBytesPerSecond)} on average`,
      ...(state === 'hashing' ? ['computing the checksum …'] : []),
    ]
  }
  const size = total === undefined ? [bytes(view.bytes)] : [`${bytes(view.bytes)} of ${bytes(total)}`]
  const share = total === undefined || total === 0 ? [] : [percent(view.bytes / total)]
  const facts = view.bytes === 0 && total === undefined ? [] : [...share, ...size]
  if (state === 'transferring' || state === 'verifying') {
    const left = view.etaSeconds === undefined ? [] : [`${duration(view.etaSeconds)} left`]
    facts.push(rate(view.bytesPerSecond), count(view.activeConnections, 'connection', 'connections'))
    facts.push(`${duration(view.elapsedSeconds)} elapsed`, ...left)
  }
  if (state === 'scheduled' && view.startAt !== undefined) facts.push(`starts ${when(view.startAt)}`)
  if (state === 'locked') facts.push(`connect to ${addressOf(view.login)} to go on`)
  if (view.priority !== 0) facts.push(`priority ${view.priority}`)
  return facts
}

const CHECKSUM_NAMES: Readonly<Record<string, string>> = {
  crc32: 'CRC-32',
  md5: 'MD5',
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha512: 'SHA-512',
}

function ChecksumLine({ view: { checksum } }: { readonly view: TransferView }): JSX.Element | null {
  if (checksum === undefined) return null
  const { algorithm, value, outcome, origin } = checksum
  const whose = origin === 'server' ? "the server's" : 'the one expected'
  const words = {
    computed: 'computed',
    matched: `matched ${whose}`,
    differs: 'differs from the one expected',
  }
  return (
    <p class={`checksum ${outcome}`}>
      <span class="outcome">
        {CHECKSUM_NAMES[algorithm] ?? algorithm} {words[outcome]}
      </span>
      <code>{value}</code>
    </p>
  )
}

function focusOn(element: Element | null): void {
  if (element instanceof HTMLElement) element.focus()
}

/** A button that goes leaves the focus to its card, and a card to its neighbour. */
function leaveFocus(button: Element, action: string): void {
  const card = button.closest('.card')
  if (card === null) return
  if (action === 'clear') focusBeside(card)
  else focusOn(card)
}

function focusBeside(card: Element): void {
  focusOn(card.nextElementSibling ?? card.previousElementSibling)
}
