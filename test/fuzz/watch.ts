/** A thread that looks whether inputs go by: one that never ends cannot be told by the thread that it holds. */
import { Worker } from 'node:worker_threads'

const MOST_BYTES = 65_536
const LONGEST_MS = 10_000

export interface HangWatch {
  /** `input` is being tried now. */
  readonly note: (input: Uint8Array) => void
  readonly end: () => Promise<void>
}

/** Prints the input that takes longer than ten seconds, and ends the process. */
export function watchForHangs(): HangWatch {
  const state = new Int32Array(new SharedArrayBuffer(8))
  const bytes = new Uint8Array(new SharedArrayBuffer(MOST_BYTES))
  const worker = new Worker(WATCHING, { eval: true, workerData: { state, bytes, longestMs: LONGEST_MS } })
  return {
    note: (input) => {
      bytes.set(input.subarray(0, MOST_BYTES))
      state[1] = Math.min(input.length, MOST_BYTES)
      Atomics.add(state, 0, 1)
    },
    end: async () => {
      await worker.terminate()
    },
  }
}

const WATCHING = `
  const { workerData: { state, bytes, longestMs } } = require('node:worker_threads')
  const { writeSync } = require('node:fs')
  let before = -1
  setInterval(() => {
    const now = Atomics.load(state, 0)
    if (now !== before || now === 0) { before = now; return }
    const input = Buffer.from(bytes.slice(0, state[1])).toString('latin1')
    writeSync(2, 'It has not come to an end of ' + JSON.stringify(input) + '\\n')
    process.kill(process.pid, 'SIGKILL')
  }, longestMs)
`
