/**
 * Runs one server process with everything it forks, and ends it. Knows processes and ports, no FTP.
 *
 *   test process ──fd 3 (held open)──> supervise.sh ──> server ──> its sessions
 *                <─fd 4 (pid, status)─
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Duplex, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Launch } from './types.ts'

/** A server process: running from the moment it is made, until `ended` settles. */
export interface ServerProcess {
  readonly pid: number
  /** Settles, with the exit status, when neither it nor a process it forked is left. */
  readonly ended: Promise<string>
  /** Resolves when the port accepts connections. Rejects never; use with `ended`. */
  listening(port: number): Promise<void>
  output(): string
  /** `onEnd` runs when it is gone and its files are still there. */
  stop(onEnd: () => void): Promise<void>
}

const supervisor = fileURLToPath(new URL('./supervise.sh', import.meta.url))
const outputLimit = 256 * 1024
const MOST_DRAINING_MS = 2_000

/** Keeps the last part of what a stream brings. */
function collect(...streams: (Readable | null)[]): () => string {
  let text = ''
  for (const stream of streams) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-outputLimit)
    })
  }
  return () => text
}

/** Resolves true when `port` is bound and listening by the process itself, not by another that was faster. */
function isListening(pid: number, port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const sockets = ['tcp', 'tcp6']
    .flatMap((table) => linesOf(`/proc/${pid}/net/${table}`))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) === true && fields[3] === '0A')
    .map((fields) => `socket:[${fields[9]}]`)
  return sockets.length > 0 && openFiles(pid).some((file) => sockets.includes(file))
}

/** Of a table of the process' own network namespace. */
function linesOf(table: string): string[] {
  try {
    return readFileSync(table, 'latin1').split('\n')
  } catch {
    return [] // there is no such table, or no such process any more
  }
}

function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).map((name) => readlinkSync(`${folder}/${name}`))
  } catch {
    return [] // it has ended, or closed a descriptor while we looked
  }
}

/** The lines of a stream, each handed out once; `''` at its end. */
function lineReader(stream: Readable): () => Promise<string> {
  const lines = createLines(stream)
  return async () => (await lines.next()).value ?? ''
}

async function* createLines(stream: Readable): AsyncGenerator<string, undefined> {
  let rest = ''
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  return undefined
}

async function runSupervised(launch: Launch, scratch: string): Promise<ServerProcess> {
  const child = spawn('sh', [supervisor, scratch, launch.strayFile ?? '', ...launch.command], {
    detached: true, // a Ctrl-C in the terminal is for the test runner, which then closes descriptor 3
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...launch.env },
  })
  const said = [child.stdout, child.stderr] as Readable[]
  const output = collect(...said)
  const gone = once(child, 'exit')
  const nextLine = lineReader(child.stdio[4] as Readable)
  const lifeline = child.stdio[3] as Duplex
  lifeline.on('error', () => undefined) // the supervisor was killed from outside: nobody is left to tell
  const pid = Number(await nextLine())
  const drained = Promise.all(said.map((stream) => once(stream, 'end')))
  // What has left the server's group, and is not its descendant any more, may hold its output open.
  const ended = nextLine().then(async (status) => {
    await Promise.race([drained, sleep(MOST_DRAINING_MS, undefined, { ref: false })])
    return status
  })
  return {
    pid,
    ended,
    listening: (port) => poll(() => isListening(pid, port), ended),
    output,
    stop: async (onEnd) => {
      lifeline.write('stop\n')
      await ended
      onEnd()
      lifeline.destroy()
      await gone
    },
  }
}

/** Polls, for no server tells when it is ready and a trial connection would count against its limits. */
async function poll(isTrue: () => boolean, ended: Promise<unknown>): Promise<void> {
  const state = { over: false }
  void ended.then(() => (state.over = true))
  while (!state.over && !isTrue()) await sleep(3)
}

/** Where there is no /proc: a Node program that says `listening` over IPC, and ends when that channel does. */
async function runUnsupervised(launch: Launch): Promise<ServerProcess> {
  const [command = '', ...parameters] = launch.command
  const child = spawn(command, parameters, {
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  await once(child, 'spawn')
  const output = collect(child.stdout, child.stderr)
  const ended = once(child, 'close').then(() => `${child.exitCode ?? child.signalCode ?? ''}`)
  const ready = new Promise<void>((resolve) => child.once('message', () => resolve()))
  return {
    pid: child.pid ?? 0,
    ended,
    listening: () => ready,
    output,
    stop: (onEnd) => endChild(child, ended, onEnd),
  }
}

async function endChild(child: ChildProcess, ended: Promise<string>, onEnd: () => void): Promise<void> {
  child.kill('SIGKILL')
  await ended
  onEnd()
}

/** Starts `launch`; the scratch folder goes with the process, or with this one. */
export function runServer(launch: Launch, scratch: string): Promise<ServerProcess> {
  return process.platform === 'linux' ? runSupervised(launch, scratch) : runUnsupervised(launch)
}
