/** Every call that takes options refuses a name that it does not know: it would be ignored, and nobody would notice. */
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  download,
  FtpClient,
  hashFile,
  list,
  mirror,
  planMirror,
  runJob,
  parseListing,
  Transfer,
  TransferQueue,
  upload,
  type FtpSession,
  type MirrorJob,
} from '../src/index.ts'
import { mptcp } from '../src/mptcp.ts'
import { ftpProxy, httpProxy } from '../src/proxy.ts'
import { fakeFtpServer } from './support/fake-ftp-server.ts'

/** Both are closed before the first test: what is accepted does nothing. */
let client: FtpClient
let session: FtpSession
let url: string

beforeAll(async () => {
  await using server = await fakeFtpServer({ security: 'none' })
  url = server.url('/x')
  client = new FtpClient({ host: '127.0.0.1', port: server.port, security: 'none' })
  session = await client.session()
  session.release()
  await client.close()
})
afterAll(() => client.destroy())

type Call = (options: object) => unknown

interface Case {
  /** The exported types of its options. */
  readonly types: readonly string[]
  readonly call: Call
  readonly typo: string
  readonly meant: string
  /** By a promise, as whatever else is wrong with its options. */
  readonly rejects?: true
}

const HOST = { host: 'ftp.example.org' }
const JOB: MirrorJob = {
  ...{ id: 'x', source: 'ftp://127.0.0.1/', target: '/nowhere', options: {} },
  ...{ type: 'directory', path: '', above: [] },
}

const calls: Readonly<Record<string, Case>> = {
  'new FtpClient(options)': {
    ...{ types: ['FtpClientOptions'], call: (options) => new FtpClient({ ...HOST, ...options }) },
    ...{ typo: 'maxconnections', meant: 'maxConnections' },
  },
  'new FtpClient(url, options)': {
    ...{ types: ['FtpClientOptions'], call: (options) => new FtpClient('ftp://ftp.example.org', options) },
    ...{ typo: 'pasword', meant: 'password' },
  },
  'timeouts of a client': {
    ...{ types: ['FtpClientOptions'], call: (timeouts) => new FtpClient({ ...HOST, timeouts }) },
    ...{ typo: 'timeouts.relpy', meant: 'timeouts.reply' },
  },
  'retry of a client': {
    ...{ types: ['FtpClientOptions'], call: (retry) => new FtpClient({ ...HOST, retry }) },
    ...{ typo: 'retry.mindelay', meant: 'retry.minDelay' },
  },
  'active of a client': {
    ...{ types: ['FtpClientOptions'], call: (active) => new FtpClient({ ...HOST, active }) },
    ...{ typo: 'active.port', meant: 'active.ports' },
  },
  'download by URL': {
    types: ['OneShotDownloadOptions', 'DownloadOptions', 'FtpClientOptions'],
    call: (options) => download(url, '/nowhere/x', { client, ...options }),
    ...{ typo: 'conections', meant: 'connections' },
  },
  'a source of a download': {
    types: [],
    call: (source) => download([{ url, ...source }], '/nowhere/x', { client }),
    ...{ typo: 'source.usr', meant: 'source.user' },
  },
  'verify of a download by URL': {
    types: ['OneShotDownloadOptions'],
    call: (verify) => download(url, '/nowhere/x', { client, verify }),
    ...{ typo: 'verify.checkSum', meant: 'verify.checksum' },
  },
  'upload to a URL': {
    types: ['OneShotUploadOptions', 'UploadOptions', 'FtpClientOptions'],
    call: (options) => upload(Buffer.from('x'), url, { client, ...options }),
    ...{ typo: 'Atomic', meant: 'atomic' },
  },
  'mirror of a URL': {
    types: ['OneShotMirrorOptions', 'MirrorOptions', 'FtpClientOptions'],
    call: (options) => mirror(url, '/nowhere', { client, ...options }),
    ...{ typo: 'dryrun', meant: 'dryRun' },
  },
  'mirror to a URL': {
    types: ['OneShotMirrorOptions'],
    call: (options) => mirror('/nowhere', url, { client, ...options }),
    ...{ typo: 'dry-run', meant: 'dryRun' },
  },
  planMirror: {
    types: ['PlanMirrorOptions', 'PlanOptions', 'FtpClientOptions'],
    call: (options) => planMirror(url, '/nowhere', { client, ...options }),
    ...{ typo: 'rangebytes', meant: 'rangeBytes' },
  },
  runJob: {
    // Those of a mirror in a job are data, and looked at when it is done.
    types: ['RunJobOptions', 'MirrorJobOptions'],
    call: (options) => runJob({ ...JOB, source: url }, { client, ...options }),
    ...{ typo: 'singal', meant: 'signal' },
  },
  'list of a URL': {
    types: ['OneShotListOptions', 'ListOptions', 'FtpClientOptions'],
    call: (options) => list(url, { client, ...options }),
    ...{ typo: 'timezone', meant: 'timeZone' },
  },
  'client.download': {
    ...{ types: ['DownloadOptions'], call: (options) => client.download('x', '/nowhere/x', options) },
    ...{ typo: 'verfy', meant: 'verify' },
  },
  'verify of client.download': {
    ...{ types: ['DownloadOptions'], call: (verify) => client.download('x', '/nowhere/x', { verify }) },
    ...{ typo: 'verify.sze', meant: 'verify.size' },
  },
  'verify.expect of client.download': {
    types: ['DownloadOptions'],
    call: (expected) => client.download('x', '/nowhere/x', { verify: { expect: expected } }),
    ...{ typo: 'verify.expect.SHA-256', meant: 'verify.expect.sha256' },
  },
  'on of client.download': {
    ...{ types: ['DownloadOptions'], call: (on) => client.download('x', '/nowhere/x', { on }) },
    ...{ typo: 'on.progres', meant: 'on.progress' },
  },
  'client.upload': {
    ...{ types: ['UploadOptions'], call: (options) => client.upload('/nowhere/x', 'x', options) },
    ...{ typo: 'overwirte', meant: 'overwrite' },
  },
  'on of client.upload': {
    ...{ types: ['UploadOptions'], call: (on) => client.upload('/nowhere/x', 'x', { on }) },
    ...{ typo: 'on.State', meant: 'on.state' },
  },
  'client.mirrorDown': {
    ...{ types: ['MirrorOptions'], call: (options) => client.mirrorDown('x', '/nowhere', options) },
    ...{ typo: 'max_delete', meant: 'maxDelete' },
  },
  'client.mirrorUp': {
    ...{ types: ['MirrorOptions'], call: (options) => client.mirrorUp('/nowhere', 'x', options) },
    ...{ typo: 'exlude', meant: 'exclude' },
  },
  'on of client.mirrorUp': {
    ...{ types: ['MirrorOptions'], call: (on) => client.mirrorUp('/nowhere', 'x', { on }) },
    ...{ typo: 'on.entyr', meant: 'on.entry' },
  },
  'client.walk': {
    ...{ types: ['WalkOptions'], call: (options) => client.walk('x', options) },
    ...{ typo: 'followlinks', meant: 'followLinks' },
  },
  'client.list': {
    ...{ types: ['ListOptions'], call: (options) => client.list('x', options) },
    ...{ typo: 'sginal', meant: 'signal' },
  },
  'client.createReadStream': {
    ...{ types: ['ReadStreamOptions'], call: (options) => client.createReadStream('x', options) },
    ...{ typo: 'strat', meant: 'start' },
  },
  'client.createWriteStream': {
    ...{ types: ['WriteStreamOptions'], call: (options) => client.createWriteStream('x', options) },
    ...{ typo: 'highWatermark', meant: 'highWaterMark' },
  },
  'client.checksum': {
    ...{ types: ['ChecksumRangeOptions'], call: (options) => client.checksum('x', 'md5', options) },
    ...{ typo: 'ends', meant: 'end' },
  },
  'client.remove': {
    ...{ types: ['RemoveOptions'], call: (options) => client.remove('x', options) },
    ...{ typo: 'recusive', meant: 'recursive' },
  },
  'client.mkdir': {
    ...{ types: ['MakeDirectoryOptions'], call: (options) => client.mkdir('x', options) },
    ...{ typo: 'recursiv', meant: 'recursive' },
  },
  'client.listAll': {
    ...{ types: ['ListOptions'], call: (options) => client.listAll('x', options), rejects: true },
    ...{ typo: 'timeZome', meant: 'timeZone' },
  },
  'client.readFile': {
    ...{ types: ['ReadFileOptions'], call: (options) => client.readFile('x', options), rejects: true },
    ...{ typo: 'encodign', meant: 'encoding' },
  },
  'client.writeFile': {
    ...{ types: ['UploadOptions'], call: (options) => client.writeFile('x', '', options), rejects: true },
    ...{ typo: 'apend', meant: 'append' },
  },
  hashFile: {
    ...{
      types: ['HashFileOptions'],
      call: (options) => hashFile('/nowhere/x', 'md5', options),
      rejects: true,
    },
    ...{ typo: 'onprogress', meant: 'onProgress' },
  },
  parseListing: {
    ...{ types: ['ParseListingOptions'], call: (options) => parseListing('', options) },
    ...{ typo: 'fromat', meant: 'format' },
  },
  'new TransferQueue': {
    ...{ types: ['TransferQueueOptions'], call: (options) => new TransferQueue(options) },
    ...{ typo: 'concurency', meant: 'concurrency' },
  },
  'queue.add': {
    types: ['QueuedTransferOptions'],
    call: (options) => new TransferQueue().add(() => client.download('x', '/nowhere/x'), options),
    ...{ typo: 'startat', meant: 'startAt' },
  },
  'queue.idle': {
    ...{ types: [], call: (options) => new TransferQueue().idle(options), rejects: true },
    ...{ typo: 'singal', meant: 'signal' },
  },
  mptcp: {
    ...{ types: ['MptcpOptions'], call: (options) => mptcp(options) },
    ...{ typo: 'onconnection', meant: 'onConnection' },
  },
  ftpProxy: {
    ...{ types: ['FtpProxyOptions'], call: (options) => ftpProxy('ftp://proxy.example', options) },
    ...{ typo: 'logim', meant: 'login' },
  },
  httpProxy: {
    ...{ types: ['HttpProxyOptions'], call: (options) => httpProxy('https://proxy.example', options) },
    ...{ typo: 'tsl', meant: 'tls' },
  },
  'session.retrieve': {
    ...{ types: ['SessionTransferOptions'], call: (options) => session.retrieve('x', options) },
    ...{ typo: 'offset', meant: '' },
  },
  'session.store': {
    ...{
      types: ['SessionTransferOptions'],
      call: (options) => session.store('x', '', options),
      rejects: true,
    },
    ...{ typo: 'stat', meant: 'start' },
  },
  'session.append': {
    ...{ types: ['SessionTypeOptions'], call: (options) => session.append('x', '', options), rejects: true },
    ...{ typo: 'typ', meant: 'type' },
  },
  'session.storeUnique': {
    ...{ types: ['SessionTypeOptions'], call: (options) => session.storeUnique('', options), rejects: true },
    ...{ typo: 'paths', meant: 'path' },
  },
  'session.command': {
    ...{ types: ['CommandOptions'], call: (options) => session.command('NOOP', undefined, options) },
    ...{ typo: 'sercet', meant: 'secret' },
  },
  'session.site': {
    ...{ types: ['CommandOptions'], call: (options) => session.site('HELP', options) },
    ...{ typo: 'secrets', meant: 'secret' },
  },
  ...asking({
    'client.connect': (options) => client.connect(options),
    'client.features': (options) => client.features(options),
    'client.session': (options) => client.session(options),
    'client.size': (options) => client.size('x', options),
    'client.modified': (options) => client.modified('x', options),
    'client.stat': (options) => client.stat('x', options),
    'client.exists': (options) => client.exists('x', options),
    'client.rename': (options) => client.rename('x', 'y', options),
    'client.chmod': (options) => client.chmod('x', 0o644, options),
    'client.setModified': (options) => client.setModified('x', new Date(0), options),
    'session.list': (options) => session.list('x', options),
    'session.machineList': (options) => session.machineList('x', options),
    'session.nameList': (options) => session.nameList('x', options),
    'session.rawList': (options) => session.rawList('x', options),
    'session.size': (options) => session.size('x', options),
    'session.modificationTime': (options) => session.modificationTime('x', options),
    'session.makeDirectory': (options) => session.makeDirectory('x', options),
    'session.removeDirectory': (options) => session.removeDirectory('x', options),
    'session.delete': (options) => session.delete('x', options),
    'session.rename': (options) => session.rename('x', 'y', options),
    'session.changeDirectory': (options) => session.changeDirectory('x', options),
    'session.workingDirectory': (options) => session.workingDirectory(options),
    'session.allocate': (options) => session.allocate(1, options),
    'session.noop': (options) => session.noop(options),
  }),
}

/** Those that have a signal alone. */
function asking(all: Readonly<Record<string, Call>>): Record<string, Case> {
  const cases = Object.entries(all).map(([name, call]) => [
    name,
    { types: ['AskOptions'], call, typo: 'signla', meant: 'signal', rejects: true },
  ])
  return Object.fromEntries(cases) as Record<string, Case>
}

/** What becomes of a call: how it fails, and by what. */
async function outcomeOf(call: Call, options: object): Promise<{ how: string; error?: unknown }> {
  let result: unknown
  try {
    result = call(options)
  } catch (error) {
    return { how: 'throws', error }
  }
  if (result instanceof Readable) result.on('error', () => {}).destroy()
  try {
    await (result instanceof Transfer ? result.result : result)
    return { how: 'accepts' }
  } catch (error) {
    return { how: 'rejects', error }
  }
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

describe.each(Object.entries(calls))('%s', (_name, { call, typo, meant, rejects = false }) => {
  test('a name that is not known is refused, and the one that was meant is told', async () => {
    const { how, error } = await outcomeOf(call, { [lastOf(typo)]: true })
    expect(error).toBeInstanceOf(TypeError)
    const hint = meant === '' ? 'it must be one of ' : `did you mean "${meant}"?`
    expect((error as TypeError).message).toContain(`There is no option "${typo}"; ${hint}`)
    expect(how).toBe(rejects ? 'rejects' : 'throws')
  })

  test('with the value undefined it counts as not given', async () => {
    const { error } = await outcomeOf(call, { [lastOf(typo)]: undefined })
    expect(error).not.toBeInstanceOf(TypeError)
  })
})

test('whatever is exported as options is here', async () => {
  const files = ['index', 'proxy', 'mptcp'].map((name) => new URL(`../src/${name}.ts`, import.meta.url))
  const text = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n')
  const exported = new Set(text.match(/\b[A-Z]\w*Options\b/g))
  // Its names are those of Node's `tls.connect`.
  exported.delete('TlsOptions')
  const here = new Set(Object.values(calls).flatMap(({ types }) => types))
  expect([...here].sort()).toEqual([...exported].sort())
})
