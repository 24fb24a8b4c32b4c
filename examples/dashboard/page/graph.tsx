/** The bandwidth of the last minutes, drawn by uPlot; the same in words for those who do not see it. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useSignalEffect } from '@preact/signals'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { SAMPLE_MS, SAMPLES } from '../model.ts'
import { bytes, rate } from './format.ts'
import { samples } from './store.ts'

const HEIGHT_PIXELS = 132
const SECONDS = (SAMPLES * SAMPLE_MS) / 1_000
const GRID = { stroke: '#27303b', width: 1 }
/** Between the lines: powers of two, as the units are. */
const STEPS = Array.from({ length: 40 }, (_, power) => 2 ** power)
/** So that silence is no mountain range. */
const LEAST_TOP = 64 * 2 ** 10

export function Graph(): JSX.Element {
  const frame = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)

  useEffect(() => {
    const element = frame.current
    if (element === null) return
    const made = new uPlot(optionsFor(element.clientWidth), dataOf(samples.peek()), element)
    plot.current = made
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: HEIGHT_PIXELS }),
    )
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [])

  useSignalEffect(() => plot.current?.setData(dataOf(samples.value)))

  const all = samples.value
  const now = all.at(-1) ?? 0
  const maximum = Math.max(0, ...all)
  const average = all.length === 0 ? 0 : all.reduce((sum, one) => sum + one, 0) / all.length
  const words = `now ${rate(now)}, mean ${rate(average)}, most ${rate(maximum)}`
  return (
    <section class="bandwidth panel" aria-labelledby="bandwidth-title">
      <div class="panel-line">
        <h2 id="bandwidth-title">Bandwidth</h2>
        <p class="figures">
          <span id="bandwidth-now">
            <span class="dim">now</span> {rate(now)}
          </span>
          <span>
            <span class="dim">mean</span> {rate(average)}
          </span>
          <span id="bandwidth-maximum">
            <span class="dim">most</span> {rate(maximum)}
          </span>
        </p>
      </div>
      <div
        class="graph"
        role="img"
        aria-label={`Bandwidth of the last three minutes: ${words}`}
        ref={frame}
      />
    </section>
  )
}

/** Seconds before now, and bytes per second. */
function dataOf(all: readonly number[]): uPlot.AlignedData {
  const times = all.map((_, at) => ((at - all.length + 1) * SAMPLE_MS) / 1_000)
  return [times, [...all]]
}

function optionsFor(width: number): uPlot.Options {
  const axis = { stroke: '#93a1b3', grid: GRID, ticks: { show: false }, font: '11px system-ui, sans-serif' }
  return {
    width: Math.max(width, 1),
    height: HEIGHT_PIXELS,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 18, 0, 0],
    scales: {
      x: { time: false, range: [-SECONDS, 0] },
      y: { range: (_, __, top) => [0, Math.max(LEAST_TOP, (top || 0) * 1.1)] },
    },
    axes: [
      { ...axis, size: 26, splits: () => [-180, -120, -60, 0], values: (_, at) => at.map(minutesAgo) },
      {
        ...axis,
        size: 76,
        space: 30,
        incrs: STEPS,
        values: (_, at) => at.map((value) => (value === 0 ? '0' : `${bytes(value)}/s`)),
      },
    ],
    series: [
      {},
      { stroke: '#5ec9b4', width: 1.5, fill: 'rgba(94, 201, 180, 0.16)', points: { show: false } },
    ],
  }
}

function minutesAgo(seconds: number): string {
  return seconds === 0 ? 'now' : `${seconds / 60} min`
}
