/**
 * `npm run test:breaks [-- name …]`: breaks `src` by one line at a time, and runs the test that has to turn red by it.
 * Ends with 1 where one stays green.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { allOf } from '../../src/local/all-of.ts'
import { BREAK_VARIABLE, breaksOf, hazards, type Break } from './support/breaks.ts'

/** One for each of two cores. */
const AT_ONCE = 2

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** The name of the first test that failed; `undefined` where none did, or where the file could not even be loaded. */
async function firstFailure(hazard: string, one: Break, folder: string): Promise<string | undefined> {
  const report = join(mkdtempSync(join(folder, 'run-')), 'report.json')
  const parameters = ['--bail=1', '--reporter=json', `--outputFile=${report}`]
  const child = spawn(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', `test/hazards/${hazard}.test.ts`, ...parameters],
    { env: { ...process.env, [BREAK_VARIABLE]: JSON.stringify(one) }, stdio: 'ignore' },
  )
  await once(child, 'exit')
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  return tests.find(({ status }) => status === 'failed')?.fullName
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !hazards().includes(name))
if (unknown.length > 0) throw new Error(`There is no hazard ${unknown.join(', ')}`)
const played = hazards()
  .filter((hazard) => wanted.length === 0 || wanted.includes(hazard))
  .flatMap((hazard) => breaksOf(hazard).map((one) => ({ hazard, one })))
const folder = mkdtempSync(join(tmpdir(), 'octoftp-breaks-'))
const green: string[] = []
try {
  await allOf(played, AT_ONCE, async ({ hazard, one }) => {
    const failure = await firstFailure(hazard, one, folder)
    const what = `${hazard}: ${one.file}: ${one.why}`
    console.log(failure === undefined ? `GREEN  ${what}` : `red    ${what}\n         by "${failure}"`)
    if (failure === undefined) green.push(what)
  })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${played.length - green.length} of ${played.length} breaks turn their test red`)
process.exitCode = green.length === 0 ? 0 : 1
