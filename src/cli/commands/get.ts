/** `octoftp get`: a file from one server or from several mirrors, or several files. */
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { addAbortSignal } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { text as textOf } from 'node:stream/consumers'
import {
  download,
  parseSources,
  TransferQueue,
  type DownloadResult,
  type OneShotDownloadOptions,
  type Transfer,
} from '../../index.ts'
import type { CommandContext, RunCommand } from '../command.ts'
import { clientOptions, withClient, type ConnectionOptions } from '../connection-options.ts'
import { EXIT } from '../exit.ts'
import { exitCodeOfAll } from '../exit-code.ts'
import { checked, Interrupted, LocalFailure, UsageError } from '../failures.ts'
import { credentialsOf, type Credentials } from '../login/credentials.ts'
import type { ChecksumOption } from '../option-values.ts'
import { tellFailure } from '../one-by-one.ts'
import { nameIn, readPlace, warning, type Place } from '../place.ts'
import { downloadText } from '../text/result-text.ts'
import { reasonOf } from '../explain.ts'
import { TransferView } from '../view/follow.ts'

export interface GetOptions extends ConnectionOptions {
  readonly connections?: number | 'auto'
  readonly sources?: string
  readonly output?: string
  readonly continue?: boolean
  readonly each?: boolean
  readonly overwrite?: 'replace' | 'skip' | 'error'
  readonly checksum?: ChecksumOption
}

/** How many files at once. */
const FILES_AT_ONCE = 3

export const run: RunCommand<GetOptions> = async (context, urls, options) => {
  const places = await readPlaces(context, urls, options)
  if (options.output === '-') return toStdout(context, places, options)
  if (options.each === true) return fetchEach(context, places, options)
  return fetchOne(context, places, options)
}

async function readPlaces(
  { output, signal }: CommandContext,
  urls: readonly string[],
  options: GetOptions,
): Promise<Place[]> {
  const given = await Promise.all(urls.map((url) => readPlace(url, warning(output))))
  const listed = options.sources === undefined ? [] : await readSources(options.sources, signal)
  const places = [...given, ...listed]
  if (places.length === 0)
    throw new UsageError('There is nothing to get: give a URL, or a file with URLs by --sources')
  return places
}

/** Passwords in it can be seen only by those who can read it. */
async function readSources(file: string, signal: AbortSignal): Promise<Place[]> {
  let text: string
  try {
    text = file === '-' ? await textOf(addAbortSignal(signal, process.stdin)) : await readFile(file, 'utf8')
  } catch (error) {
    throw new LocalFailure(`The file of --sources cannot be read: ${reasonOf(error)}`)
  }
  const urls = checked(() => parseSources(text))
  return Promise.all(urls.map((url) => readPlace(url, () => {})))
}

async function fetchOne(
  context: CommandContext,
  places: readonly Place[],
  options: GetOptions,
): Promise<number> {
  const target = await targetOf(places, options.output)
  using view = new TransferView(context.output)
  const settings = downloadOptions(context, options)
  const [place] = places
  const fetching =
    place !== undefined && places.length === 1
      ? withClient(place, options, (client) =>
          follow(
            context,
            view,
            target,
            checked(() => client.download(place.url.path, target, settings)),
          ),
        )
      : fetchFromMirrors(context, view, target, places, options)
  await fetching
  return EXIT.fine
}

async function fetchFromMirrors(
  context: CommandContext,
  view: TransferView,
  target: string,
  places: readonly Place[],
  options: GetOptions,
): Promise<void> {
  const logins = await credentialsOf(places, options, warning(context.output))
  const settings = await oneShotOptions(context, options)
  const sources = places.map((place, index) => sourceOf(place, logins[index]))
  await follow(
    context,
    view,
    target,
    checked(() => download(sources, target, settings)),
  )
}

async function fetchEach(
  context: CommandContext,
  places: readonly Place[],
  options: GetOptions,
): Promise<number> {
  if (Object.keys(options.checksum?.expected ?? {}).length > 0 && places.length > 1)
    throw new UsageError(
      'One checksum cannot be that of several files: --checksum auto asks the server for each',
    )
  const logins = await credentialsOf(places, options, warning(context.output))
  const settings = await oneShotOptions(context, options)
  const targets = await Promise.all(places.map((place) => targetOf([place], options.output)))
  const twice = targets.find((target, index) => targets.indexOf(target) !== index)
  if (twice !== undefined)
    throw new UsageError(`Two of the URLs would both become ${twice}: fetch one by itself`)
  using view = new TransferView(context.output)
  const queue = new TransferQueue({ concurrency: FILES_AT_ONCE })
  const failures: unknown[] = []
  queue.on('failed', ({ item, error }) => {
    failures.push(error)
    if (!context.signal.aborted) tellFailure(context.output, item.name ?? '', error)
  })
  const told: Promise<void>[] = []
  const begin = (place: Place, index: number): Transfer<DownloadResult> => {
    const transfer = checked(() => download([sourceOf(place, logins[index])], targets[index] ?? '', settings))
    // What it fails with is told by the queue.
    told.push(follow(context, view, targets[index] ?? '', transfer).catch(() => {}))
    return transfer
  }
  places.forEach((place, index) => {
    queue.add(() => begin(place, index), { name: place.text })
  })
  await queue.idle()
  await Promise.all(told)
  context.signal.throwIfAborted()
  return exitCodeOfAll(failures)
}

async function follow(
  { output }: CommandContext,
  view: TransferView,
  target: string,
  transfer: Transfer<DownloadResult>,
): Promise<void> {
  try {
    const result = await view.follow(target, transfer)
    output.event('result', { name: target, ...result })
    output.say(`${target}: ${downloadText(result)}`)
  } catch (error) {
    if (error instanceof Interrupted && existsSync(`${target}.octoftp-part`))
      output.say(`${target}: what has come is kept; the same command goes on with it`)
    throw error
  }
}

async function toStdout(
  context: CommandContext,
  places: readonly Place[],
  options: GetOptions,
): Promise<number> {
  const [place] = places
  if (place === undefined || places.length > 1)
    throw new UsageError('--output - is for one file from one server')
  if (options.checksum !== undefined)
    throw new UsageError('--checksum needs a file: what has gone to stdout cannot be taken back')
  if (options.log === '-' || context.output.options.json)
    throw new UsageError('With --output - nothing else goes to stdout: leave out --json, and --log -')
  await withClient(place, options, (client) =>
    pipeline(client.createReadStream(place.url.path, { signal: context.signal }), context.output.stdout, {
      end: false,
    }),
  )
  return EXIT.fine
}

function downloadOptions({ signal }: CommandContext, options: GetOptions): OneShotDownloadOptions {
  const { checksum } = options
  return {
    signal,
    connections: options.connections,
    resume: options.continue,
    keepPartial: options.continue === true ? true : undefined,
    overwrite: options.overwrite,
    verify: { checksum: checksum?.auto === true ? 'auto' : false, expect: checksum?.expected },
  }
}

async function oneShotOptions(context: CommandContext, options: GetOptions): Promise<OneShotDownloadOptions> {
  const shared = await clientOptions(options)
  return { ...shared, ...downloadOptions(context, options), bytesPerSecond: options.limit }
}

function sourceOf({ href }: Place, login: Credentials | undefined): { url: string } & Partial<Credentials> {
  return { url: href, ...login }
}

/** The local path: what is given, or the name in the URL; below a directory that is given. */
async function targetOf(places: readonly Place[], given: string | undefined): Promise<string> {
  const isDirectory = given !== undefined && (/[\\/]$/.test(given) || (await isLocalDirectory(given)))
  if (given !== undefined && !isDirectory) return given
  const names = new Set(places.map(nameIn))
  const [name] = names
  if (names.size > 1) {
    throw new UsageError(
      `The URLs name different files (${[...names].join(', ')}). Are they mirrors of one file: say by --output what it is to be called. Are they several files: --each`,
    )
  }
  if (name === undefined) {
    throw new UsageError(
      'The URL ends without the name of a file: say by --output what it is to be called, or fetch a directory with octoftp mirror',
    )
  }
  return given === undefined ? name : join(given, name)
}

async function isLocalDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
