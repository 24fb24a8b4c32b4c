/** One download in a virtual clock: the board, the paces, the stealing and the controller as they are, no sockets. */
import { Board } from '../../../src/segmented/board.ts'
import { ConnectionController } from '../../../src/segmented/controller.ts'
import type { SegmentJob } from '../../../src/segmented/job.ts'
import { SegmentJob as Job } from '../../../src/segmented/job.ts'
import { Paces } from '../../../src/segmented/pace.ts'
import { planSegments } from '../../../src/segmented/plan.ts'
import { RetryBudget } from '../../../src/operations/retry.ts'
import type { Flow, Network } from './network.ts'

export interface Simulated {
  /** Until the last byte. */
  readonly seconds: number
  readonly logins: number
  readonly mostConnections: number
  readonly finalConnections: number
  readonly splits: number
  readonly robberies: number
  /** How often a connection went on at the end of its segment. */
  readonly onwards: number
}

export interface SimulationOptions {
  readonly network: Network
  readonly size: number
  readonly connections: number | { readonly auto: number }
}

const STEP_SECONDS = 0.01
const LOOK_EVERY = 0.1
const AUTO_EVERY = 0.05
const MOST_ROBBERIES = 3
const ROBBED_WAITS = 1
const RETRY_WAITS = 0.5
/** As long as no download here can take: it hangs. */
const MOST_SECONDS = 50_000

type State = 'new' | 'logging in' | 'idle' | 'starting' | 'flowing' | 'resting' | 'refused'

interface Worker {
  state: State
  until: number
  login: number
  session: object | undefined
  job: SegmentJob | undefined
  /** Part of a byte. */
  remainder: number
  since: number
  /** Bytes that come once more on the way to what is missing. */
  skips: number
}

/** @throws Error if a byte is fetched twice or never, or if it does not end */
export function simulate(options: SimulationOptions): Simulated {
  return new Simulation(options).run()
}

class Simulation {
  readonly #network: Network
  readonly #size: number
  readonly #board: Board
  readonly #paces = new Paces(() => this.#now * 1_000)
  readonly #controller: ConnectionController | undefined
  readonly #workers: Worker[]
  #now = 0
  #logins = 0
  #splits = 0
  #onwards = 0
  #robberies = 0
  #arrived = 0
  #most = 0
  #wanted: number

  constructor({ network, size, connections }: SimulationOptions) {
    this.#network = network
    this.#size = size
    const most = typeof connections === 'number' ? connections : connections.auto
    this.#controller = typeof connections === 'number' ? undefined : new ConnectionController(most)
    this.#wanted = this.#controller?.wanted ?? most
    const jobs = planSegments(size, this.#wanted, 1_048_576).map(
      (segment) => new Job({ ...segment, size, retries: budget() }),
    )
    this.#board = new Board({
      ...{ size, jobs, done: [], newBudget: budget },
      speedOf: (job) => this.#paces.speedOf(job),
      currentSpeedOf: (job) => this.#paces.currentSpeedOf(job),
    })
    this.#workers = Array.from({ length: most }, () => ({
      ...{
        state: 'new',
        until: 0,
        login: -1,
        session: undefined,
        job: undefined,
        remainder: 0,
        since: 0,
        skips: 0,
      },
    }))
  }

  run(): Simulated {
    let looked = 0
    let adjusted = 0
    while (!this.#board.isDone) {
      if (this.#now > MOST_SECONDS) throw new Error('It does not end')
      this.#workers.forEach((worker, index) => this.#advance(worker, index))
      this.#flow()
      this.#now += STEP_SECONDS
      if (this.#now - looked >= LOOK_EVERY) {
        looked = this.#now
        this.#paces.look()
      }
      if (this.#now - adjusted >= AUTO_EVERY) {
        adjusted = this.#now
        this.#adjust()
      }
    }
    if (this.#arrived !== this.#size) throw new Error(`${this.#arrived} of ${this.#size} bytes arrived`)
    return {
      ...{ seconds: this.#now, logins: this.#logins, mostConnections: this.#most },
      ...{ finalConnections: this.#wanted, splits: this.#splits, robberies: this.#robberies },
      onwards: this.#onwards,
    }
  }

  #adjust(): void {
    if (this.#controller === undefined) return
    const speeds = this.#workers.flatMap(({ state, job }) =>
      state === 'flowing' && job !== undefined ? [this.#paces.currentSpeedOf(job) ?? 0] : [],
    )
    const { startSeconds } = this.#paces.typical
    const left = this.#size - this.#arrived
    const view = { now: this.#now * 1_000, bytes: this.#arrived, speeds, startSeconds, left }
    this.#wanted = this.#controller.look(view)
  }

  #advance(worker: Worker, index: number): void {
    if (index >= this.#wanted) {
      if (worker.job !== undefined) this.#giveBack(worker, 'idle')
      return
    }
    if (this.#now < worker.until) return
    if (worker.state === 'new' && this.#board.hasWork(this.#paces.typical)) this.#logIn(worker)
    else if (worker.state === 'logging in' || worker.state === 'resting')
      worker.state = worker.session ? 'idle' : 'new'
    else if (worker.state === 'starting') this.#begins(worker)
    if (worker.state === 'idle') this.#take(worker)
  }

  #logIn(worker: Worker): void {
    const open = this.#workers.filter(({ session }) => session !== undefined).length
    if (open >= this.#network.mostConnections) {
      worker.state = 'refused'
      worker.until = Infinity
      this.#controller?.limit(open)
      return
    }
    Object.assign(worker, { state: 'logging in', until: this.#now + this.#network.loginSeconds })
    // A connection that was lost comes back as the same: as fast, and with what else will befall it.
    if (worker.login < 0) worker.login = this.#workers.filter(({ login }) => login >= 0).length
    worker.session = {}
    this.#logins += 1
    this.#most = Math.max(this.#most, open + 1)
  }

  #take(worker: Worker): void {
    const found = this.#board.take(this.#paces.of(worker.session ?? {}), undefined, this.#idle(worker))
    if (found === undefined) return
    if ('rob' in found) {
      this.#rob(found.rob)
      return
    }
    if (found.from !== undefined) this.#splits += 1
    this.#paces.began(found.job, worker.session)
    Object.assign(worker, { state: 'starting', job: found.job, remainder: 0, skips: 0 })
    worker.until = this.#now + this.#network.startSeconds
  }

  #idle(except: Worker): number {
    return this.#workers.filter((worker, index) => {
      return (
        worker !== except && index < this.#wanted && worker.job === undefined && worker.state !== 'refused'
      )
    }).length
  }

  #rob(job: SegmentJob): void {
    const victim = this.#workers.find((worker) => worker.job === job)
    if (victim === undefined || job.robberies >= MOST_ROBBERIES) return
    job.robberies += 1
    this.#robberies += 1
    this.#paces.ended(job, victim.session ?? {})
    this.#board.putBackShared(job, Math.max(1, this.#idle(victim)))
    // Its session is given up: it stood still.
    Object.assign(victim, { state: 'resting', job: undefined, session: undefined })
    victim.until = this.#now + ROBBED_WAITS
  }

  #giveBack(worker: Worker, state: State): void {
    const { job } = worker
    if (job === undefined) return
    this.#paces.ended(job, worker.session ?? {})
    this.#board.putBack(job)
    Object.assign(worker, { state, job: undefined })
  }

  #begins(worker: Worker): void {
    if (worker.job === undefined) return
    Object.assign(worker, { state: 'flowing', since: this.#now })
    this.#paces.firstByte(worker.job)
  }

  #flow(): void {
    const flowing = this.#workers.filter(({ state }) => state === 'flowing')
    const rates = this.#network.rates(
      flowing.map(({ login, since }): Flow => ({ login, since })),
      this.#now,
    )
    flowing.forEach((worker, index) => this.#move(worker, rates[index] ?? 0))
  }

  #move(worker: Worker, rate: number): void {
    const { job } = worker
    if (job === undefined) return
    if (this.#network.isLost(worker.login, this.#now - STEP_SECONDS, this.#now)) {
      this.#giveBack(worker, 'resting')
      Object.assign(worker, { until: this.#now + RETRY_WAITS, session: undefined })
      return
    }
    const exact = rate * STEP_SECONDS + worker.remainder
    const skipped = Math.min(Math.floor(exact), worker.skips)
    worker.skips -= skipped
    const bytes = Math.min(Math.floor(exact) - skipped, job.end - job.position)
    worker.remainder = exact - Math.floor(exact)
    job.position += bytes
    this.#arrived += bytes
    if (job.position < job.end || this.#goesOn(worker, job)) return
    this.#paces.ended(job, worker.session ?? {})
    this.#finished(job)
    Object.assign(worker, { state: 'idle', job: undefined })
  }

  #finished(job: SegmentJob): void {
    this.#board.finished(job)
    this.#board.settle()
  }

  #goesOn(worker: Worker, job: SegmentJob): boolean {
    const session = worker.session ?? {}
    const known = this.#paces.of(session)
    const { end } = job
    const pace = { ...known, bytesPerSecond: this.#paces.speedOf(job) ?? known.bytesPerSecond }
    const next = this.#board.goOn(job, end, pace, this.#paces.typical, undefined)
    if (next === undefined) return false
    this.#onwards += 1
    if (next === job) return true
    this.#paces.wentOn(job, next, session)
    this.#finished(job)
    Object.assign(worker, { job: next, skips: next.position - end })
    return true
  }
}

function budget(): RetryBudget {
  const policy = { attempts: 10, minDelay: 0, maxDelay: 0, factor: 1, jitter: 0 }
  return new RetryBudget(policy, undefined, Math.random)
}
