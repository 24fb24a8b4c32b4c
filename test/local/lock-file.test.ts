import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LockFile, Observation, type LockTimes } from '../../src/local/lock-file.ts'
import { lockPath } from '../../src/local/names.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const isPosix = process.platform !== 'win32'
const isLinux = process.platform === 'linux'
const isRoot = process.getuid?.() === 0
const HOUR = 3_600_000

/** Beats come soon, and nothing is ever stale by its age. */
const PATIENT: LockTimes = { beatMs: 40, staleAfterMs: HOUR, settleMs: 40 }
/** What does not change is soon stale. */
const HASTY: LockTimes = { beatMs: 40, staleAfterMs: 200, settleMs: 40 }

let directory: TemporaryDirectory
let target: string
let path: string
let children: ChildProcess[]
let locks: LockFile[]

beforeEach(async () => {
  directory = await temporaryDirectory()
  target = directory.at('disk.iso')
  path = lockPath(target)
  children = []
  locks = []
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(locks.map((lock) => lock.release()))
  await directory[Symbol.asyncDispose]()
})

const never = new AbortController().signal

async function take(times: Partial<LockTimes> = PATIENT, signal: AbortSignal = never): Promise<LockFile> {
  const lock = await LockFile.take(target, signal, times)
  locks.push(lock)
  return lock
}

/** The class as another process has it: it knows nothing of the locks that ours holds. */
async function another(): Promise<typeof LockFile> {
  vi.resetModules()
  return (await import('../../src/local/lock-file.ts')).LockFile
}

const localFile = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'ERR_FTP_LOCAL_FILE', message: expect.stringMatching(message) as unknown })
const IN_PROCESS = localFile(/another download in this process is writing it/)
const ELSEWHERE = localFile(/another process is writing it/)

interface LockContent {
  token: string
  count: string
  process: { place: string; pid: number; startedAt: string }
}

const content = async (): Promise<LockContent> => JSON.parse(await readFile(path, 'utf8')) as LockContent

/** A lock as another holder would write it, by changing one of ours. */
async function forge(change: (lock: LockContent) => void): Promise<string> {
  const lock = await LockFile.take(target, never, PATIENT)
  const forged = await content()
  await lock.release()
  forged.token = 'f'.repeat(32)
  change(forged)
  const text = `${JSON.stringify(forged)}\n`
  await writeFile(path, text)
  return text
}

/** No process has this id: above the highest there can be (2^22 on Linux). */
const NO_PROCESS = 2 ** 22 + 1

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5)
}

interface Child {
  readonly process: ChildProcess
  /** Its next line. */
  line(): Promise<string>
  say(word: string): void
}

/** Runs `script`, with `LockFile`, `target` and the lines it is told at hand. */
function start(script: string, command: readonly string[] = []): Child {
  const source = `
    import { createInterface } from 'node:readline'
    import { LockFile } from ${JSON.stringify(new URL('../../src/local/lock-file.ts', import.meta.url).href)}
    const target = ${JSON.stringify(target)}
    const signal = new AbortController().signal
    const say = (text) => process.stdout.write(text + '\\n')
    ${script}
  `
  const node = [process.execPath, '--import', import.meta.resolve('tsx'), '--input-type=module', '-e', source]
  const [program = '', ...args] = [...command, ...node]
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TSX_DISABLE_CACHE: '1' },
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    process: child,
    line: async () => String((await lines.next()).value),
    say: (word) => void child.stdin.write(`${word}\n`),
  }
}

/** A process that holds the lock, and tells its process id. */
async function startHolder(command?: readonly string[]): Promise<Child & { readonly pid: number }> {
  const script = `
    const lock = await LockFile.take(target, signal, ${JSON.stringify(PATIENT)})
    lock.onLost((error) => say('lost ' + error.code))
    say(String(process.pid))
    setInterval(() => {}, 1000)
  `
  const child = start(script, command)
  return { ...child, pid: Number(await child.line()) }
}

describe('a lock', () => {
  test('stands beside its target while it is held, and is gone afterwards', async () => {
    const lock = await take()
    expect(lock.path).toBe(`${target}.octoftp-lock`)
    expect(await readdir(directory.path)).toEqual(['disk.iso.octoftp-lock'])
    expect(lock.isHeld).toBe(true)
    expect(await lock.check()).toBe(true)
    await lock.release()
    expect(await readdir(directory.path)).toEqual([])
    expect(lock.isHeld).toBe(false)
    expect(await lock.check()).toBe(false)
    await lock.release()
  })

  test.runIf(isPosix)('is for its owner only, whatever the umask allows', async () => {
    const umask = process.umask(0)
    try {
      await take()
      expect((await stat(path)).mode & 0o7777).toBe(0o600)
    } finally {
      process.umask(umask)
    }
  })

  test('has another content with every beat, of the same length, and one token', async () => {
    await take()
    const first = await readFile(path, 'utf8')
    const { token } = await content()
    const seen = new Set([first])
    await until(async () => {
      const now = await readFile(path, 'utf8')
      expect(now).toHaveLength(first.length)
      expect((await content()).token).toBe(token)
      return seen.add(now).size === 4
    })
  })

  test('leaves nothing behind: no timer, no descriptor, no listener', async () => {
    const { signal } = new AbortController()
    await expectNoLeaks(
      async () => {
        const lock = await take(PATIENT, signal)
        await expect(LockFile.take(target, signal, PATIENT)).rejects.toEqual(IN_PROCESS)
        await (await another()).take(target, signal, PATIENT).catch(() => {})
        await lock.release()
        await (await take({ beatMs: HOUR }, signal)).release()
        await forge((forged) => (forged.process.pid = NO_PROCESS))
        await (await take(isLinux ? PATIENT : HASTY, signal)).release()
      },
      { watch: [signal] },
    )
    expect(await readdir(directory.path)).toEqual([])
  })

  test('does not hold a process that is done', async () => {
    const child = start(`
      const lock = await LockFile.take(target, signal)
      lock.onLost(() => say('lost'))
      say('held')
    `)
    const exit = once(child.process, 'exit')
    expect(await child.line()).toBe('held')
    child.process.stdin?.end()
    expect(await exit).toEqual([0, null])
  })

  test('in a folder that is missing: an error', async () => {
    target = directory.at('none', 'disk.iso')
    await expect(take()).rejects.toEqual(localFile(/its folder does not exist/))
    await mkdir(directory.at('none'))
    await take()
  })
})

describe('in one process', () => {
  test('the second is refused at once, until the first is released', async () => {
    const first = await take()
    await expect(take()).rejects.toEqual(IN_PROCESS)
    expect(first.isHeld).toBe(true)
    await first.release()
    await take()
  })

  test('also while the first still waits', async () => {
    await writeFile(path, 'nothing known')
    const controller = new AbortController()
    const first = take(PATIENT, controller.signal)
    await expect(take()).rejects.toEqual(IN_PROCESS)
    controller.abort()
    await expect(first).rejects.toBe(controller.signal.reason)
    await unlink(path)
    await take()
  })

  test('two targets have two locks', async () => {
    await take()
    target = directory.at('other.iso')
    await take()
    expect(await readdir(directory.path)).toEqual(['disk.iso.octoftp-lock', 'other.iso.octoftp-lock'])
  })
})

describe('a holder that lives', () => {
  test('keeps another process out, and does not notice', async () => {
    const holder = await startHolder()
    await expect(take()).rejects.toEqual(ELSEWHERE)
    expect(await readdir(directory.path)).toEqual(['disk.iso.octoftp-lock'])
    expect((await content()).process.pid).toBe(holder.pid)
    await expect(take()).rejects.toEqual(ELSEWHERE)
  })

  test('is not asked for its process id: the change of the content is enough', async () => {
    const text = await forge((forged) => (forged.process.place = 'another machine'))
    const taking = take()
    let beats = 0
    const beat = setInterval(() => {
      beats += 1
      void writeFile(path, text.replace(/"count":"\d+"/, `"count":"${String(beats).padStart(12, '0')}"`))
    }, 40)
    try {
      await expect(taking).rejects.toEqual(ELSEWHERE)
    } finally {
      clearInterval(beat)
    }
    expect((await content()).token).toBe('f'.repeat(32))
  })

  test('that releases it while another waits: the other has it', async () => {
    const text = await forge((forged) => (forged.process.place = 'another machine'))
    const taking = take()
    await sleep(50)
    expect(await readFile(path, 'utf8')).toBe(text)
    await unlink(path)
    expect(await (await taking).check()).toBe(true)
  })
})

describe.runIf(isLinux)('a holder that was killed', () => {
  test('here, is replaced at once', async () => {
    const holder = await startHolder()
    const exit = once(holder.process, 'exit')
    holder.process.kill('SIGKILL')
    await exit
    expect((await content()).process.pid).toBe(holder.pid)
    const lock = await take()
    expect(await lock.check()).toBe(true)
    expect((await content()).process.pid).toBe(process.pid)
    expect(await readdir(directory.path)).toEqual(['disk.iso.octoftp-lock'])
  })

  test('here, and for whose end nobody has waited yet, too', async () => {
    // The shell becomes a program that waits for no child.
    const holder = await startHolder(['sh', '-c', '"$@" & exec sleep 60', 'sh'])
    expect(holder.pid).not.toBe(holder.process.pid)
    process.kill(holder.pid, 'SIGKILL')
    await until(async () => (await readFile(`/proc/${holder.pid}/stat`, 'utf8')).includes(') Z '))
    expect(await (await take()).check()).toBe(true)
  })

  test('and whose process id another process has now, too', async () => {
    await forge((forged) => (forged.process.startedAt = '1'))
    expect((await content()).process.pid).toBe(process.pid)
    expect(await (await take()).check()).toBe(true)
  })

  test('while it was watched, is replaced', async () => {
    const holder = await startHolder()
    holder.process.kill('SIGSTOP')
    const taking = take()
    await sleep(50)
    expect((await content()).process.pid).toBe(holder.pid)
    holder.process.kill('SIGKILL')
    expect(await (await taking).check()).toBe(true)
  })
})

describe('a lock that does not change', () => {
  const stale: [string, (forged: LockContent) => void][] = [
    ['of another machine', (forged) => (forged.process.place = forged.process.place.replace(/^./, '!'))],
    [
      'of a container with no such process here',
      (forged) => {
        forged.process.place = forged.process.place.replace(/pid:\[\d+\]/, 'pid:[1]')
        forged.process.pid = NO_PROCESS
      },
    ],
    ['of a process that lives', () => {}],
    ['of no process', (forged) => Reflect.deleteProperty(forged, 'process')],
    ['of a process id that means many', (forged) => (forged.process.pid = -NO_PROCESS)],
  ]

  test.each(stale)('%s: is not stale at once', async (_what, change) => {
    const text = await forge(change)
    const controller = new AbortController()
    const taking = take(PATIENT, controller.signal)
    const outcome = taking.catch((error: unknown) => error)
    await sleep(200)
    expect(await readFile(path, 'utf8')).toBe(text)
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await outcome).toBe(reason)
    expect(await readFile(path, 'utf8')).toBe(text)
  })

  test.each(stale)('%s: is replaced when it is stale', async (_what, change) => {
    await forge(change)
    expect(await (await take(HASTY)).check()).toBe(true)
  })

  test.each([
    ['empty', ''],
    ['garbage', '\0\xff{"octoftpLock":1,'],
    ['JSON, and nothing of ours', 'null'],
    ['much too long', 'x'.repeat(100_000)],
  ])('%s: is replaced too', async (_what, text) => {
    await writeFile(path, text)
    expect(await (await take(HASTY)).check()).toBe(true)
    expect(await readdir(directory.path)).toEqual(['disk.iso.octoftp-lock'])
  })

  test.runIf(isPosix)('of a process that was stopped, which then finds itself replaced', async () => {
    const holder = await startHolder()
    holder.process.kill('SIGSTOP')
    const lock = await take(HASTY)
    const before = (await content()).token
    holder.process.kill('SIGCONT')
    expect(await holder.line()).toBe('lost ERR_FTP_LOCAL_FILE')
    expect(await lock.check()).toBe(true)
    expect((await content()).token).toBe(before)
  })
})

describe('what an observer sees', () => {
  const times: LockTimes = { beatMs: 2_000, staleAfterMs: 10_000, settleMs: 200 }
  const same = Buffer.from('same')

  test('unchanged for ten seconds of its own clock: stale, and not before', () => {
    const observation = new Observation(times)
    for (let now = 5_000; now < 15_000; now += 250) expect(observation.look(same, now)).toBe('unknown')
    expect(observation.look(same, 15_000)).toBe('stale')
  })

  test('changed: alive', () => {
    const observation = new Observation(times)
    expect(observation.look(same, 0)).toBe('unknown')
    expect(observation.look(Buffer.from('Same'), 2_000)).toBe('alive')
  })

  test('time that it slept through, perhaps with the holder, it has not observed', () => {
    const observation = new Observation(times)
    observation.look(same, 0)
    expect(observation.look(same, 8 * HOUR)).toBe('unknown')
    expect(observation.look(same, 8 * HOUR + 250)).toBe('unknown')
    expect(observation.look(Buffer.from('beat'), 8 * HOUR + 500)).toBe('alive')
  })
})

describe('what is planted in its place is refused at once, and untouched', () => {
  const PLANTED = { code: 'ERR_FTP_LOCAL_FILE', path: expect.stringMatching(/octoftp-lock$/) as unknown }

  test('a link', async () => {
    await writeFile(directory.at('victim'), 'precious')
    await symlink('victim', path)
    await expect(take()).rejects.toMatchObject(PLANTED)
    expect(await readlink(path)).toBe('victim')
    expect(await readFile(directory.at('victim'), 'utf8')).toBe('precious')
  })

  test('a link that leads nowhere', async () => {
    await symlink('nowhere', path)
    await expect(take()).rejects.toMatchObject(PLANTED)
    expect(await readdir(directory.path)).toEqual(['disk.iso.octoftp-lock'])
  })

  test('another name of a file', async () => {
    await writeFile(directory.at('victim'), 'precious')
    await link(directory.at('victim'), path)
    await expect(take()).rejects.toMatchObject(PLANTED)
    expect((await stat(path)).nlink).toBe(2)
  })

  test('a folder', async () => {
    await mkdir(path)
    await expect(take()).rejects.toMatchObject(PLANTED)
    expect((await lstat(path)).isDirectory()).toBe(true)
  })

  test.runIf(isPosix)('a pipe', async () => {
    expect(spawnSync('mkfifo', [path]).status).toBe(0)
    await expect(take()).rejects.toMatchObject(PLANTED)
    expect((await lstat(path)).isFIFO()).toBe(true)
  })

  test.runIf(isRoot)("another user's file", async () => {
    const text = await forge((forged) => (forged.process.pid = NO_PROCESS))
    await chown(path, 12_345, 12_345)
    await expect(take()).rejects.toMatchObject(PLANTED)
    expect(await readFile(path, 'utf8')).toBe(text)
  })
})

describe('several who find a stale lock', () => {
  /** Takes the lock when told, and says what came of it. */
  const OBSERVER = `
    let lock
    say('ready')
    for await (const line of createInterface({ input: process.stdin })) {
      if (line === 'release') {
        const held = await lock?.check()
        await lock?.release()
        say(String(held === true))
        lock = undefined
      } else {
        const { at, times } = JSON.parse(line)
        while (Date.now() < at) {}
        const outcome = LockFile.take(target, signal, times)
        say(await outcome.then((taken) => ((lock = taken), 'taken'), (error) => error.code))
      }
    }
  `

  test.runIf(isLinux)('at the same moment: one has it, the others are refused', async () => {
    const text = await forge((forged) => (forged.process.pid = NO_PROCESS))
    const observers = [start(OBSERVER), start(OBSERVER), start(OBSERVER)]
    for (const observer of observers) expect(await observer.line()).toBe('ready')
    for (let round = 0; round < 30; round += 1) {
      await writeFile(path, text)
      const order = JSON.stringify({ at: Date.now() + 15, times: { ...PATIENT, settleMs: 120 } })
      for (const observer of observers) observer.say(order)
      const outcomes = await Promise.all(observers.map((observer) => observer.line()))
      expect(outcomes.sort()).toEqual(['ERR_FTP_LOCAL_FILE', 'ERR_FTP_LOCAL_FILE', 'taken'])
      for (const observer of observers) observer.say('release')
      const held = await Promise.all(observers.map((observer) => observer.line()))
      expect(held.sort()).toEqual(['false', 'false', 'true'])
      expect(await readdir(directory.path)).toEqual([])
    }
  })

  test('after it has not changed for long enough: likewise', async () => {
    const classes = [LockFile, await another(), await another(), await another()]
    const text = await forge((forged) => (forged.process.place = 'another machine'))
    for (let round = 0; round < 10; round += 1) {
      await writeFile(path, text)
      const takings = classes.map((each) => each.take(target, never, HASTY))
      const outcomes = await Promise.allSettled(takings)
      const taken = outcomes.filter((outcome) => outcome.status === 'fulfilled')
      expect(taken).toHaveLength(1)
      expect(await taken[0]?.value.check()).toBe(true)
      await taken[0]?.value.release()
      expect(await readdir(directory.path)).toEqual([])
    }
  })

  test('and one that another replaces before it has settled is refused', async () => {
    const text = await forge((forged) => (forged.process.place = 'another machine'))
    const taking = take({ ...HASTY, settleMs: 300 })
    const outcome = taking.catch((error: unknown) => error)
    await until(async () => (await content()).token !== 'f'.repeat(32))
    await writeFile(directory.at('other'), text)
    await rename(directory.at('other'), path)
    expect(await outcome).toEqual(ELSEWHERE)
    expect(await readFile(path, 'utf8')).toBe(text)
    expect(await readdir(directory.path)).toEqual(['disk.iso.octoftp-lock'])
  })
})

describe('a lock that is lost', () => {
  async function replaceByAnother(): Promise<void> {
    await writeFile(directory.at('other'), `${JSON.stringify({ octoftpLock: 1, token: 'theirs' })}\n`)
    await rename(directory.at('other'), path)
  }

  const ways: [string, () => Promise<void>][] = [
    ['replaced', replaceByAnother],
    ['removed', () => unlink(path)],
    [
      'replaced by a link to one that is like ours',
      async () => {
        await rename(path, directory.at('moved'))
        await symlink('moved', path)
      },
    ],
  ]

  test.each(ways)('%s: its holder is told with its next beat, once', async (_what, lose) => {
    const lock = await take()
    const told: Error[] = []
    lock.onLost((error) => void told.push(error))
    await lose()
    await until(() => told.length > 0)
    expect(lock.isHeld).toBe(false)
    expect(await lock.check()).toBe(false)
    await sleep(3 * PATIENT.beatMs)
    expect(told).toEqual([localFile(/disk\.iso: its lock was lost/)])
  })

  test.each(ways)('%s: check() sees it at once', async (_what, lose) => {
    const lock = await take({ beatMs: HOUR })
    const told: Error[] = []
    lock.onLost((error) => void told.push(error))
    await lose()
    expect(lock.isHeld).toBe(true)
    expect(await lock.check()).toBe(false)
    expect(lock.isHeld).toBe(false)
    expect(told).toHaveLength(1)
  })

  test('who asks later is told at once; who no longer listens is not', async () => {
    const lock = await take({ beatMs: HOUR })
    const told: string[] = []
    lock.onLost(() => void told.push('never'))()
    const listener = (): void => void told.push('twice')
    const stop = lock.onLost(listener)
    lock.onLost(listener)
    stop()
    await unlink(path)
    await lock.check()
    lock.onLost(() => void told.push('later'))
    expect(told).toEqual(['twice', 'later'])
  })

  test('is not beaten into that of the other, nor removed at the end', async () => {
    const lock = await take()
    await replaceByAnother()
    const theirs = await readFile(path, 'utf8')
    await until(() => !lock.isHeld)
    await lock.release()
    expect(await readFile(path, 'utf8')).toBe(theirs)
  })

  test('is not removed at the end by who has not seen it yet', async () => {
    const lock = await take({ beatMs: HOUR })
    await replaceByAnother()
    await lock.release()
    expect((await content()).token).toBe('theirs')
  })

  test('is free for another download in this process only when its holder has let go', async () => {
    const lock = await take({ beatMs: HOUR })
    await unlink(path)
    expect(await lock.check()).toBe(false)
    await expect(take()).rejects.toEqual(IN_PROCESS)
    await lock.release()
    await take()
  })

  test('a lock that was released is not lost', async () => {
    const lock = await take()
    const told: Error[] = []
    lock.onLost((error) => void told.push(error))
    await lock.release()
    await lock.check()
    lock.onLost((error) => void told.push(error))
    expect(told).toEqual([])
  })
})

describe('an abort', () => {
  test('before: nothing is made', async () => {
    const reason = new Error('no')
    await expect(take(PATIENT, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(await readdir(directory.path)).toEqual([])
    await take()
  })

  test('between taking over and settling: nothing of ours stays', async () => {
    await forge((forged) => (forged.process.place = 'another machine'))
    const controller = new AbortController()
    const taking = take({ ...HASTY, settleMs: HOUR }, controller.signal)
    const outcome = taking.catch((error: unknown) => error)
    await until(async () => (await content()).token !== 'f'.repeat(32))
    controller.abort('enough')
    expect(await outcome).toBe('enough')
    expect(await readdir(directory.path)).toEqual([])
    await take()
  })
})
