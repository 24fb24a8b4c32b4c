/**
 * How long a large listing takes to read: octoftp and basic-ftp in turn, in one process, the same text. octoftp gives
 * the time of every entry; basic-ftp does so for MLSD only, and leaves dates of LIST as they were printed. The `facts`
 * of octoftp's entries, for which basic-ftp has nothing, are made when they are looked at, and nobody does here.
 * `node --import tsx bench/listings.ts --help`
 */
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parseList } from 'basic-ftp'
import { parseListing } from '../src/listing/parse-listing.ts'
import { thisMachine } from './harness/machine.ts'
import { spread } from './harness/statistics.ts'

const usage = `node --import tsx bench/listings.ts [options]

  --lines N           of each listing (100000)
  --rounds N          that count; two before them do not (9)
  --only A,B          octoftp, basic-ftp (both)
  --collect           garbage before each time, so that each begins with a small heap
`

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '9' },
    only: { type: 'string', default: 'octoftp,basic-ftp' },
    collect: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const LINES = Number(values.lines)
const ROUNDS = Number(values.rounds)
const WARM_UPS = 2
const NOW = new Date('2026-11-21T12:00:00Z')
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** What there is to beat: octoftp's median as a part of basic-ftp's. */
interface Listing {
  readonly name: string
  readonly line: (index: number) => string
  readonly timeZone: string
  readonly target: number
}

const listings: readonly Listing[] = [
  { name: 'LIST, Unix', line: unixLine, timeZone: 'UTC', target: 1 },
  { name: 'LIST, Unix, in Berlin', line: unixLine, timeZone: 'Europe/Berlin', target: 1 },
  { name: 'MLSD, ProFTPD', line: proftpdLine, timeZone: 'UTC', target: 0.5 },
  { name: 'MLSD, FileZilla', line: fileZillaLine, timeZone: 'UTC', target: 0.5 },
]

function digits(number: number, width: number): string {
  return String(number).padStart(width, '0')
}

/** Two of three files are of the last months, as `ls` tells them. */
function unixLine(index: number): string {
  const month = MONTHS[index % 12] ?? ''
  const day = String(1 + (index % 28)).padStart(2)
  const time =
    index % 3 === 0 ? ` ${2000 + (index % 26)}` : `${digits(index % 24, 2)}:${digits(index % 60, 2)}`
  const mode = index % 10 === 0 ? 'drwxr-xr-x' : '-rw-r--r--'
  const size = String((index * 7919) % 1_000_000_000).padStart(12)
  return `${mode}   1 ftp      ftp  ${size} ${month} ${day} ${time} file number ${index}.dat`
}

function mlsdTime(index: number): string {
  const [month, day] = [digits(1 + (index % 12), 2), digits(1 + (index % 28), 2)]
  return `${2000 + (index % 26)}${month}${day}${digits(index % 24, 2)}${digits(index % 60, 2)}07`
}

function proftpdLine(index: number): string {
  const isDirectory = index % 10 === 0
  const size = isDirectory ? '' : `size=${(index * 7919) % 1_000_000_000};`
  const owner = 'UNIX.group=1000;UNIX.groupname=staff;UNIX.mode=0644;UNIX.owner=1001;UNIX.ownername=anna;'
  const type = isDirectory ? 'dir' : 'file'
  const unique = `FD00U${(0x100_000 + index).toString(16)}`
  return `modify=${mlsdTime(index)};perm=adfrw;${size}type=${type};unique=${unique};${owner} file number ${index}.dat`
}

function fileZillaLine(index: number): string {
  const isDirectory = index % 10 === 0
  const size = isDirectory ? '' : `size=${(index * 7919) % 1_000_000_000};`
  return `type=${isDirectory ? 'dir' : 'file'};${size}modify=${mlsdTime(index)};perm=awrfd; file number ${index}.dat`
}

const parsers = {
  octoftp: (text: string, timeZone: string) => parseListing(text, { now: NOW, timeZone }),
  'basic-ftp': (text: string) => parseList(text),
} as const
type ParserName = keyof typeof parsers

function isParser(name: string): name is ParserName {
  return name in parsers
}

/** Of the processor, that of the garbage collector included: what else the machine does counts little. */
function milliseconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Milliseconds, after a check that all has been read. */
function measure(parser: ParserName, text: string, timeZone: string): number {
  if (values.collect) collectGarbage()
  const start = milliseconds()
  const entries = parsers[parser](text, timeZone)
  const elapsed = milliseconds() - start
  const last = entries.at(-1)
  if (entries.length !== LINES || last?.name !== `file number ${LINES - 1}.dat`) {
    throw new Error(`${parser} has ${entries.length} entries of ${LINES}, the last is ${String(last?.name)}`)
  }
  return elapsed
}

/** Whether both read the same: all names and kinds, sizes of files, and the times where basic-ftp has them. */
function checkSame(text: string, timeZone: string): void {
  const theirs = parsers['basic-ftp'](text)
  for (const [index, ours] of parsers.octoftp(text, timeZone).entries()) {
    const { name, size, isDirectory, modifiedAt = ours.modifiedAt } = theirs[index] ?? {}
    // Sizes of directories mean nothing.
    const isSame =
      ours.name === name &&
      (ours.type === 'directory') === isDirectory &&
      (isDirectory || ours.size === size) &&
      ours.modifiedAt?.getTime() === modifiedAt?.getTime()
    if (!isSame) throw new Error(`${ours.raw} is not the same to both`)
  }
}

/** Whether octoftp takes no more of basic-ftp's time than it may. */
function contest({ name, line, timeZone, target }: Listing, contestants: readonly ParserName[]): boolean {
  const text = Array.from({ length: LINES }, (_, index) => `${line(index)}\r\n`).join('')
  checkSame(text, timeZone)
  const times = new Map(contestants.map((parser) => [parser, [] as number[]]))
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    // Each round begins with the other one.
    for (const [parser, of] of round % 2 === 0 ? times : [...times].reverse()) {
      const elapsed = measure(parser, text, timeZone)
      if (round >= 0) of.push(elapsed)
    }
  }
  const medians = contestants.map((parser) => spread(times.get(parser) ?? [])?.median ?? NaN)
  const shown = contestants.map((parser, index) => `${parser} ${(medians[index] ?? NaN).toFixed(1)} ms`)
  const [ours = NaN, theirs] = medians
  if (theirs === undefined) {
    console.log(`${name.padEnd(24)} ${shown.join(', ')}`)
    return true
  }
  const isGood = ours <= target * theirs
  const verdict = `${(ours / theirs).toFixed(2)} of it, at most ${target}: ${isGood ? 'good' : 'too slow'}`
  console.log(`${name.padEnd(24)} ${shown.join(', ')}: ${verdict}`)
  return isGood
}

function main(): void {
  const contestants = values.only.split(',').filter(isParser)
  if (contestants.length === 0) throw new RangeError(`no such parser: ${values.only}`)
  const { cores, processor, node } = thisMachine()
  console.log(
    `${LINES} lines, medians of ${ROUNDS} rounds, processor time; Node ${node}, ${cores} × ${processor}`,
  )
  const results = listings.map((listing) => contest(listing, contestants))
  if (results.includes(false)) process.exitCode = 1
}

if (values.help) console.log(usage)
else main()
