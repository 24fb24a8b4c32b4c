/** Draws the plots of docs/performance.md anew, from bench/RESULTS.md: `npx tsx bench/draw-plots.ts`. */
import { readFile, writeFile } from 'node:fs/promises'
import { plots } from './plots/plots.ts'

const results = await readFile(new URL('RESULTS.md', import.meta.url), 'utf8')
for (const [name, svg] of Object.entries(plots(results)))
  await writeFile(new URL(`../docs/images/${name}`, import.meta.url), svg)
