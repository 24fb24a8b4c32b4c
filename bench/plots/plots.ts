/** The plots of docs/performance.md, by their files, made of the tables in bench/RESULTS.md. */
import { barChart, type Bar } from './bar-chart.ts'
import { numberIn, tableBehind, type Row } from './tables.ts'

export function plots(results: string): Readonly<Record<string, string>> {
  return {
    'loopback.svg': loopback(results),
    'connections.svg': connections(results),
    'trees.svg': trees(results),
  }
}

function loopback(results: string): string {
  const groups = ['plain, 1 connection', 'TLS, 1 connection', 'plain, 4 connections', 'TLS, 4 connections']
  return barChart({
    title: '1 GiB over loopback',
    unit: 'seconds of whole processes, median of 5 rounds, 2026-11-20; less is better',
    groups: groups.map((label) => ({
      label,
      bars: barsOf(tableBehind(results, '## 2026-11-20\n', `**${label}**`), 'wall s'),
    })),
  })
}

function connections(results: string): string {
  const table = (...marks: readonly string[]): readonly Bar[] =>
    barsOf(tableBehind(results, '## 2026-11-21: segments', ...marks), '÷ ideal')
  return barChart({
    title: 'Eight connections that a server keeps slow',
    unit: 'time ÷ what the rates allow, 2026-11-21; less is better',
    line: { value: 1, label: 'ideal' },
    groups: [
      { label: '4 MB/s each', bars: table('8 connections, from a server that keeps to the rate') },
      { label: '8, 4, 2, 1, 1, 1, 1 and 1 MB/s', bars: table('connections of 8, 4, 2') },
      { label: 'two servers of 12 and 4 MB/s', bars: table('both to the end') },
    ],
  })
}

function trees(results: string): string {
  const section = '## 2026-11-21, fourth'
  const group = (label: string, mark: string): { label: string; bars: readonly Bar[] } => ({
    label,
    bars: tableBehind(results, section, mark).flatMap((row) => {
      const value = numberIn(row, '÷ better peer')
      return value === undefined ? [] : [{ label: row.get('') ?? '', value, isOurs: true }]
    }),
  })
  return barChart({
    title: 'Trees, 8 connections',
    unit: 'time ÷ that of the better one of lftp and rclone, 2026-11-21; less is better',
    line: { value: 1, label: 'as fast' },
    groups: [group('50 ms away', '**50 ms away'), group('over loopback', '**Over loopback')],
  })
}

function barsOf(rows: readonly Row[], column: string): readonly Bar[] {
  return rows.flatMap((row) => {
    const [label, value] = [row.get('') ?? '', numberIn(row, column)]
    return value === undefined ? [] : [{ label, value, isOurs: label.startsWith('octoftp') }]
  })
}
