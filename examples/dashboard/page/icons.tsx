/** Small drawings, which a screen reader passes over. */
import type { JSX } from 'preact'

const PATHS = {
  directory: 'M2 4.500h4l1.500 1.500H14v7H2z',
  file: 'M4 2h5.500L12 4.500V14H4zM9.500 2v3H12',
  symlink: 'M4 2h5.500L12 4.500V14H4zM6 11l4-4M7 7h3v3',
  other: 'M8 2.500a5.500 5.500 0 1 0 0 11a5.500 5.500 0 0 0 0-11zM8 10.500v.5M8 5v3.500',
  up: 'M8 13V3.500M3.500 8L8 3.500L12.500 8',
  refresh: 'M13 8a5 5 0 1 1-1.500-3.600M13 2v3h-3',
  pause: 'M5.500 3v10M10.500 3v10',
  resume: 'M5 3l8 5l-8 5z',
  stop: 'M4 4h8v8H4z',
  again: 'M3 8a5 5 0 1 0 1.500-3.600M3 2v3h3',
  clear: 'M4 4l8 8M12 4l-8 8',
  more: 'M3.500 6L8 10.500L12.500 6',
  download: 'M8 2.500v8M4.500 7L8 10.500L11.500 7M3 13.500h10',
  keys: 'M1.500 4h13v8h-13zM4 6.500h.5M7 6.500h.5M10 6.500h.5M5 9.500h6',
  leave: 'M6 3H3v10h3M7 8h6.500M10.500 5L13.500 8l-3 3',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
