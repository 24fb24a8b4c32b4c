/** Words and numbers for people. */
import { styleText } from 'node:util'

const { stdout, env } = process
const isColoured = stdout.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'

export function paint(style, text) {
  return isColoured ? styleText(style, text) : text
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function bytes(count) {
  const power = count < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10))
  return `${(count / 2 ** (10 * power)).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`
}

export function speed(bytesPerSecond) {
  return `${bytes(bytesPerSecond)}/s`
}

/** `0:07`, `12:31`; dashes where it cannot be said. */
export function duration(seconds) {
  if (seconds === undefined) return '-:--'
  const whole = Math.ceil(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

export function step(name, text) {
  console.log(`${paint('cyan', name.padEnd(8))} ${text}`)
}

/** Columns as wide as they need to be; all but the first and the last to the right. */
export function table(headings, rows) {
  const cells = [headings, ...rows].map((row) => row.map(String))
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column].length)))
  const line = (row) =>
    row
      .map((cell, column) => aligned(cell, column, widths))
      .join('   ')
      .trimEnd()
  const rule = widths.map((width) => '─'.repeat(width)).join('───')
  const [first, ...rest] = cells.map(line)
  return [paint('bold', first), paint('dim', rule), ...rest].join('\n')
}

function aligned(cell, column, widths) {
  const isText = column === 0 || column === widths.length - 1
  return isText ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
}

/** @returns the exit code */
export function verdict(sent, received) {
  const agree = sent === received
  step('SHA-256', `${sent}  sent`)
  step('', `${received}  received`)
  if (agree) console.log(paint('green', '\nThe file that arrived is the file that was sent.'))
  else console.error(paint('red', '\nMISMATCH: the file that arrived is not the file that was sent.'))
  return agree ? 0 : 1
}
