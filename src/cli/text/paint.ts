/** Text that is fit to be shown, and its colours. */
import { styleText } from 'node:util'
import { printable } from '../../index.ts'

export type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold'

/** Without what moves a cursor or reorders a line. */
export function shown(text: string): string {
  return printable(text, Infinity)
}

/** Colours, where the stream is a terminal and nobody has turned them off. */
export function painted(stream: NodeJS.WriteStream, text: string, style: Style | undefined): string {
  return style !== undefined && isColoured(stream) ? styleText(style, text) : text
}

function isColoured(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb'
}
