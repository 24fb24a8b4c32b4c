/**
 * A world for the ledger: plays the server, the hooks and the callers, in whatever order it is told,
 * and holds the ledger to its promises after every step. It keeps its own books, from the effects alone.
 */
import assert from 'node:assert/strict'
import type { LedgerEffect, LedgerEvent, ResourceId, WaiterId } from '../../src/pool/events.ts'
import { Ledger } from '../../src/pool/ledger.ts'

type Seen =
  'opening' | 'replacing' | 'aborting' | 'free' | 'idle' | 'checking' | 'leased' | 'quitting' | 'cutting'

export const OPS = [
  'acquire',
  'acquire',
  'acquire',
  'cancel',
  'opened',
  'opened',
  'refused',
  'failed',
  'usable',
  'usable',
  'unusable',
  'release',
  'release',
  'discard',
  'lost',
  'closed',
  'closed',
  'replace',
  'replace',
  'probe',
  'setMax',
  'close',
  'destroy',
] as const

export interface Step {
  readonly op: (typeof OPS)[number]
  readonly pick: number
}

export class World {
  readonly ledger: Ledger
  readonly #resources = new Map<ResourceId, Seen>()
  readonly #gone = new Set<ResourceId>()
  readonly #waiting: WaiterId[] = []
  /** Those that wait for a replacement, by name. */
  readonly #named = new Set<WaiterId>()
  /** Which resource is replaced by which, as far as neither is gone; the new one is given later. */
  readonly #replaced = new Map<ResourceId, { by: ResourceId | undefined; waiter: WaiterId | undefined }>()
  #replacing: ResourceId | undefined
  readonly #namedFor = new Map<WaiterId, ResourceId>()
  readonly #answered = new Map<WaiterId, string>()
  #waiters = 0
  #max: number
  #phase: 'running' | 'draining' | 'cutting' = 'running'
  #drained = 0

  constructor(max: number) {
    this.#max = max
    this.ledger = new Ledger(max)
  }

  /** One step of the world; nothing happens where there is nothing it could happen to. */
  step({ op, pick }: Step): void {
    switch (op) {
      case 'acquire':
        this.#acquire()
        break
      case 'cancel':
        this.#cancel(pick)
        break
      case 'opened':
        this.#opened(this.#one(pick, 'opening', 'replacing', 'aborting'))
        break
      case 'refused':
      case 'failed':
        this.#openFailed(this.#one(pick, 'opening', 'replacing', 'aborting'), op === 'refused')
        break
      case 'usable':
      case 'unusable':
        this.#checked(this.#one(pick, 'checking'), op === 'usable')
        break
      case 'release':
        this.#release(this.#one(pick, 'leased'))
        break
      case 'discard':
        this.#discard(this.#one(pick, 'leased'))
        break
      case 'lost':
        this.#lost(this.#one(pick, 'idle', 'checking', 'leased'))
        break
      case 'closed':
        this.#closed(this.#one(pick, 'quitting', 'cutting'))
        break
      case 'replace':
        this.#replace(this.#one(pick, 'leased'), pick % 3 > 0)
        break
      case 'probe':
        this.#enter({ type: 'probe' })
        break
      case 'setMax':
        this.#setMax(1 + (pick % 6))
        break
      case 'close':
        this.#close()
        break
      case 'destroy':
        this.#destroy()
        break
      default:
        op satisfies never
    }
  }

  /** Lets everything under way end well until nothing is under way: then nobody may be left waiting. */
  settle(): void {
    const ends = ['opened', 'usable', 'release', 'closed'] as const
    const isBusy = (): boolean =>
      this.#ids('opening', 'replacing', 'aborting', 'checking', 'leased', 'quitting', 'cutting').length > 0
    for (let round = 0; isBusy(); round += 1) {
      assert.ok(round < 1000)
      for (const op of ends) this.step({ op, pick: round })
    }
    assert.deepEqual(this.#waiting, [], 'left waiting when all is quiet')
    assert.deepEqual([...this.#named], [], 'left waiting for a replacement')
    assert.equal(this.#answered.size, this.#waiters)
    const { leased, opening, closing } = this.ledger.stats()
    assert.deepEqual({ leased, opening, closing }, { leased: 0, opening: 0, closing: 0 })
  }

  /** Nothing may be left once the pool is closed and everything under way has ended. */
  expectGone(): void {
    assert.deepEqual([...this.#resources], [])
    assert.equal(this.#drained, 1)
  }

  #acquire(): void {
    this.#waiters += 1
    this.#waiting.push(this.#waiters)
    this.#enter({ type: 'acquire', waiter: this.#waiters })
  }

  #replace(resource: ResourceId | undefined, isNamed: boolean): void {
    if (resource === undefined) return
    const may = this.ledger.mayReplace(resource)
    const hasRoom = this.#replaced.size < this.ledger.stats().ceiling
    assert.equal(may, this.#phase === 'running' && !this.#replaced.has(resource) && hasRoom)
    let waiter: WaiterId | undefined
    if (isNamed) {
      this.#waiters += 1
      waiter = this.#waiters
      this.#named.add(waiter)
    }
    if (may) {
      this.#replaced.set(resource, { by: undefined, waiter })
      this.#replacing = resource
    }
    this.#enter({ type: 'replace', resource, waiter })
    this.#replacing = undefined
    if (may) assert.notEqual(this.#replaced.get(resource)?.by, undefined, 'nothing was opened')
    else if (waiter !== undefined) assert.equal(this.#answered.has(waiter), true)
  }

  /** An opening that was for another is not any more: it failed, or was given up. */
  #noReplacement(resource: ResourceId): void {
    for (const [old, { by }] of this.#replaced) if (by === resource) this.#replaced.delete(old)
  }

  #cancel(pick: number): void {
    const all = [...this.#waiting, ...this.#named]
    const waiter = all[pick % all.length]
    if (waiter === undefined) return
    this.#enter({ type: 'cancel', waiter, reason: 'cancelled' })
    assert.equal(this.#answered.get(waiter), 'cancelled')
  }

  #opened(resource: ResourceId | undefined): void {
    if (resource === undefined) return
    this.#resources.set(resource, 'free')
    this.#enter({ type: 'opened', resource })
    assert.notEqual(this.#resources.get(resource), 'free', 'an opened resource has a place')
  }

  #openFailed(resource: ResourceId | undefined, isRefusal: boolean): void {
    if (resource === undefined) return
    const isReplacement = this.#resources.get(resource) === 'replacing'
    const wasWanted = this.#resources.get(resource) === 'opening'
    const tellsAll = wasWanted && (this.#live === 0 || !isRefusal)
    const { ceiling } = this.ledger.stats()
    const waiting = [...this.#waiting]
    if (isReplacement) this.#noReplacement(resource)
    this.#enter({ type: 'openFailed', resource, error: 'refused', isRefusal })
    assert.equal(this.#gone.has(resource), true)
    if (!isRefusal) assert.equal(this.ledger.stats().ceiling, ceiling)
    if (tellsAll)
      assert.deepEqual(
        waiting.map((waiter) => this.#answered.get(waiter)),
        waiting.map(() => 'refused'),
      )
    else assert.deepEqual(this.#waiting, waiting)
  }

  #checked(resource: ResourceId | undefined, ok: boolean): void {
    if (resource === undefined) return
    this.#resources.set(resource, 'free')
    this.#enter({ type: 'checked', resource, ok })
    assert.notEqual(this.#resources.get(resource), 'free')
    if (!ok) assert.equal(this.#resources.get(resource), 'cutting')
  }

  #release(resource: ResourceId | undefined): void {
    if (resource === undefined) return
    this.#resources.set(resource, 'free')
    const { by } = this.#replaced.get(resource) ?? {}
    const isOutdated = by !== undefined && this.#resources.get(by) !== 'replacing'
    this.#enter({ type: 'release', resource })
    assert.notEqual(this.#resources.get(resource), 'free')
    if (isOutdated)
      assert.match(String(this.#resources.get(resource)), /quitting|cutting/, 'outlived its replacement')
  }

  #discard(resource: ResourceId | undefined): void {
    if (resource === undefined) return
    this.#enter({ type: 'discard', resource, reason: undefined })
    assert.equal(this.#resources.get(resource), 'cutting')
  }

  /** Whatever its holder or its check says afterwards is late, and must change nothing. */
  #lost(resource: ResourceId | undefined): void {
    if (resource === undefined) return
    this.#enter({ type: 'lost', resource })
    assert.equal(this.#gone.has(resource), true)
    const before = this.ledger.stats()
    const late: LedgerEvent['type'][] = []
    for (const type of ['release', 'lost', 'closed'] as const) {
      if (this.ledger.apply({ type, resource }).length > 0) late.push(type)
    }
    if (this.ledger.apply({ type: 'checked', resource, ok: true }).length > 0) late.push('checked')
    assert.deepEqual(late, [])
    assert.deepEqual(this.ledger.stats(), before)
  }

  #closed(resource: ResourceId | undefined): void {
    if (resource !== undefined) this.#enter({ type: 'closed', resource })
  }

  #setMax(max: number): void {
    this.#max = max
    this.#enter({ type: 'setMax', max })
    const busy = this.#live + this.#ids('opening').length - this.#extra
    if (busy > max) assert.deepEqual(this.#ids('idle', 'opening'), [], 'kept above a lowered cap')
  }

  #close(): void {
    if (this.#phase === 'running') this.#phase = 'draining'
    this.#enter({ type: 'close' })
    assert.deepEqual(this.#ids('idle', 'opening', 'replacing'), [])
    assert.deepEqual([...this.#waiting, ...this.#named], [])
  }

  #destroy(): void {
    this.#phase = 'cutting'
    this.#enter({ type: 'destroy', reason: undefined })
    assert.deepEqual(this.#ids('idle', 'opening', 'replacing', 'checking', 'leased', 'quitting'), [])
    assert.deepEqual([...this.#named], [])
    assert.deepEqual(this.#waiting, [])
  }

  #enter(event: LedgerEvent): void {
    for (const effect of this.ledger.apply(event)) this.#see(effect)
    this.#expectSameBooks()
    this.#expectNobodyForgotten()
  }

  #see(effect: LedgerEffect): void {
    if (effect.type !== 'refuse') assert.equal(this.#drained, 0, 'something after drained')
    switch (effect.type) {
      case 'open':
        this.#seeOpen(effect.resource)
        break
      case 'abort':
        this.#move(effect.resource, ['opening', 'replacing'], 'aborting')
        this.#noReplacement(effect.resource)
        break
      case 'check':
        this.#move(effect.resource, ['free'], 'checking')
        break
      case 'idle':
        if (effect.isIdle) this.#move(effect.resource, ['free'], 'idle')
        else this.#move(effect.resource, ['idle'], 'free')
        break
      case 'close':
        this.#seeClose(effect.resource, effect.how)
        break
      case 'forget':
        this.#seeForget(effect.resource)
        break
      case 'grant':
        this.#move(effect.resource, ['free'], 'leased')
        if (!this.#named.has(effect.waiter)) {
          assert.equal(effect.waiter, this.#waiting[0], 'first come, first served')
        } else {
          assert.equal(this.#namedFor.get(effect.waiter), effect.resource, 'given to another')
        }
        this.#answer(effect.waiter, 'granted')
        break
      case 'reject':
        this.#answer(effect.waiter, String(effect.error))
        break
      case 'refuse':
        if (!this.#named.has(effect.waiter)) assert.notEqual(this.#phase, 'running')
        this.#answer(effect.waiter, 'refused: closed')
        break
      case 'limited':
        assert.ok(this.#live > 0)
        assert.equal(effect.ceiling, Math.min(this.#max, this.#live))
        break
      case 'drained':
        assert.notEqual(this.#phase, 'running')
        assert.deepEqual([...this.#resources], [])
        this.#drained += 1
        return
      default:
        effect satisfies never
    }
  }

  #seeOpen(resource: ResourceId): void {
    assert.equal(this.#resources.has(resource) || this.#gone.has(resource), false, 'an id used twice')
    assert.equal(this.#phase, 'running', 'opened while closing')
    if (this.#live === 0)
      assert.deepEqual(this.#ids('opening', 'replacing', 'aborting'), [], 'a second login before the first')
    const pair = this.#replacing === undefined ? undefined : this.#replaced.get(this.#replacing)
    if (pair !== undefined && pair.by === undefined) {
      pair.by = resource
      if (pair.waiter !== undefined) this.#namedFor.set(pair.waiter, resource)
      this.#resources.set(resource, 'replacing')
      return
    }
    this.#resources.set(resource, 'opening')
    const counted = this.#resources.size - this.#replaced.size
    assert.ok(counted <= this.#max, 'above max')
    assert.ok(counted <= this.ledger.stats().ceiling, 'above the ceiling')
  }

  #seeClose(resource: ResourceId, how: 'quit' | 'cut'): void {
    const from: Seen[] = ['free', 'checking', 'leased']
    if (how === 'quit') this.#move(resource, ['free'], 'quitting')
    else this.#move(resource, this.#phase === 'cutting' ? [...from, 'quitting'] : from, 'cutting')
  }

  #seeForget(resource: ResourceId): void {
    assert.equal(this.#gone.has(resource), false, 'gone twice')
    assert.equal(this.#resources.delete(resource), true)
    this.#gone.add(resource)
    this.#replaced.delete(resource)
  }

  #move(resource: ResourceId, from: Seen[], to: Seen): void {
    const state = this.#resources.get(resource)
    assert.ok(state !== undefined && from.includes(state), `resource ${resource}, ${state}, to ${to}`)
    this.#resources.set(resource, to)
  }

  #answer(waiter: WaiterId, how: string): void {
    const isNamed = this.#named.delete(waiter)
    assert.ok(isNamed || this.#waiting.includes(waiter), `waiter ${waiter} answered twice`)
    if (!isNamed) this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
    this.#answered.set(waiter, how)
  }

  #expectSameBooks(): void {
    const { ceiling, ...counts } = this.ledger.stats()
    assert.deepEqual(counts, {
      open: this.#live,
      idle: this.#ids('idle').length,
      leased: this.#ids('leased').length,
      opening: this.#ids('opening', 'replacing', 'aborting').length,
      closing: this.#ids('quitting', 'cutting').length,
      waiting: this.#waiting.length,
      max: this.#max,
    })
    assert.ok(ceiling >= 1)
    assert.ok(ceiling <= this.#max)
  }

  /** Somebody waits: then everything that may be done for them is being done. */
  #expectNobodyForgotten(): void {
    const waiting = this.#waiting.length
    const checking = this.#ids('checking').length
    if (checking < waiting) assert.deepEqual(this.#ids('idle'), [], 'idle while somebody waits')
    const isFirst = this.#live === 0
    const isTried = isFirst && this.#ids('opening', 'replacing', 'aborting').length > 0
    if (isTried || this.#resources.size - this.#replaced.size >= this.ledger.stats().ceiling) return
    const underWay = checking + this.#ids('opening').length
    assert.ok(underWay >= waiting, 'somebody waits and nothing is opened')
  }

  /** Live ones that stand beside their replacement. */
  get #extra(): number {
    return [...this.#replaced].filter(([old, { by }]) => {
      const isLive = this.#ids('free', 'idle', 'checking', 'leased').includes(old)
      return isLive && by !== undefined && this.#resources.get(by) !== 'replacing'
    }).length
  }

  get #live(): number {
    return this.#ids('free', 'idle', 'checking', 'leased').length
  }

  #ids(...states: Seen[]): ResourceId[] {
    return [...this.#resources].filter(([, state]) => states.includes(state)).map(([id]) => id)
  }

  #one(pick: number, ...states: Seen[]): ResourceId | undefined {
    const ids = this.#ids(...states)
    return ids[pick % ids.length]
  }
}
