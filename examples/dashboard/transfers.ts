/**
 * The transfers of the dashboard: those that wait and run, in the library's queue, and those that are over.
 *
 * Owns the records, and which of them is in the queue by which item. What an item that has been replaced tells is not
 * listened to: whether it is still that of its job is asked in one place, `#settle`.
 *
 *   locked (its password is not known) ─► in the queue ─► complete, failed, stopped ─► again, or cleared
 */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { TransferQueue, type DownloadResult, type QueuedTransfer, type Transfer } from 'octoftp'
import { checksumOf, expectation } from './checksums.ts'
import { failureOf, Refusal } from './failures.ts'
import { isMoving, viewOf, type Job } from './job.ts'
import type { LocalFolder } from './local-folder.ts'
import { sameLogin, type Logins } from './logins.ts'
import type { Login, Settings, TransferView } from './model.ts'
import type { Outcome, TransferRecord } from './transfer-record.ts'

export type Action = 'pause' | 'resume' | 'stop' | 'again' | 'clear'

/** What may be changed of one. */
export type TransferChange = Partial<
  Pick<TransferRecord, 'priority' | 'startAt' | 'bytesPerSecond' | 'expected'>
>

export interface TransfersParts {
  readonly folder: LocalFolder
  readonly logins: Logins
  readonly settings: Settings
  /** Something is to be written down. */
  readonly onChange: () => void
}

/** Each is told to the page and written down with every other. A tree of more files is better mirrored. */
const MOST = 10_000

export class Transfers {
  readonly #folder: LocalFolder
  readonly #logins: Logins
  readonly #onChange: () => void
  readonly #queue: TransferQueue
  readonly #jobs = new Map<string, Job>()
  readonly #ofItem = new WeakMap<QueuedTransfer<unknown>, Job>()
  /** Those of all that are not complete: what is complete is a file. */
  readonly #targets = new Set<string>()
  readonly #removed: { readonly id: string; readonly version: number }[] = []
  readonly #closing = new AbortController()
  #connections: number
  #version = 1

  constructor({ folder, logins, settings, onChange }: TransfersParts) {
    this.#folder = folder
    this.#logins = logins
    this.#onChange = onChange
    this.#connections = settings.connections
    this.#queue = new TransferQueue({ concurrency: settings.concurrency })
    this.#queue.on('state', ({ item }) => {
      const job = this.#ofItem.get(item)
      if (job?.item === item) this.#changed(job)
    })
  }

  get version(): number {
    return this.#version
  }

  get isPaused(): boolean {
    return this.#queue.isPaused
  }

  get records(): readonly TransferRecord[] {
    return [...this.#jobs.values()].map(({ record, progress }) =>
      progress === undefined ? record : { ...record, bytes: progress.bytes, total: progress.total },
    )
  }

  /** What the page has to hear that has heard of `version`. */
  since(version: number): {
    readonly transfers: readonly TransferView[]
    readonly removed: readonly string[]
  } {
    const changed = [...this.#jobs.values()].filter((job) => job.version > version || isMoving(job))
    for (const job of changed) job.progress = job.item?.progress ?? job.progress
    return {
      transfers: changed.map(viewOf),
      removed: this.#removed.filter((one) => one.version > version).map(({ id }) => id),
    }
  }

  uses(login: Login): boolean {
    return [...this.#jobs.values()].some(
      ({ item, record }) => item !== undefined && sameLogin(record.login, login),
    )
  }

  /** Those of an earlier run; the ones that are not over go on. */
  restore(records: readonly TransferRecord[]): void {
    for (const record of records) {
      const job = this.#keep(record)
      if (record.outcome === undefined) this.#enqueue(job)
      else if (record.outcome.state === 'complete' && record.outcome.checksum === undefined)
        void this.#hash(job)
    }
  }

  /** @returns its id */
  add(
    login: Login,
    remote: string,
    wantedTarget: string,
    { priority = 0, startAt, expected, bytesPerSecond = 0 }: TransferChange,
  ): string {
    if (this.#jobs.size >= MOST)
      throw new Refusal(409, `There are ${MOST} transfers: clear some of them first`)
    const target = this.#freeTarget(wantedTarget)
    this.#folder.place(target)
    const job = this.#keep({
      ...{ id: randomUUID(), login, remote, target, priority, startAt, bytesPerSecond, expected },
      ...{ isPaused: false, bytes: 0, total: undefined, elapsedSeconds: 0, outcome: undefined },
    })
    this.#enqueue(job)
    this.#onChange()
    return job.record.id
  }

  act(ids: readonly string[], action: Action): void {
    for (const id of ids) {
      const job = this.#jobs.get(id)
      if (job !== undefined) this.#actOn(job, action)
    }
    this.#onChange()
  }

  change(id: string, change: TransferChange): void {
    const job = this.#jobs.get(id)
    if (job === undefined) throw new Refusal(404, 'There is no such transfer any more')
    const before = job.record
    job.record = { ...before, ...change }
    this.#changed(job)
    this.#onChange()
    const { priority, startAt, bytesPerSecond, expected, outcome } = job.record
    if (priority !== before.priority) job.item?.setPriority(priority)
    if (bytesPerSecond !== before.bytesPerSecond)
      job.item?.transfer?.setLimit(bytesPerSecond === 0 ? Infinity : bytesPerSecond)
    if (startAt !== before.startAt) job.item?.setStartAt(timeOf(startAt))
    if (expected !== before.expected && outcome?.state === 'complete') void this.#hash(job)
  }

  async pauseAll(): Promise<void> {
    await this.#queue.pause()
  }

  resumeAll(): void {
    this.#queue.resume()
  }

  /** For those that run, too. */
  changeSettings({ concurrency, connections }: Settings): void {
    this.#queue.concurrency = concurrency
    this.#connections = connections
    for (const { item } of this.#jobs.values()) item?.transfer?.setConnections(connections)
  }

  /** Now that its password is known, what has waited for it goes on. */
  unlock(login: Login): void {
    for (const job of this.#jobs.values()) {
      const isLocked = job.item === undefined && job.record.outcome === undefined
      if (isLocked && sameLogin(job.record.login, login)) this.#enqueue(job)
    }
  }

  /** Nothing runs any more; what has arrived is kept for the next run. */
  async close(): Promise<void> {
    const jobs = [...this.#jobs.values()]
    this.#closing.abort(new Error('The dashboard ends'))
    for (const job of jobs) this.#takeOut(job)
    await Promise.all(jobs.map(({ ended }) => ended))
  }

  #keep(record: TransferRecord): Job {
    const job: Job = { record, item: undefined, progress: undefined, version: 0, ended: Promise.resolve() }
    this.#jobs.set(record.id, job)
    if (record.outcome?.state !== 'complete') this.#targets.add(record.target)
    this.#changed(job)
    return job
  }

  #changed(job: Job): void {
    this.#version += 1
    job.version = this.#version
  }

  #freeTarget(target: string): string {
    const [, stem = '', extension = ''] = /^(.*?[^/])((?:\.tar)?\.[^./]+)?$/.exec(target) ?? [target, target]
    for (let count = 1; ; count += 1) {
      const name = count === 1 ? target : `${stem} (${count})${extension}`
      if (!this.#targets.has(name) && !this.#folder.isThere(name)) return name
    }
  }

  #enqueue(job: Job): void {
    const { record } = job
    if (this.#logins.clientOf(record.login) === undefined) return this.#changed(job)
    const item = this.#queue.add(() => this.#begin(job), {
      priority: record.priority,
      target: record.id,
      name: record.target,
      startAt: timeOf(record.startAt),
    })
    job.item = item
    this.#ofItem.set(item, job)
    if (record.isPaused) void item.pause()
    job.ended = this.#settle(job, item)
    this.#changed(job)
  }

  #begin({ record }: Job): Transfer<DownloadResult> {
    const client = this.#logins.clientOf(record.login)
    if (client === undefined) throw new Error('The password of this login is not known any more')
    return client.download(record.remote, this.#folder.place(record.target), {
      connections: this.#connections,
      keepPartial: true,
      bytesPerSecond: record.bytesPerSecond === 0 ? Infinity : record.bytesPerSecond,
      verify: { checksum: 'auto', expect: expectation(record.expected) },
    })
  }

  /** Waits for the end, and writes down how it was. */
  async #settle(job: Job, item: QueuedTransfer<DownloadResult>): Promise<void> {
    try {
      const result = await item
      if (job.item !== item) return
      const { averageBytesPerSecond } = result
      this.#look(job)
      const { elapsedSeconds } = job.record
      this.#finish(job, { state: 'complete', averageBytesPerSecond, elapsedSeconds, checksum: undefined })
      await this.#hash(job, result)
    } catch (error) {
      if (job.item !== item) return
      this.#look(job)
      this.#finish(job, { state: 'failed', error: failureOf(error).message })
    }
  }

  #finish(job: Job, outcome: Outcome): void {
    const { progress, record } = job
    job.item = undefined
    const known = progress === undefined ? {} : { bytes: progress.bytes, total: progress.total }
    job.record = { ...record, ...known, outcome }
    if (outcome.state === 'complete') this.#targets.delete(record.target)
    this.#changed(job)
    this.#onChange()
  }

  async #hash(job: Job, result?: DownloadResult): Promise<void> {
    const { outcome, expected, target } = job.record
    if (outcome?.state !== 'complete') return
    try {
      const checksum = await checksumOf(this.#folder.place(target), expected, result, this.#closing.signal)
      // It may have been asked for another one meanwhile.
      if (job.record.expected === expected) job.record = { ...job.record, outcome: { ...outcome, checksum } }
    } catch (error) {
      if (this.#closing.signal.aborted) return
      job.record = { ...job.record, outcome: { state: 'failed', error: failureOf(error).message } }
    }
    this.#changed(job)
    this.#onChange()
  }

  #actOn(job: Job, action: Action): void {
    switch (action) {
      case 'pause':
      case 'resume':
        return this.#setPaused(job, action === 'pause')
      case 'stop':
        if (isOver(job.record)) return
        this.#takeOut(job)
        return this.#finish(job, { state: 'stopped' })
      case 'again':
        if (job.record.outcome === undefined || job.record.outcome.state === 'complete') return
        job.record = { ...job.record, outcome: undefined, isPaused: false }
        return this.#enqueue(job)
      case 'clear':
        if (isOver(job.record)) this.#remove(job)
        return
      default:
        action satisfies never
    }
  }

  #setPaused(job: Job, isPaused: boolean): void {
    if (isOver(job.record)) return
    job.record = { ...job.record, isPaused }
    if (isPaused) void job.item?.pause()
    else job.item?.resume()
    this.#changed(job)
  }

  /** What it tells from now on is not listened to. */
  #takeOut(job: Job): void {
    const { item } = job
    this.#look(job)
    job.item = undefined
    item?.cancel()
  }

  /** The last look at what ends now. */
  #look(job: Job): void {
    const progress = job.item?.progress
    if (progress === undefined) return
    job.progress = progress
    const { elapsedSeconds } = job.record
    job.record = { ...job.record, elapsedSeconds: elapsedSeconds + progress.elapsedSeconds }
  }

  #remove(job: Job): void {
    const { record } = job
    this.#jobs.delete(record.id)
    if (record.outcome?.state !== 'complete') this.#targets.delete(record.target)
    this.#version += 1
    this.#removed.push({ id: record.id, version: this.#version })
    if (record.outcome?.state !== 'complete') void job.ended.then(() => this.#removeLeftovers(record.target))
  }

  /** What a download leaves to go on with; docs/resume.md names them. */
  async #removeLeftovers(target: string): Promise<void> {
    const path = this.#folder.place(target)
    for (const ending of ['octoftp-part', 'octoftp-journal']) await rm(`${path}.${ending}`, { force: true })
  }
}

function timeOf(startAt: string | undefined): Date | undefined {
  return startAt === undefined ? undefined : new Date(startAt)
}

function isOver({ outcome }: TransferRecord): boolean {
  return outcome !== undefined
}
