/** A mirror from this machine to a server. */
import { join } from 'node:path'
import type { FollowLinks } from '../local/local-tree.ts'
import type { TreeEntry } from '../local/tree-entry.ts'
import { makeDirectories } from '../operations/make-directory.ts'
import { command, type Command } from '../protocol/command.ts'
import { parseSizeReply } from '../protocol/size.ts'
import { isCompletion, type Reply } from '../protocol/reply.ts'
import { FtpReplyError, FtpTransferError } from '../errors.ts'
import { uploadSettings } from '../segmented/upload-options.ts'
import { runUpload, type UploadResult } from '../segmented/upload.ts'
import { localFileSource } from '../segmented/file-source.ts'
import { deleteFile, setModificationTime, timeCommand } from '../session/files.ts'
import { isDirectory } from '../session/is-directory.ts'
import { carryOut } from '../session/refusal.ts'
import type { Session } from '../session/session.ts'
import type { BandwidthLimit } from '../transport/bandwidth.ts'
import { Transfer, type TransferContext } from '../transfer/transfer.ts'
import { deferred, type Deferred } from '../util/deferred.ts'
import { ChangedFile } from './changed-file.ts'
import type { MirrorSettings } from './mirror-options.ts'
import type { Action } from './action.ts'
import {
  onlyRetries,
  type Direction,
  type DirectionOptions,
  type FileFacts,
  type Listed,
  type Resolved,
} from './direction.ts'
import { Ignoring } from '../session/store.ts'
import type { Held } from './lanes.ts'
import { treeEntry } from './remote-tree.ts'
import type { Share } from './shares.ts'
import type { ChecksumOutcome } from './settle-checksum.ts'
import { resolveTarget } from './target-links.ts'
import { UNKNOWN, type Identity, type Way } from './way.ts'

/** A file that has been sent, and whose size and time are still to be seen to: with the next, in one packet. */
interface Sent {
  readonly path: string
  readonly size: number
  readonly modifiedMs: number | undefined
  readonly done: Deferred<undefined>
}

export class Up implements Direction {
  readonly side = 'up'
  readonly #options: DirectionOptions
  readonly #limits: readonly BandwidthLimit[]
  readonly #sent = new WeakMap<Session, Sent>()
  #keepsTimes = true
  #isRootThere = false

  constructor(options: DirectionOptions) {
    this.#options = options
    this.#limits = [options.context.limit, options.place('').limit]
    this.#keepsTimes = options.settings.preserveModified
  }

  /** As far as is known: a server that has set no time yet may turn out not to. */
  get keepsTimes(): boolean {
    return this.#keepsTimes
  }

  /** No server tells. */
  isCaseInsensitive(): Promise<boolean> {
    return Promise.resolve(false)
  }

  async open(session: Session): Promise<Identity> {
    const { remote, settings } = this.#options
    await remote.settle(session)
    const root = remote.path('')
    this.#isRootThere = await isDirectory(session, root)
    if (this.#isRootThere || settings.dryRun) return UNKNOWN
    await makeDirectories(session, root, true)
    this.#isRootThere = true
    return UNKNOWN
  }

  resolve(
    way: Way,
    listed: Listed,
    plan: () => readonly Action[],
    held: Held | undefined,
  ): Promise<Resolved> {
    return resolveTarget(way, listed, plan, { ...this.#options, held })
  }

  async ride(
    path: string,
    isTargetThere: boolean,
    held: Held,
  ): Promise<{ readonly listed: () => Promise<Listed>; readonly isInStep: boolean } | undefined> {
    const { remote } = this.#options
    const { train, session } = held
    if (!this.#isThere(path, isTargetThere)) {
      return {
        listed: async () => ({ source: await this.#listLocal(path), target: undefined }),
        isInStep: true,
      }
    }
    if (!remote.canRide(session, path)) return undefined
    const arrived = await remote.list(train, session, path)
    if (arrived === undefined) return undefined
    const listed = async (): Promise<Listed> => {
      const [target, source] = await Promise.all([arrived(), this.#listLocal(path)])
      return { source, target: target.map(treeEntry) }
    }
    return { listed, isInStep: true }
  }

  async list(path: string, isTargetThere: boolean): Promise<Listed> {
    const isThere = this.#isThere(path, isTargetThere)
    const [source, target] = await Promise.all([
      this.#listLocal(path),
      isThere ? this.listTarget(path) : undefined,
    ])
    return { source, target }
  }

  listTarget(path: string): Promise<TreeEntry[]> {
    return this.#options.server.list(path)
  }

  exactTimes(paths: readonly string[], held: Held | undefined): Promise<Map<string, number>> {
    return this.#options.server.askOn(held, async (on) => {
      const { remote } = this.#options
      const times = remote.isExact(on.session)
        ? new Map<string, number>()
        : await remote.modified(on.train, paths)
      await this.#tryTimes(paths.slice(0, 1), on)
      return times
    })
  }

  async makeDirectories(paths: readonly string[], held: Held | undefined): Promise<Map<string, unknown>> {
    const { remote, server } = this.#options
    const failed = new Map<string, unknown>()
    const questions = paths.map((path) => command('MKD', remote.path(path)))
    const replies = held === undefined ? [] : await held.train.ask(questions)
    for (const [index, path] of paths.entries()) {
      const reply = replies[index]
      if (reply !== undefined && isCompletion(reply)) continue
      try {
        // It may be there already; by itself that is looked at.
        if (held === undefined)
          await server.ask((session) => makeDirectories(session, remote.path(path), true))
        else await makeDirectories(held.session, remote.path(path), true)
      } catch (error) {
        if (!(error instanceof FtpReplyError)) throw error
        failed.set(path, error)
      }
    }
    return failed
  }

  async rideFile(
    { path, modifiedMs, replaces }: FileFacts,
    held: Held,
  ): Promise<{ rest: Promise<void> } | undefined> {
    const { remote, local, settings } = this.#options
    // What is cut off under its own name would stay: it is not to be replaced.
    if (settings.overwrite !== 'replace' || isChecked(settings)) return undefined
    // A train is sent at once.
    if (this.#limits.some((limit) => limit.isLimited)) return undefined
    const { train, session } = held
    await using file = await local.openFile(path, this.#following)
    const bytes = await file.whole()
    if (bytes.length !== file.size || !(await file.isUnchanged())) throw new ChangedFile(path)
    const last = this.#sent.get(session)
    this.#sent.delete(session)
    const unlinked = replaces?.type === 'symlink' ? [command('DELE', remote.path(path))] : []
    const before = [...(last === undefined ? [] : this.#behind(last, session)), ...unlinked]
    const sent = command('STOR', remote.path(path))
    const step = { before, sent, receiver: new Ignoring(), watchesEnd: false }
    try {
      const { replies } = await train.send(step, bytes)
      if (last !== undefined) await this.#seenTo(last, replies, session)
    } catch (error) {
      last?.done.reject(error)
      throw error
    }
    const done = deferred<undefined>()
    done.promise.catch(() => {})
    this.#sent.set(session, { path, size: bytes.length, modifiedMs, done })
    return { rest: done.promise.then(() => {}) }
  }

  lost(session: Session, reason: unknown): void {
    this.#sent.get(session)?.done.reject(reason)
    this.#sent.delete(session)
  }

  async leave({ train, session }: Held): Promise<void> {
    const last = this.#sent.get(session)
    if (last === undefined) return
    this.#sent.delete(session)
    try {
      const questions = this.#behind(last, session)
      await this.#seenTo(last, await train.ask(questions), session)
    } catch (error) {
      last.done.reject(error)
    }
  }

  transfer({ path, replaces }: FileFacts, share: Share | undefined): Transfer<UploadResult> {
    const { local, remote, settings, context, largeSessions, sessions } = this.#options
    const { files, overwrite, preserveModified } = settings
    const upload = uploadSettings({
      ...{ resume: files.resume && share !== undefined, preserveModified },
      ...{ verify: files.verifySize ? 'auto' : false, checksum: isChecked(settings) ? 'auto' : false },
      ...(overwrite === 'replace' ? { overwrite } : { overwrite: 'error', atomic: true }),
    })
    const work = async (own: TransferContext): Promise<UploadResult> => {
      own.meter.partOf = context.meter
      if (replaces?.type === 'symlink') await this.remove(path, 'symlink')
      const pool = share === undefined ? sessions : largeSessions
      const place = { ...this.#options.place(remote.path(path)), pool }
      const source = async () => localFileSource(await local.openFile(path, this.#following))
      return runUpload(
        { place, source, settings: upload },
        { ...own, limit: context.limit, emit: onlyRetries(context.emit) },
      )
    }
    return new Transfer(work, { signal: context.signal, on: {}, bytesPerSecond: Infinity })
  }

  makeLink(path: string): Promise<void> {
    const message = `Cannot make the link ${path}: FTP has no command for links`
    return Promise.reject(new FtpTransferError('ERR_FTP_UNSAFE_PATH', message, { path }))
  }

  async remove(path: string, type: TreeEntry['type']): Promise<void> {
    const { remote, server } = this.#options
    const at = remote.path(path)
    await server.ask(async (session) => {
      if (type === 'directory') await carryOut(session, command('RMD', at))
      else await deleteFile(session, at)
    })
  }

  async compareByChecksum({ path }: FileFacts): Promise<ChecksumOutcome> {
    const { local, server } = this.#options
    const { followLinks } = this.#following
    return server.compareByChecksum(
      path,
      followLinks === true ? join(local.root, path) : (await local.place(path)).path,
    )
  }

  /**
   * Files whose times differ are sent again, unless the server cannot set times: that is found out before, by giving
   * one the time that it has.
   */
  async #tryTimes(paths: readonly string[], { session, train }: Held): Promise<void> {
    const { remote, settings } = this.#options
    if (!this.#keepsTimes || settings.dryRun || session.profile.timeSetting !== undefined) return
    for (const [path, time] of await remote.modified(train, paths)) {
      await this.#setTime(remote.path(path), new Date(time), session)
    }
  }

  get #following(): FollowLinks {
    return { followLinks: this.#options.settings.symlinks === 'follow' }
  }

  #isThere(path: string, isTargetThere: boolean): boolean {
    return path === '' ? this.#isRootThere : isTargetThere
  }

  async #listLocal(path: string): Promise<readonly TreeEntry[]> {
    return (await this.#options.local.list(path, this.#following)) ?? missing(path)
  }

  /** What is still to be said of a file that has been sent. */
  #behind({ path, modifiedMs }: Sent, { profile }: Session): Command[] {
    const at = this.#options.remote.path(path)
    const isTimed = this.#options.settings.preserveModified && modifiedMs !== undefined
    const { timeSetting } = profile
    const timed =
      isTimed && timeSetting !== undefined ? [timeCommand(timeSetting, at, new Date(modifiedMs))] : []
    return [command('SIZE', at), ...timed]
  }

  /** Looks at the answers. Rejects where the connection is lost over a question. */
  async #seenTo(last: Sent, replies: readonly Reply[], session: Session): Promise<void> {
    const { path, size, modifiedMs, done } = last
    const { remote, settings } = this.#options
    const [sized, timed] = replies
    const there = sized && parseSizeReply(sized)
    if (there !== undefined && there !== size) {
      done.reject(new ChangedFile(path))
      return
    }
    if (
      settings.preserveModified &&
      modifiedMs !== undefined &&
      (timed === undefined || !isCompletion(timed))
    ) {
      await this.#setTime(remote.path(path), new Date(modifiedMs), session)
    }
    done.resolve(undefined)
  }

  /** Finds out how, which is remembered. A server that has no way to is no failure. */
  async #setTime(path: string, time: Date, session: Session): Promise<void> {
    if (!this.#keepsTimes) return
    try {
      await setModificationTime(session, path, time)
    } catch (error) {
      if (!(error instanceof FtpReplyError)) throw error
      if (session.profile.timeSetting === undefined) this.#keepsTimes = false
    }
  }
}

function isChecked({ files }: MirrorSettings): boolean {
  return files.checksum.checksum === 'auto'
}

function missing(path: string): never {
  const message = `The directory ${path} is not there any more`
  throw new FtpTransferError('ERR_FTP_LOCAL_FILE', message, { path })
}
