/**
 * The file that keeps a second process, here or on another machine, from writing the same part file.
 *
 * Its holder rewrites it every two seconds with another count. For an observer two things prove something: a content
 * that changes (its holder lives), and one that has not changed for ten seconds of the observer's own clock (its
 * holder is dead, or stands still). A process id proves nothing between containers and machines; only where the
 * holder ran on this boot and in this process namespace can it be seen at once that its process is gone.
 *
 * A stale lock is replaced by a rename over it. Of several who do so the last one stands, and each looks again after
 * a moment. The replaced holder, should it wake, beats into a file that has no name any more, finds another's token
 * at the path, and stops.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, constants, openSync, readFileSync, renameSync } from 'node:fs'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FtpTransferError } from '../errors.ts'
import type { Disposer } from '../util/abort.ts'
import { delay, startIdleTimer } from '../util/timer.ts'
import { asLocalError, isMissing, refused } from './local-error.ts'
import { lockPath } from './names.ts'
import { openPlainlyOwn, orClosed, readStart, writeAll } from './own-file.ts'
import { hasEnded, isIdentity, ownIdentity, type ProcessIdentity } from './process-identity.ts'

/** All in milliseconds. */
export interface LockTimes {
  /** Between two beats of a holder. */
  readonly beatMs: number
  /** Unchanged for so long, a lock is stale. */
  readonly staleAfterMs: number
  /** From taking over to looking who stands: longer than another needs from its last look to its rename. */
  readonly settleMs: number
}

const TIMES: LockTimes = { beatMs: 2_000, staleAfterMs: 9_500, settleMs: 200 }

/** An observer looks so often per beat. */
const LOOKS_PER_BEAT = 8

/** Exclusively: a file or a link that stands there is an error. */
const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const PRIVATE_MODE = 0o600

/** A lock of ours has about 300 bytes; more than this is not looked at. */
const LONGEST_LOCK_BYTES = 4096
/** Of a fixed width, so that each beat overwrites the one before without cutting the file. */
const COUNT_DIGITS = 12

/** Locks that this process holds or waits for. Also a lock that was lost, until it is released. */
const underWay = new Set<string>()

/** What a lock says. */
interface Claim {
  readonly token: string
  readonly process: ProcessIdentity | undefined
}

/** What one needs to know for taking a lock. */
interface Attempt extends LockTimes {
  readonly target: string
  readonly path: string
  readonly claim: Claim
  readonly signal: AbortSignal
}

export class LockFile {
  readonly path: string
  readonly #attempt: Attempt
  readonly #handle: FileHandle
  readonly #listeners = new Set<(error: Error) => void>()
  #state: 'held' | 'lost' | 'released' = 'held'
  #count = 0
  #stopTimer: () => void = () => {}
  #beat: Promise<void> = Promise.resolve()
  /** The beat on its way to where other machines look. */
  #flushing: Promise<void> | undefined
  #release: Promise<void> | undefined

  private constructor(attempt: Attempt, handle: FileHandle) {
    this.path = attempt.path
    this.#attempt = attempt
    this.#handle = handle
    this.#flush()
    this.#scheduleBeat()
  }

  /**
   * Takes the lock of `target`, which is a resolved path. Rejects with `ERR_FTP_LOCAL_FILE` at once where a download
   * in this process has it or where something stands that is no lock of this user, and after a beat (2 s) where
   * another holder lives. Waits up to 10 s for the proof that one does not; the abort of `signal` ends that.
   */
  static async take(target: string, signal: AbortSignal, times: Partial<LockTimes> = {}): Promise<LockFile> {
    signal.throwIfAborted()
    const path = lockPath(target)
    if (underWay.has(path)) throw refused(target, 'another download in this process is writing it')
    underWay.add(path)
    try {
      const claim = { token: randomBytes(16).toString('hex'), process: ownIdentity() }
      const attempt = { ...TIMES, ...times, target, path, claim, signal }
      return new LockFile(attempt, await obtain(attempt))
    } catch (error) {
      underWay.delete(path)
      if (signal.aborted) throw signal.reason
      throw asLocalError(error, path)
    }
  }

  /** Whether it was ours when it was last looked at, at most a beat ago as long as the process runs. */
  get isHeld(): boolean {
    return this.#state === 'held'
  }

  /**
   * Calls `listener` once when another's lock, or none, is found in the place of ours: stop writing. At once,
   * before returning, if that has been found already.
   *
   * @returns a function that removes the listener
   */
  onLost(listener: (error: Error) => void): Disposer {
    if (this.#state === 'lost') listener(this.#lostError())
    if (this.#state !== 'held') return () => {}
    const heard = (error: Error): void => listener(error)
    this.#listeners.add(heard)
    return () => void this.#listeners.delete(heard)
  }

  /** Looks whether it is still ours. Once it was not, it never is again. */
  async check(): Promise<boolean> {
    if (this.#state === 'held' && !(await this.#stands())) this.#lose()
    return this.isHeld
  }

  /** Removes it if it is still ours. Never rejects: what is left behind is stale after ten seconds. */
  release(): Promise<void> {
    this.#release ??= this.#end()
    return this.#release
  }

  async #end(): Promise<void> {
    const wasHeld = this.isHeld
    this.#state = 'released'
    this.#stopTimer()
    this.#listeners.clear()
    await this.#beat
    await this.#flushing
    if (wasHeld) await removeIfOurs(this.#attempt)
    await this.#handle.close().catch(() => {}) // Nothing in it is needed.
    underWay.delete(this.path)
  }

  /** It does not hold the process: the writing that the lock is for does. */
  #scheduleBeat(): void {
    this.#stopTimer = startIdleTimer(this.#attempt.beatMs, () => {
      this.#beat = this.#beatOnce()
    })
  }

  async #beatOnce(): Promise<void> {
    this.#count += 1
    // By the descriptor: the lock of one who took over is never written. On a full disk a beat may fail; if that
    // lasts, another takes the lock over, and that is seen here.
    await writeAll(this.#handle, encode(this.#attempt.claim, this.#count), 0).catch(() => {})
    this.#flush()
    await this.check()
    if (this.#state === 'held') this.#scheduleBeat()
  }

  /**
   * Over NFS nobody sees what is not flushed. Not awaited: on a busy disk it may take longer than a beat may, and on
   * this machine the beat is seen without it.
   */
  #flush(): void {
    this.#flushing ??= this.#handle
      .datasync()
      .catch(() => {})
      .finally(() => {
        this.#flushing = undefined
      })
  }

  async #stands(): Promise<boolean> {
    try {
      return await isOurs(this.#attempt)
    } catch {
      return true // Not known now (out of descriptors): the next beat looks again.
    }
  }

  #lose(): void {
    // It may have been released while the look was under way.
    if (this.#state !== 'held') return
    this.#state = 'lost'
    this.#stopTimer()
    for (const listener of this.#listeners) listener(this.#lostError())
  }

  #lostError(): FtpTransferError {
    return refused(this.#attempt.target, 'its lock was lost to another process, or removed')
  }
}

/** The open lock with our claim in it, standing at the path. */
async function obtain(attempt: Attempt): Promise<FileHandle> {
  const observation = new Observation(attempt)
  while (true) {
    const created = await create(attempt.path, attempt.claim)
    if (created !== undefined) return created
    const content = await readLock(attempt.path)
    if (content !== undefined && (await mayReplace(content, observation, attempt))) {
      const taken = await replace(content, attempt)
      if (taken !== undefined) return taken
    }
    await delay(attempt.beatMs / LOOKS_PER_BEAT, attempt.signal)
  }
}

async function mayReplace(content: Buffer, observation: Observation, attempt: Attempt): Promise<boolean> {
  if (await hasEnded(decode(content)?.process, attempt.claim.process)) return true
  const verdict = observation.look(content, performance.now())
  if (verdict === 'alive') throw writtenByAnother(attempt)
  return verdict === 'stale'
}

/** What repeated looks at a lock tell of its holder. Pure. */
export class Observation {
  readonly #times: LockTimes
  #content: Buffer | undefined
  #lookedAt = 0
  #unchangedMs = 0

  constructor(times: LockTimes) {
    this.#times = times
  }

  /** `now` is of a monotonic clock, in milliseconds. */
  look(content: Buffer, now: number): 'unknown' | 'alive' | 'stale' {
    if (this.#content === undefined) this.#lookedAt = now
    this.#content ??= content
    if (!content.equals(this.#content)) return 'alive'
    // Who slept has not observed, and after a sleep of the whole machine the holder needs time for a beat.
    this.#unchangedMs += Math.min(now - this.#lookedAt, this.#times.beatMs)
    this.#lookedAt = now
    return this.#unchangedMs >= this.#times.staleAfterMs ? 'stale' : 'unknown'
  }
}

/** `undefined` where something stands at `path` already. */
async function create(path: string, claim: Claim): Promise<FileHandle | undefined> {
  const handle = await open(path, CREATE, PRIVATE_MODE).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  })
  if (handle === undefined) return undefined
  return orClosed(handle, async () => {
    try {
      await writeAll(handle, encode(claim, 0), 0)
    } catch (error) {
      await unlink(path).catch(() => {}) // The error says what is wrong.
      throw error
    }
    return handle
  })
}

/** Our lock in the place of the one with `stale` in it; `undefined` if that has changed meanwhile. */
async function replace(stale: Buffer, attempt: Attempt): Promise<FileHandle | undefined> {
  const own = lockPath(join(dirname(attempt.path), attempt.claim.token))
  const handle = await create(own, attempt.claim)
  if (handle === undefined) throw refused(own, 'it is there already')
  return orClosed(handle, async () => {
    if (!(await renameOver(own, attempt.path, stale))) {
      await handle.close()
      return undefined
    }
    try {
      await delay(attempt.settleMs, attempt.signal)
      if (await isOurs(attempt)) return handle
    } catch (error) {
      await removeIfOurs(attempt)
      throw error
    }
    throw writtenByAnother(attempt)
  })
}

async function renameOver(own: string, path: string, stale: Buffer): Promise<boolean> {
  try {
    // In one turn, with no other work and no queue for a thread between the look and the rename.
    const isUnchanged = readNow(path).equals(stale)
    if (isUnchanged) renameSync(own, path)
    else await unlink(own)
    return isUnchanged
  } catch (error) {
    await unlink(own).catch(() => {}) // The error says what is wrong.
    if (isMissing(error)) return false
    throw error
  }
}

function readNow(path: string): Buffer {
  const descriptor = openSync(path, READ)
  try {
    return readFileSync(descriptor).subarray(0, LONGEST_LOCK_BYTES)
  } finally {
    closeSync(descriptor)
  }
}

/** The content of the lock at `path`, `undefined` where there is none. */
async function readLock(path: string): Promise<Buffer | undefined> {
  try {
    const handle = await openPlainlyOwn(path, constants.O_RDONLY)
    return await readStart(handle, LONGEST_LOCK_BYTES).finally(() => handle.close())
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function isOurs({ path, claim }: Attempt): Promise<boolean> {
  try {
    const content = await readLock(path)
    return content !== undefined && decode(content)?.token === claim.token
  } catch (error) {
    // A link or another user's file: in any case not ours.
    if (error instanceof FtpTransferError) return false
    throw error
  }
}

async function removeIfOurs(attempt: Attempt): Promise<void> {
  try {
    if (await isOurs(attempt)) await unlink(attempt.path)
  } catch {
    // Left behind, and stale as soon as this process ends or ten seconds have gone.
  }
}

function encode(claim: Claim, count: number): Buffer {
  const content = { octoftpLock: 1, count: String(count).padStart(COUNT_DIGITS, '0'), ...claim }
  return Buffer.from(`${JSON.stringify(content)}\n`)
}

/** `undefined` for what is no lock of ours, or one that is just being made. */
function decode(content: Buffer): Claim | undefined {
  try {
    const { octoftpLock, token, process: holder } = JSON.parse(content.toString()) as Record<string, unknown>
    if (octoftpLock !== 1 || typeof token !== 'string') return undefined
    return { token, process: isIdentity(holder) ? holder : undefined }
  } catch {
    return undefined
  }
}

function writtenByAnother({ target }: Attempt): FtpTransferError {
  return refused(target, 'another process is writing it')
}
