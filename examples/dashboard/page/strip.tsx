/** A file as a strip: what has come, and where each connection is at work. */
import type { JSX } from 'preact'
import type { Segment, TransferView } from '../model.ts'
import { percent } from './format.ts'

const WIDTH = 1_000

export function Strip({ view }: { readonly view: TransferView }): JSX.Element {
  const { bytes, total, state } = view
  const isDone = state === 'complete' || state === 'hashing'
  const fraction = isDone || total === 0 ? 1 : total === undefined ? 0 : Math.min(1, bytes / total)
  return (
    <svg
      class={`strip ${state}`}
      viewBox={`0 0 ${WIDTH} 10`}
      preserveAspectRatio="none"
      role="progressbar"
      aria-label="Bytes that are there"
      aria-valuemin={0}
      aria-valuemax={100}
      {...(total === undefined && !isDone ? {} : { 'aria-valuenow': Math.floor(fraction * 100) })}
      aria-valuetext={percent(fraction)}
    >
      {isDone || view.segments.length === 0 ? (
        <rect class="there" x={0} y={0} width={WIDTH * fraction} height={10} />
      ) : (
        view.segments.map((segment) => <Piece key={segment[0]} segment={segment} total={total ?? bytes} />)
      )}
    </svg>
  )
}

function Piece({
  segment: [start, end, position],
  total,
}: {
  readonly segment: Segment
  readonly total: number
}): JSX.Element {
  const scale = total > 0 ? WIDTH / total : 0
  const isWhole = position >= end
  return (
    <>
      <rect class="there" x={start * scale} y={0} width={(position - start) * scale} height={10} />
      {!isWhole && <rect class="head" x={position * scale - 2} y={0} width={4} height={10} />}
      {start > 0 && <rect class="seam" x={start * scale - 0.5} y={0} width={1} height={10} />}
    </>
  )
}
