#!/usr/bin/env node
/** The program `octoftp`. */
import { EXIT } from './exit-code.ts'
import { run } from './run.ts'

// A password in a URL is not to be seen in the list of processes for longer than can be helped.
process.title = 'octoftp'

// Whoever reads our output may have had enough, as in `octoftp ls … | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`Cannot write to stdout: ${error.message}\n`)
  process.exit(EXIT.other)
})
// Words for people that nobody reads are no reason to end.
process.stderr.on('error', () => {})

// Whatever ends it before the command has ended is no success.
process.exitCode = EXIT.other

void run(process.argv.slice(2)).then((exitCode) => (process.exitCode = exitCode))
