#!/usr/bin/env node
/** The program `octoftp`. */
import { EXIT } from './exit.ts'
import { run } from './run.ts'

// A password in a URL is not to be seen in the list of processes for longer than can be helped.
process.title = 'octoftp'

// A command ends by it in order (interruption.ts); this is for what is told, and for the last words.
let stdoutExitCode: number = EXIT.fine
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever reads our output may have had enough, as in `octoftp ls … | head`.
  if (error.code === 'EPIPE' || stdoutExitCode !== EXIT.fine) return
  process.stderr.write(`Cannot write to stdout: ${error.message}\n`)
  stdoutExitCode = EXIT.other
  if (process.exitCode === EXIT.fine) process.exitCode = stdoutExitCode
})
// Words for people that nobody reads are no reason to end.
process.stderr.on('error', () => {})

// Whatever ends it before the command has ended is no success.
process.exitCode = EXIT.other

void run(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode === EXIT.fine ? stdoutExitCode : exitCode
})
