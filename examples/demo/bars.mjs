/** A transfer on the terminal: one bar for all of it, one for each segment. Elsewhere a line for each quarter. */
import { MultiBar } from 'cli-progress'
import { bytes, duration, paint, speed, step } from './text.mjs'

/** Follows `transfer` until `stop()`. */
export function showProgress(transfer) {
  return process.stdout.isTTY === true ? showBars(transfer) : showLines(transfer)
}

const FORMAT = ` {label} ${paint('green', '{bar}')} {percent}  {done}  {rate}  {left}`
const BAR_COLUMNS = 30

function showBars(transfer) {
  const display = new MultiBar({
    format: FORMAT,
    stream: process.stdout,
    barsize: BAR_COLUMNS,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    fps: 10,
    hideCursor: true,
    emptyOnZero: true,
    gracefulExit: false, // the demo has its own way out
  })
  const bars = []
  transfer.on('progress', (progress) => {
    const { bytes: done, total, bytesPerSecond, etaSeconds, segments } = progress
    if (total === undefined || segments.length === 0) return
    const left = `ETA ${duration(etaSeconds)}`
    const all = { label: 'total  ', done, total, bytesPerSecond, left }
    const parts = segments.map(({ start, end, position, bytesPerSecond: rate }, index) => ({
      label: `part ${String(index + 1).padEnd(2)}`,
      done: position - start,
      total: end - start,
      bytesPerSecond: rate,
      left: '',
    }))
    ;[all, ...parts].forEach((row, index) => {
      bars[index] ??= display.create(row.total, 0, payload(row))
      bars[index].update(row.done, payload(row))
    })
    display.update()
  })
  return { stop: () => display.stop() }
}

function payload({ label, done, total, bytesPerSecond, left }) {
  return {
    label,
    percent: `${Math.floor((100 * done) / Math.max(1, total))} %`.padStart(5),
    done: bytes(done).padStart(9),
    rate: (bytesPerSecond > 0 ? speed(bytesPerSecond) : '').padStart(11),
    left,
  }
}

function showLines(transfer) {
  let nextQuarter = 0.25
  const onProgress = ({ fraction = 0, bytes: done, bytesPerSecond, etaSeconds }) => {
    if (fraction < nextQuarter) return
    nextQuarter = (Math.floor(fraction * 4) + 1) / 4
    step(
      '',
      `${Math.floor(100 * fraction)} %, ${bytes(done)}, ${speed(bytesPerSecond)}, ETA ${duration(etaSeconds)}`,
    )
  }
  transfer.on('progress', onProgress)
  return { stop: () => transfer.off('progress', onProgress) }
}
