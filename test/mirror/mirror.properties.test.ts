/** Random trees, edited at random on both sides: after a mirror with `delete` both are the same, and nothing else is. */
import { mkdirSync, utimesSync } from 'node:fs'
import { dirname } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FtpClient, type MirrorOptions } from '../../src/index.ts'
import { availableServers } from '../servers/index.ts'
import { sharedServer } from '../servers/vitest.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { inspect, pathOf, plant, removeAt, type Tree } from './support/trees.ts'

const RUNS = 25
/** A run that does not end by itself is no run. */
const LONGEST_MS = 100_000

/** Few, so that the two sides have the same names, now as a file and now as a directory. */
const NAMES = ['a', 'b', 'A', '.c', 'a b', ' d', '-e', '日本', '[f]', '100%', '"g"', 'é', 'e\u0301'] as const

const nameOf = fc.constantFrom(...NAMES)
/** Some around the size from which files are brought over in another way. */
const sizeOf = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(1_048_576, 1_048_577, 2_500_000) },
)
/** Seconds since 1970, so far apart that none is taken for another. */
const timeOf = fc.integer({ min: 0, max: 50 }).map((step) => 1_600_000_000 + step * 100)

interface RandomFile {
  readonly path: readonly string[]
  readonly size: number
  readonly seed: number
  readonly seconds: number
  readonly isDirectory: boolean
}

const fileOf: fc.Arbitrary<RandomFile> = fc.record({
  path: fc.array(nameOf, { minLength: 1, maxLength: 4 }),
  size: sizeOf,
  seed: fc.nat(1_000_000),
  seconds: timeOf,
  isDirectory: fc.boolean(),
})

/** Both sides, from what they have in common, what each has of its own, and what each has lost of it. */
const scenario = fc.record({
  both: fc.array(fileOf, { maxLength: 25 }),
  source: fc.array(fileOf, { maxLength: 8 }),
  target: fc.array(fileOf, { maxLength: 8 }),
  lost: fc.array(fc.nat(100), { maxLength: 4 }),
  connections: fc.integer({ min: 1, max: 4 }),
})

const server = availableServers().includes('pyftpdlib') ? sharedServer('pyftpdlib') : undefined
let ftp: FtpClient
let runs = 0

beforeAll(() => {
  if (server === undefined) return
  const { url, user, password } = server()
  ftp = new FtpClient(url, { user, password, maxConnections: 4 })
})

afterAll(async () => {
  if (server !== undefined) await ftp.close()
})

test.skipIf(server === undefined).each(['down', 'up'] as const)(
  '%s',
  async (side) => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ both, source, target, lost, connections }) => {
        await using folder = await temporaryDirectory()
        const name = `${side} ${runs++}`
        const remote = server?.().makeDirectory(`${name}/tree`) ?? ''
        const local = folder.at('tree')
        mkdirSync(local)
        const [from, to] = side === 'down' ? [remote, local] : [local, remote]
        plant(dirname(remote), { beside: 'x' })
        plant(folder.path, { beside: 'x' })
        for (const root of [from, to]) for (const one of both) put(root, one)
        for (const one of source) put(from, one)
        for (const one of target) put(to, one)
        for (const at of lost) remove(to, at)
        for (const at of lost) remove(from, at * 7)
        const expected = inspect(from)

        const options: MirrorOptions = {
          delete: true,
          allowEmptySource: true,
          maxDelete: Infinity,
          connections,
        }
        const mirror = () =>
          side === 'down'
            ? ftp.mirrorDown(`${name}/tree`, local, options)
            : ftp.mirrorUp(local, `${name}/tree`, options)
        const { failures } = await mirror()
        expect(failures).toEqual([])
        expect(inspect(from)).toEqual(expected)
        expect(withoutSame(inspect(to), expected)).toEqual({})
        expect(withoutSame(expected, inspect(to))).toEqual({})
        expect(await mirror()).toMatchObject({ transferred: 0, deleted: 0, directoriesMade: 0, failures: [] })
        for (const root of [dirname(remote), folder.path]) {
          expect(Object.keys(inspect(root)).filter((path) => !path.startsWith('tree'))).toEqual(['beside'])
        }
        expect(ftp.stats()).toMatchObject({ leased: 0, waiting: 0 })
      }),
      {
        numRuns: RUNS,
        timeout: 10_000,
        interruptAfterTimeLimit: LONGEST_MS,
        markInterruptAsFailure: true,
        endOnFailure: true,
      },
    )
  },
  LONGEST_MS + 30_000,
)

/** Unless something of another type stands in the way. */
function put(root: string, { path, size, seed, seconds, isDirectory }: RandomFile): void {
  const there = inspect(root)
  const above = path.slice(0, -1).map((_, at) => path.slice(0, at + 1).join('/'))
  if (above.some((directory) => there[directory]?.type === 'file')) return
  const whole = path.join('/')
  const isThere = there[whole]?.type
  if (isThere !== undefined && (isThere === 'directory' || isDirectory)) return
  const tree: Tree = { [whole]: isDirectory ? null : randomBytes(size, seed) }
  plant(root, tree)
  if (!isDirectory) utimesSync(pathOf(root, whole), seconds, seconds)
}

function remove(root: string, at: number): void {
  const paths = Object.keys(inspect(root))
  const path = paths[at % Math.max(1, paths.length)]
  if (path !== undefined) removeAt(root, path)
}

/**
 * What differs. Files of one size and time are taken for the same, whatever is in them: these are left out where both
 * are there, for that is what was asked for.
 */
function withoutSame(one: ReturnType<typeof inspect>, other: ReturnType<typeof inspect>): object {
  return Object.fromEntries(
    Object.entries(one).filter(([path, { type, content, modified }]) => {
      const beside = other[path]
      if (beside?.type !== type) return true
      if (type === 'directory') return false
      const sizes = [content, beside.content].map((text) => text.split(' ')[0])
      return sizes[0] !== sizes[1] || (content !== beside.content && modified !== beside.modified)
    }),
  )
}
