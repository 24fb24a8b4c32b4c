/**
 * `npm test`: the static checks, all tests, and the matrix of servers and versions of Node. A check that fails does not
 * hide what comes after it; each counts as one test in the last line, `N passed, N failed, N skipped`.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missingServers, readManifest } from './servers/provision.mjs'

/** Scripts of package.json. */
const checks = ['structure', 'typecheck', 'lint', 'lint:workflows', 'format:check', 'knip', 'check:package']

const isWindows = process.platform === 'win32'

/** @returns whether it ended with 0, and what it wrote, unless that went straight to the terminal */
function npmRun(script, { parameters = [], shown = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', script, '--', ...parameters], {
      stdio: ['ignore', shown ? 'inherit' : 'pipe', shown ? 'inherit' : 'pipe'],
      shell: isWindows,
    })
    const output = []
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(chunk))
    child.on('close', (status) => resolve({ passed: status === 0, output: Buffer.concat(output).toString() }))
  })
}

async function runCheck(script) {
  const { passed, output } = await npmRun(script)
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${script}`)
  if (!passed) console.log(output)
  return passed
}

/** Two at a time, for two cores; in the order of the list. */
async function runChecks() {
  const waiting = [...checks]
  const results = []
  const worker = async () => {
    for (let script = waiting.shift(); script !== undefined; script = waiting.shift()) {
      results.push(await runCheck(script))
    }
  }
  await Promise.all([worker(), worker()])
  const passed = results.filter(Boolean).length
  return { passed, failed: results.length - passed, skipped: 0 }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }
  }
}

/** @param script of package.json, which runs vitest */
async function runTests(script) {
  const folder = mkdtempSync(join(tmpdir(), 'octoftp-report-'))
  const report = join(folder, 'report.json')
  const parameters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { passed } = await npmRun(script, { parameters, shown: true })
  const counts = readReport(report)
  rmSync(folder, { recursive: true, force: true })
  // A file that could not be loaded has no tests; an unhandled error belongs to none.
  const brokenFiles = counts.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  const failed = counts.numFailedTests + brokenFiles.length
  return {
    passed: counts.numPassedTests,
    failed: passed ? failed : Math.max(1, failed),
    skipped: counts.numPendingTests + counts.numTodoTests,
  }
}

const results = [await runChecks(), await runTests('test:unit'), await runTests('test:node-matrix')]
const total = (name) => results.reduce((sum, result) => sum + result[name], 0)

for (const line of missingServers(readManifest()))
  console.log(`Tests left out for want of a real server: ${line}`)
console.log(`${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`)
process.exitCode = total('failed') === 0 ? 0 : 1
