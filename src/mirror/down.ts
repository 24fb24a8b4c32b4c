/** A mirror from a server to this machine. */
import { LimitedReceiver } from '../connection/limited-receiver.ts'
import type { TreeEntry } from '../local/tree-entry.ts'
import { command } from '../protocol/command.ts'
import { runDownload } from '../segmented/download.ts'
import type { DownloadResult } from '../segmented/download-result.ts'
import type { Session } from '../session/session.ts'
import type { BandwidthLimit } from '../transport/bandwidth.ts'
import { Transfer, type TransferContext } from '../transfer/transfer.ts'
import {
  onlyRetries,
  type Direction,
  type DirectionOptions,
  type FileFacts,
  type Listed,
  type Resolved,
} from './direction.ts'
import type { Action } from './action.ts'
import type { Held } from './lanes.ts'
import { haveAlike } from './name-key.ts'
import { timeIn, treeEntry } from './remote-tree.ts'
import type { ChecksumOutcome } from './settle-checksum.ts'
import { ChangedFile } from './changed-file.ts'
import type { Share } from './shares.ts'
import { SourceLinks } from './source-links.ts'
import type { Identity, Way } from './way.ts'
import { WholeFile } from './whole-file.ts'

/** Each holds its bytes in memory, and a file open. */
const WRITES_AT_ONCE = 32

export class Down implements Direction {
  readonly side = 'down'
  readonly keepsTimes: boolean
  readonly #options: DirectionOptions
  readonly #limits: readonly BandwidthLimit[]
  /** Files that have come, and are being confirmed and written. */
  readonly #writing = new Set<Promise<void>>()
  readonly #links: SourceLinks

  constructor(options: DirectionOptions) {
    this.#options = options
    this.#limits = [options.context.limit, options.place('').limit]
    this.keepsTimes = options.settings.preserveModified
    this.#links = new SourceLinks(options)
  }

  /** To ask the disk takes a file that is there for a moment. */
  async isCaseInsensitive({ source, target = [] }: Listed): Promise<boolean> {
    const names = [...source, ...target].map(({ name }) => name)
    return haveAlike(names) && (await this.#options.local.isCaseInsensitive())
  }

  async open(session: Session): Promise<Identity> {
    await this.#options.remote.settle(session)
    return this.#links.root(session)
  }

  resolve(
    way: Way,
    listed: Listed,
    _plan: () => readonly Action[],
    held: Held | undefined,
  ): Promise<Resolved> {
    return this.#links.resolve(way, listed, held)
  }

  async ride(
    path: string,
    isTargetThere: boolean,
    { train, session }: Held,
  ): Promise<{ readonly listed: () => Promise<Listed>; readonly isInStep: boolean } | undefined> {
    const { remote, settings } = this.#options
    if (!remote.canRide(session, path)) return undefined
    const arrived = await remote.list(train, session, path)
    if (arrived === undefined) return undefined
    const listed = async (): Promise<Listed> => {
      const [source, target] = await Promise.all([arrived(), this.#listLocal(path, isTargetThere)])
      return { source: source.map(treeEntry), target }
    }
    // By LIST the times are asked for in front of the next transfer, and where links lead.
    return { listed, isInStep: !remote.isExact(session) || settings.symlinks !== 'skip' }
  }

  async list(path: string, isTargetThere: boolean): Promise<Listed> {
    const [source, target] = await Promise.all([
      this.#options.server.list(path),
      this.#listLocal(path, isTargetThere),
    ])
    return { source, target }
  }

  async listTarget(path: string): Promise<readonly TreeEntry[]> {
    return (await this.#options.local.list(path)) ?? []
  }

  readonly exactTimes = async (
    paths: readonly string[],
    held: Held | undefined,
  ): Promise<Map<string, number>> => {
    const { remote, server } = this.#options
    return server.askOn(held, async ({ train, session }) =>
      remote.isExact(session) ? new Map<string, number>() : remote.modified(train, paths),
    )
  }

  async makeDirectories(paths: readonly string[]): Promise<Map<string, unknown>> {
    const failed = new Map<string, unknown>()
    for (const path of paths) {
      try {
        await this.#options.local.makeDirectory(path)
      } catch (error) {
        failed.set(path, error)
      }
    }
    return failed
  }

  async rideFile(
    { path, size = 0, modifiedMs, precision }: FileFacts,
    { train }: Held,
  ): Promise<{ rest: Promise<void> } | undefined> {
    const { remote, local, settings, context } = this.#options
    if (settings.files.checksum.checksum === 'auto') return undefined
    const file = new WholeFile(size)
    const receiver = new LimitedReceiver(file, this.#limits)
    while (this.#writing.size >= WRITES_AT_ONCE) await Promise.race(this.#writing)
    try {
      const sent = command('RETR', remote.path(path))
      // In the same packet: it costs nothing.
      const isAsked = settings.preserveModified && modifiedMs !== undefined && isCoarse(precision)
      const before = isAsked ? [command('MDTM', remote.path(path))] : []
      const { replies, confirmed } = await train.receive({ before, sent, receiver, watchesEnd: false })
      const exactMs = replies.map(timeIn)[0]
      await receiver.drained()
      const write = async (): Promise<void> => {
        await confirmed
        if (!file.isWhole) throw new ChangedFile(path)
        const overwrite = settings.overwrite === 'replace'
        await local.writeSmall(path, [file.bytes], {
          ...{ overwrite, signal: context.signal },
          modifiedMs: settings.preserveModified ? (exactMs ?? modifiedMs) : undefined,
        })
      }
      const rest = write()
      const over = rest
        .then(
          () => {},
          () => {},
        )
        .finally(() => this.#writing.delete(over))
      this.#writing.add(over)
      return { rest }
    } finally {
      receiver.dispose()
    }
  }

  async leave(): Promise<void> {
    // Nothing is left behind on a session.
  }

  lost(): void {
    // Each file is confirmed, or not, by itself.
  }

  transfer({ path }: FileFacts, share: Share | undefined): Transfer<DownloadResult> {
    const { local, settings, context, largeSessions, sessions, remote } = this.#options
    const { files } = settings
    // Those that are small are not worth a journal.
    const download = { ...files, resume: files.resume && share !== undefined }
    const work = async (own: TransferContext): Promise<DownloadResult> => {
      own.meter.partOf = context.meter
      const target = await local.place(path)
      const pool = share === undefined ? sessions : largeSessions
      const place = { ...this.#options.place(remote.path(path)), pool }
      const result = await runDownload(
        { places: [place], target: target.path, settings: download, count: share },
        { ...own, limit: context.limit, emit: onlyRetries(context.emit) },
      )
      await target.settle()
      return result
    }
    return new Transfer(work, { signal: context.signal, on: {}, bytesPerSecond: Infinity })
  }

  makeLink(path: string, target: string): Promise<void> {
    return this.#options.local.makeLink(path, target)
  }

  async remove(path: string, type: TreeEntry['type']): Promise<void> {
    await this.#options.local.remove(path, type)
  }

  async compareByChecksum({ path }: FileFacts): Promise<ChecksumOutcome> {
    const { local, server } = this.#options
    return server.compareByChecksum(path, (await local.place(path)).path)
  }

  #listLocal(path: string, isThere: boolean): Promise<readonly TreeEntry[] | undefined> {
    return isThere ? this.#options.local.list(path) : Promise.resolve(undefined)
  }
}

/** Of what LIST tells. */
function isCoarse(precision: TreeEntry['precision']): boolean {
  return precision === 'day' || precision === 'minute'
}
