/** A field whose value is the server's: what is being typed stays, whatever comes meanwhile, and is sent when it is done. */
import { useSignal } from '@preact/signals'
import type { JSX, TargetedEvent } from 'preact'

export interface DraftInputProps {
  readonly value: string
  readonly onCommit: (value: string) => void
  readonly type?: 'number' | 'text' | 'datetime-local'
  readonly id?: string
  readonly class?: string
  readonly min?: number
  readonly max?: number
  readonly step?: number | 'any'
  readonly title?: string
  readonly placeholder?: string
  readonly disabled?: boolean
}

export function DraftInput({ value, onCommit, type = 'text', ...rest }: DraftInputProps): JSX.Element {
  const draft = useSignal<string | undefined>(undefined)
  const field = {
    ...rest,
    spellcheck: false,
    autocomplete: 'off',
    value: draft.value ?? value,
    onInput: ({ currentTarget }: TargetedEvent<HTMLInputElement>) => (draft.value = currentTarget.value),
    onChange: ({ currentTarget }: TargetedEvent<HTMLInputElement>) => {
      if (currentTarget.reportValidity()) onCommit(currentTarget.value)
    },
    onBlur: () => (draft.value = undefined),
  }
  switch (type) {
    case 'number':
      return <input {...field} type="number" />
    case 'datetime-local':
      return <input {...field} type="datetime-local" />
    case 'text':
      return <input {...field} type="text" />
  }
}
