/**
 * The ledger of a pool: who waits, what there is, and what to do next. Events in, effects out.
 *
 * Owns: the queue of waiters, the state of every resource, the ceiling. Must never know: promises,
 * timers, clocks, or what a resource is. It is the only authority: nobody else decides that a waiter
 * is answered or a resource closed, so each is answered, and closed, exactly once.
 *
 *   replacing as opening, for one that is leased: opened -> leased by name or as opening; openFailed -> gone
 *   opening   opened -> leased (somebody waits) or idle; openFailed -> gone; unwanted -> aborting
 *   aborting  answers as opening does, and a late success is kept
 *   idle      somebody waits -> checking; above max -> quitting
 *   checking  ok -> leased or idle; not ok -> cutting
 *   leased    release -> checking (somebody waits) or idle; discard -> cutting
 *   quitting  closed -> gone; destroy -> cutting
 *   cutting   closed -> gone
 *   The middle three are live: lost -> gone; destroy -> cutting; once free after close -> quitting.
 *
 * Rules
 * - Nothing is opened or checked for one waiter by name: whatever becomes ready goes to the waiter at
 *   the front. So grants are strictly first come, first served, and a failed check costs nobody a place.
 * - While nothing is logged in, one login is tried at a time. If it fails, every waiter is told at
 *   once and nothing is tried again: servers lock accounts after a few wrong passwords.
 * - Refused beside a logged-in sibling is a limit: the ceiling falls to what is live, nobody is told.
 *   One that failed otherwise is no limit, and every waiter is told: the next would fail as well.
 *   Other openings under way are left to finish; one that succeeds proves that the ceiling is higher.
 * - A closing resource counts against the ceiling until it is gone: the server still counts it.
 * - A resource that is replaced may stand beside its replacement: for as long as it is there, one more than the
 *   ceiling is allowed, and at most as many again as the ceiling. It goes when it is next free. A replacement that
 *   fails changes nothing.
 * - Openings go on without a waiter while somebody holds a lease (the next waiter is likely, and a
 *   login is dear), and are aborted as soon as nobody does: they would only hold the process.
 */
import type { CloseManner, LedgerEffect, LedgerEvent, PoolStats, ResourceId, WaiterId } from './events.ts'

type ResourceState =
  'opening' | 'replacing' | 'aborting' | 'idle' | 'checking' | 'leased' | 'quitting' | 'cutting'

/** `draining`: by close, what is leased may finish. `cutting`: by destroy. `over`: nothing is left. */
type Phase = 'running' | 'draining' | 'cutting' | 'over'

/** Decides for one pool; see the rules at the top of this file. */
export class Ledger {
  #phase: Phase = 'running'
  #max: number
  /** What refusals have taught. Infinity: no limit met, or probed past `max`. */
  #limit = Infinity
  #lastResource: ResourceId = 0
  /** In order of arrival. */
  readonly #waiters = new Set<WaiterId>()
  /** The idle ones stand in the order in which they became idle. */
  readonly #resources = new Map<ResourceId, ResourceState>()
  /** Openings for one that is leased, and who is to have them. */
  readonly #replacements = new Map<
    ResourceId,
    { readonly old: ResourceId; readonly waiter: WaiterId | undefined }
  >()
  /** Those that have a replacement, under way or open. */
  readonly #replaced = new Set<ResourceId>()
  #effects: LedgerEffect[] = []

  /** @param max - the most resources that may exist at once, at least 1 */
  constructor(max: number) {
    this.#max = max
  }

  /** Enters one event; what it returns is to be done in that order before the next event is entered. */
  apply(event: LedgerEvent): LedgerEffect[] {
    this.#enter(event)
    this.#serveWaiters()
    this.#abortUnwanted()
    if (this.#phase !== 'running' && this.#phase !== 'over' && this.#resources.size === 0) {
      this.#phase = 'over'
      this.#emit({ type: 'drained' })
    }
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** Whether there is a ceiling below `max` that a `probe` would raise. */
  get isLimited(): boolean {
    return this.#phase === 'running' && this.#limit < this.#max
  }

  /** Whether a `replace` of it would be heard. */
  mayReplace(resource: ResourceId): boolean {
    if (this.#phase !== 'running' || !this.#is(resource, 'leased')) return false
    return !this.#replaced.has(resource) && this.#replaced.size < this.#ceiling
  }

  /** What an opening is to replace. */
  isReplacedBy(resource: ResourceId): ResourceId | undefined {
    return this.#replacements.get(resource)?.old
  }

  stats(): PoolStats {
    return {
      open: this.#live,
      idle: this.#count('idle'),
      leased: this.#count('leased'),
      opening: this.#count('opening', 'replacing', 'aborting'),
      closing: this.#count('quitting', 'cutting'),
      waiting: this.#waiters.size,
      max: this.#max,
      ceiling: this.#ceiling,
    }
  }

  #enter(event: LedgerEvent): void {
    switch (event.type) {
      case 'acquire':
        this.#acquire(event.waiter)
        break
      case 'cancel':
        this.#cancel(event.waiter, event.reason)
        break
      case 'opened':
        this.#opened(event.resource)
        break
      case 'openFailed':
        this.#openFailed(event.resource, event.error, event.isRefusal)
        break
      case 'checked':
        this.#checked(event.resource, event.ok)
        break
      case 'release':
        this.#release(event.resource)
        break
      case 'discard':
        this.#discard(event.resource, event.reason)
        break
      case 'lost':
        this.#lost(event.resource)
        break
      case 'closed':
        this.#closed(event.resource)
        break
      case 'replace':
        this.#replace(event.resource, event.waiter)
        break
      case 'probe':
        this.#probe()
        break
      case 'setMax':
        this.#setMax(event.max)
        break
      case 'close':
        this.#close()
        break
      case 'destroy':
        this.#destroy(event.reason)
        break
      default:
        event satisfies never
    }
  }

  #acquire(waiter: WaiterId): void {
    if (this.#phase === 'running') this.#waiters.add(waiter)
    else this.#emit({ type: 'refuse', waiter })
  }

  #cancel(waiter: WaiterId, reason: unknown): void {
    const named = [...this.#replacements].find(([, replacement]) => replacement.waiter === waiter)
    if (named !== undefined) this.#dropReplacement(named[0])
    if (named !== undefined || this.#waiters.delete(waiter))
      this.#emit({ type: 'reject', waiter, error: reason })
  }

  #replace(old: ResourceId, waiter: WaiterId | undefined): void {
    if (!this.mayReplace(old)) {
      if (waiter !== undefined) this.#emit({ type: 'refuse', waiter })
      return
    }
    this.#lastResource += 1
    this.#replaced.add(old)
    this.#replacements.set(this.#lastResource, { old, waiter })
    this.#resources.set(this.#lastResource, 'replacing')
    this.#emit({ type: 'open', resource: this.#lastResource })
  }

  /** It is not wanted any more; what it was for stays as it was. */
  #dropReplacement(resource: ResourceId): void {
    const replacement = this.#replacements.get(resource)
    if (replacement === undefined) return
    this.#replacements.delete(resource)
    this.#replaced.delete(replacement.old)
    this.#abort(resource)
  }

  #opened(resource: ResourceId): void {
    if (!this.#is(resource, 'opening', 'replacing', 'aborting')) return
    const replacement = this.#replacements.get(resource)
    this.#replacements.delete(resource)
    this.#resources.set(resource, 'checking')
    if (this.#live > this.#limit) this.#limit = this.#live
    if (replacement?.waiter === undefined) this.#place(resource, 'proven')
    else this.#grant(replacement.waiter, resource)
    if (replacement !== undefined && this.#is(replacement.old, 'idle')) this.#giveUp(replacement.old, 'quit')
  }

  #openFailed(resource: ResourceId, error: unknown, isRefusal: boolean): void {
    if (this.#is(resource, 'replacing')) return this.#replacementFailed(resource, error)
    const wasWanted = this.#is(resource, 'opening')
    if (!wasWanted && !this.#is(resource, 'aborting')) return
    this.#forget(resource)
    if (!wasWanted) return
    if (this.#live > 0 && isRefusal) {
      this.#limit = this.#live
      this.#emit({ type: 'limited', ceiling: this.#ceiling, error })
      return
    }
    for (const waiter of this.#waiters) this.#emit({ type: 'reject', waiter, error })
    this.#waiters.clear()
  }

  #replacementFailed(resource: ResourceId, error: unknown): void {
    const { old, waiter } = this.#replacements.get(resource) ?? {}
    this.#replacements.delete(resource)
    if (old !== undefined) this.#replaced.delete(old)
    this.#forget(resource)
    if (waiter !== undefined) this.#emit({ type: 'reject', waiter, error })
  }

  #checked(resource: ResourceId, ok: boolean): void {
    if (!this.#is(resource, 'checking')) return
    if (ok) this.#place(resource, 'proven')
    else this.#giveUp(resource, 'cut')
  }

  #release(resource: ResourceId): void {
    if (this.#is(resource, 'leased')) this.#place(resource, 'used')
  }

  #discard(resource: ResourceId, reason: unknown): void {
    if (this.#is(resource, 'idle', 'checking', 'leased')) this.#giveUp(resource, 'cut', reason)
  }

  /** A late release of a lease on it, or a late answer to its check, then finds nothing. */
  #lost(resource: ResourceId): void {
    if (this.#is(resource, 'idle', 'checking', 'leased')) this.#forget(resource)
  }

  #closed(resource: ResourceId): void {
    if (this.#is(resource, 'quitting', 'cutting')) this.#forget(resource)
  }

  #probe(): void {
    this.#limit += 1
    if (this.#limit >= this.#max) this.#limit = Infinity
  }

  #setMax(max: number): void {
    this.#max = max
    // An opening is of less use than what is idle already; of the idle, the oldest is the likeliest dead.
    while (this.#overMax) {
      const opening = this.#all('opening').at(-1)
      const idle = this.#all('idle')[0]
      if (opening !== undefined) this.#abort(opening)
      else if (idle !== undefined) this.#giveUp(idle, 'quit')
      else return
    }
  }

  #close(): void {
    if (this.#phase !== 'running') return
    this.#phase = 'draining'
    this.#refuseWaiters()
    for (const resource of this.#all('idle')) this.#giveUp(resource, 'quit')
  }

  #destroy(reason: unknown): void {
    if (this.#phase !== 'running' && this.#phase !== 'draining') return
    this.#phase = 'cutting'
    if (reason !== undefined) {
      for (const waiter of this.#waiters) this.#emit({ type: 'reject', waiter, error: reason })
      this.#waiters.clear()
    }
    this.#refuseWaiters()
    for (const resource of this.#all('idle', 'checking', 'leased', 'quitting')) {
      this.#giveUp(resource, 'cut', reason)
    }
  }

  /**
   * Finds a free resource its place. `proven`: fit to be handed out now. `used`: it has to be checked
   * first, also if a check for the same waiter runs already: that one may be slow, or fail.
   */
  #place(resource: ResourceId, condition: 'proven' | 'used'): void {
    const [waiter] = this.#waiters
    if (this.#phase === 'cutting') this.#giveUp(resource, 'cut')
    else if (this.#phase !== 'running' || this.#overMax || this.#isOutdated(resource))
      this.#giveUp(resource, 'quit')
    else if (waiter === undefined) this.#rest(resource)
    else if (condition === 'used') this.#check(resource)
    else this.#grant(waiter, resource)
  }

  #grant(waiter: WaiterId, resource: ResourceId): void {
    this.#waiters.delete(waiter)
    this.#resources.set(resource, 'leased')
    this.#emit({ type: 'grant', waiter, resource })
  }

  #check(resource: ResourceId): void {
    this.#wake(resource)
    this.#resources.set(resource, 'checking')
    this.#emit({ type: 'check', resource })
  }

  #rest(resource: ResourceId): void {
    this.#resources.delete(resource)
    this.#resources.set(resource, 'idle')
    this.#emit({ type: 'idle', resource, isIdle: true })
  }

  #wake(resource: ResourceId): void {
    if (this.#is(resource, 'idle')) this.#emit({ type: 'idle', resource, isIdle: false })
  }

  /** Woken first: a process that awaits the closing must not end before the last reply to it. */
  #giveUp(resource: ResourceId, how: CloseManner, reason?: unknown): void {
    this.#wake(resource)
    this.#resources.set(resource, how === 'quit' ? 'quitting' : 'cutting')
    this.#emit({ type: 'close', resource, how, reason })
  }

  #abort(resource: ResourceId): void {
    this.#resources.set(resource, 'aborting')
    this.#emit({ type: 'abort', resource })
  }

  #forget(resource: ResourceId): void {
    this.#resources.delete(resource)
    this.#replaced.delete(resource)
    this.#emit({ type: 'forget', resource })
  }

  #refuseWaiters(): void {
    for (const waiter of this.#waiters) this.#emit({ type: 'refuse', waiter })
    this.#waiters.clear()
    for (const [resource, { waiter }] of this.#replacements) {
      if (waiter !== undefined) this.#emit({ type: 'refuse', waiter })
      this.#dropReplacement(resource)
    }
  }

  /** Runs after every event, so that no event can forget to wake somebody. */
  #serveWaiters(): void {
    while (this.#count('checking') < this.#waiters.size) {
      const idle = this.#all('idle').at(-1)
      if (idle === undefined) break
      this.#check(idle)
    }
    while (this.#count('checking', 'opening') < this.#waiters.size && this.#mayOpen) {
      this.#lastResource += 1
      this.#resources.set(this.#lastResource, 'opening')
      this.#emit({ type: 'open', resource: this.#lastResource })
    }
  }

  #abortUnwanted(): void {
    const isUsed = this.#waiters.size > 0 || this.#count('leased') > 0
    if (this.#phase === 'running' && isUsed) return
    for (const resource of this.#all('opening')) this.#abort(resource)
  }

  get #mayOpen(): boolean {
    const isFirst = this.#live === 0
    if (isFirst && this.#count('opening', 'replacing', 'aborting') > 0) return false
    return this.#resources.size - this.#replaced.size < this.#ceiling
  }

  get #ceiling(): number {
    return Math.min(this.#max, this.#limit)
  }

  /** Only after `max` was lowered. */
  get #overMax(): boolean {
    const extra = this.#all('idle', 'checking', 'leased').filter((resource) => this.#isOutdated(resource))
    return this.#live - extra.length + this.#count('opening') > this.#max
  }

  /** Whether its replacement is there. */
  #isOutdated(resource: ResourceId): boolean {
    if (!this.#replaced.has(resource)) return false
    return [...this.#replacements.values()].every(({ old }) => old !== resource)
  }

  get #live(): number {
    return this.#count('idle', 'checking', 'leased')
  }

  #is(resource: ResourceId, ...states: ResourceState[]): boolean {
    const state = this.#resources.get(resource)
    return state !== undefined && states.includes(state)
  }

  #all(...states: ResourceState[]): ResourceId[] {
    return [...this.#resources.keys()].filter((resource) => this.#is(resource, ...states))
  }

  #count(...states: ResourceState[]): number {
    return this.#all(...states).length
  }

  #emit(effect: LedgerEffect): void {
    this.#effects.push(effect)
  }
}
