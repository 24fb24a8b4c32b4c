/**
 * The promise to the server, across the fleet: never more connections than its limit. Each worker holds a number of
 * them on lease, in Redis:
 *
 *   fleet:<host>:limits   connections, bytesPerSecond, leaseMs
 *   fleet:<host>:held     worker -> how many it may have open
 *   fleet:<host>:until    worker -> when its lease ends, by the clock of Redis (a sorted set)
 *
 * One script does all of it, so that the sum of what is held stays within the limit:
 *
 * - A worker says how many it has open, and is told how many it may have. More is its own at once; fewer is asked for,
 *   and stays its own until it says that it has closed them. Shares are equal, so those who come get theirs from those
 *   who have more, between two jobs.
 * - A lease that has ended is no one's. Its holder has cut its connections before that, by its own monotonic clock,
 *   counted from when it asked for the lease.
 * - A Redis that was killed may have forgotten the last second, and with it what it granted then. So for the length of
 *   a lease after its start it grants nothing to anyone: by then all of them have told what they hold, or hold nothing.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Redis } from 'ioredis'

export interface Limits {
  /** The most at a time, of all workers together. */
  readonly connections: number
  /** Of all workers together. */
  readonly bytesPerSecond: number
  readonly leaseMs: number
}

export interface Share extends Limits {
  /** How many this worker may have open; fewer than it has where it is to give some back. */
  readonly allowed: number
}

const RENEW = `
local limits, held, ends = KEYS[1], KEYS[2], KEYS[3]
local holder, holding, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local limit = tonumber(redis.call('HGET', limits, 'connections'))
local leaseMs = tonumber(redis.call('HGET', limits, 'leaseMs'))
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)

for _, ended in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', nowMs)) do
  redis.call('ZREM', ends, ended)
  redis.call('HDEL', held, ended)
end
-- It was too slow: what it held may be another's by now.
if holding > 0 and not redis.call('ZSCORE', ends, holder) then return false end
redis.call('ZADD', ends, nowMs + leaseMs, holder)
redis.call('HSET', held, holder, holding)

local used = 0
for _, count in ipairs(redis.call('HVALS', held)) do used = used + count end
local holders = redis.call('ZRANGE', ends, 0, -1)
table.sort(holders)
local fair = math.floor(limit / #holders)
for place, name in ipairs(holders) do
  if name == holder and place <= limit % #holders then fair = fair + 1 end
end

local upSeconds = tonumber(string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)'))
local free = math.max(0, limit - used)
if upSeconds * 1000 < leaseMs then free = 0 end
local allowed = math.min(fair, most, holding + free)
redis.call('HSET', held, holder, math.max(holding, allowed))
return { allowed, limit, redis.call('HGET', limits, 'bytesPerSecond'), leaseMs }
`

export async function setLimits(redis: Redis, host: string, limits: Limits): Promise<void> {
  const { connections, bytesPerSecond, leaseMs } = limits
  await redis.hset(keysOf(host)[0], { connections, bytesPerSecond, leaseMs })
}

/** How many connections the workers hold: worker by worker, those that are gone left out. */
export async function heldConnections(redis: Redis, host: string): Promise<ReadonlyMap<string, number>> {
  const [, held, ends] = keysOf(host)
  const [seconds] = await redis.time()
  const alive = new Set(await redis.zrangebyscore(ends, Number(seconds) * 1000, '+inf'))
  const counts = Object.entries(await redis.hgetall(held)).filter(([holder]) => alive.has(holder))
  return new Map(counts.map(([holder, count]) => [holder, Number(count)]))
}

export class ConnectionLease {
  readonly #redis: Redis
  readonly #host: string
  readonly #holder: string
  readonly #most: number

  /** @param most connections that it has a use for */
  constructor(redis: Redis, host: string, most: number) {
    this.#redis = redis
    this.#host = host
    this.#holder = `${hostname()}-${process.pid}-${randomUUID()}`
    this.#most = most
  }

  /** @returns `undefined` where the lease has ended: it has nothing, and may ask again with 0 */
  async renew(holding: number): Promise<Share | undefined> {
    const keys = keysOf(this.#host)
    const answer = await this.#redis.eval(RENEW, keys.length, ...keys, this.#holder, holding, this.#most)
    if (answer === null) return undefined
    const [allowed = 0, connections = 0, bytesPerSecond = 0, leaseMs = 0] = (answer as unknown[]).map(Number)
    return { allowed, connections, bytesPerSecond, leaseMs }
  }

  /** Its connections are closed. */
  async release(): Promise<void> {
    const [, held, ends] = keysOf(this.#host)
    await this.#redis.multi().hdel(held, this.#holder).zrem(ends, this.#holder).exec()
  }
}

function keysOf(host: string): [limits: string, held: string, until: string] {
  return [`fleet:${host}:limits`, `fleet:${host}:held`, `fleet:${host}:until`]
}
