/** The plots in docs/performance.md show what bench/RESULTS.md says. */
import { readdir, readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { plots } from '../bench/plots/plots.ts'
import { tableBehind } from '../bench/plots/tables.ts'

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8')

it('are those that bench/draw-plots.ts makes of the results', async () => {
  const drawn = plots(await read('../bench/RESULTS.md'))
  for (const [name, svg] of Object.entries(drawn))
    expect(await read(`../docs/images/${name}`), name).toBe(svg)
  const page = await read('../docs/performance.md')
  for (const name of Object.keys(drawn)) expect(page).toContain(`(images/${name})`)
  expect(await readdir(new URL('../docs/images/', import.meta.url))).toEqual(
    expect.arrayContaining(Object.keys(drawn)),
  )
})

it('show each number that is in the tables', () => {
  const results = `## Then\n\n**Many**\n\n| | wall s |\n|---|---|\n| **octoftp** | 1.5 |\n| curl | 2.25 |\n`
  const rows = tableBehind(results, '## Then', '**Many**')
  expect(rows.map((row) => [...row.values()])).toEqual([
    ['octoftp', '1.5'],
    ['curl', '2.25'],
  ])
  expect(() => tableBehind(results, '## Now')).toThrow('## Now')
})
