#!/usr/bin/env node
/** The program `octoftp`. */
import { run } from './run.ts'

// A password in a URL is not to be seen in the list of processes for longer than can be helped.
process.title = 'octoftp'

// Whoever reads our output may have had enough, as in `octoftp ls … | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

void run(process.argv.slice(2)).then((exitCode) => (process.exitCode = exitCode))
