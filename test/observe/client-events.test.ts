/** What a client tells: to listeners, to diagnostics channels, to a transcript, to NODE_DEBUG. And never a secret. */
import { spawn } from 'node:child_process'
import diagnostics from 'node:diagnostics_channel'
import type { EventEmitter } from 'node:events'
import { text } from 'node:stream/consumers'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { FtpClient, writeTranscript, type ClientEvents } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'
import { scriptedServer, type Dialogue } from '../support/scripted-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const NAMES = ['connect', 'disconnect', 'command', 'reply', 'transfer', 'retry'] as const

type Told = { [Name in keyof ClientEvents]: readonly [Name, ClientEvents[Name]] }[keyof ClientEvents]

function listenTo(ftp: FtpClient): Told[] {
  const told: Told[] = []
  for (const name of NAMES) (ftp as EventEmitter).on(name, (event) => told.push([name, event as never]))
  return told
}

/** Echoes the password, as some do. */
const indiscreet: Dialogue = async (control) => {
  control.reply('220-Hello', 'this is a test', '220 ready')
  await control.expect('USER octo').reply('331 password, please')
  await control.expect('PASS hunter-2-hunter').reply('230 welcome octo with hunter-2-hunter')
  await control.expect('FEAT').reply('500 no')
  await control.expect('SIZE a').reply('550 hunter-2-hunter has no a')
}

async function withIndiscreet(use: (ftp: FtpClient) => Promise<void>): Promise<void> {
  await using server = await scriptedServer(async (control, index) => {
    await indiscreet(control, index)
  })
  const { host, port } = server
  const ftp = new FtpClient({
    host,
    port,
    security: 'none',
    user: 'octo',
    password: 'hunter-2-hunter',
    retry: { attempts: 1 },
  })
  await use(ftp)
  await ftp.close()
}

describe('a client', () => {
  it('tells of its connections, commands and replies, without the password', async () => {
    let told: Told[] = []
    await withIndiscreet(async (ftp) => {
      told = listenTo(ftp)
      await using session = await ftp.session()
      await session.command('SIZE', 'a')
    })
    const shown = told.map(([name, event]) => {
      if (name === 'command') return `> ${event.command}`
      if (name === 'reply') return `< ${event.code} ${event.lines.join('|')}`
      return name
    })
    expect(shown).toEqual([
      '< 220 Hello|this is a test|ready',
      '> USER octo',
      '< 331 password, please',
      '> PASS ****',
      '< 230 welcome octo with ****',
      '> FEAT',
      '< 500 no',
      'connect',
      '> SIZE a',
      '< 550 **** has no a',
      '> QUIT',
      expect.stringMatching(/^< 221/),
      'disconnect',
    ])
    expect(told.find(([name]) => name === 'connect')?.[1]).toMatchObject({
      ...{ connection: 1, address: '127.0.0.1', tls: undefined },
      welcome: ['Hello', 'this is a test', 'ready', 'welcome octo with ****'],
    })
    expect(told.find(([name]) => name === 'disconnect')?.[1]).toMatchObject({
      reason: { code: 'ERR_FTP_CLOSED' },
    })
    expect(JSON.stringify(told)).not.toContain('hunter')
  })

  it('writes a transcript for people, until it is told to stop', async () => {
    const destination = new PassThrough()
    await withIndiscreet(async (ftp) => {
      const stop = writeTranscript(ftp, destination)
      await ftp.connect().catch(() => undefined)
      stop()
    }).catch(() => undefined)
    destination.end()
    const lines = (await text(destination)).split('\n')
    expect(lines.slice(0, 7)).toEqual([
      '[1] S->C: 220-Hello',
      '[1] S->C: this is a test',
      '[1] S->C: 220 ready',
      '[1] C->S: USER octo',
      '[1] S->C: 331 password, please',
      '[1] C->S: PASS ****',
      '[1] S->C: 230 welcome octo with ****',
    ])
    expect(lines.at(-2)).toBe('[1] C->S: SYST')
  })

  it('is heard on diagnostics channels', async () => {
    const heard: string[] = []
    const onCommand = (event: unknown): number => heard.push((event as ClientEvents['command']).command)
    const onReply = (event: unknown): number => heard.push(String((event as ClientEvents['reply']).code))
    diagnostics.subscribe('octoftp:command', onCommand)
    diagnostics.subscribe('octoftp:reply', onReply)
    try {
      await withIndiscreet(async (ftp) => {
        expect(await ftp.size('a').catch(() => 'TYPE is not in the script')).toBe('TYPE is not in the script')
      }).catch(() => undefined)
    } finally {
      diagnostics.unsubscribe('octoftp:command', onCommand)
      diagnostics.unsubscribe('octoftp:reply', onReply)
    }
    expect(heard.slice(0, 8)).toEqual([
      '220',
      'USER octo',
      '331',
      'PASS ****',
      '230',
      'FEAT',
      '500',
      'TYPE I',
    ])
  })

  it('tells of every call that is tried again', async () => {
    await using server = await scriptedServer(async (control, index) => {
      control.reply('220 ready')
      await control.expect(/^USER /).reply('230 come in')
      if (index === 0) await control.expect('FEAT').reply('211-these', ' MLST type*;', '211 End')
      if (index % 2 === 0) {
        await control.nextCommand()
        return control.reset()
      }
      if (index === 1) await control.expect('SIZE a').reply('213 1')
    })
    const { host, port } = server
    const retry = { attempts: 2, minDelay: 1, maxDelay: 1 }
    await using ftp = new FtpClient({ host, port, security: 'none', retry, maxConnections: 1 })
    const told = listenTo(ftp)
    const retries = (): unknown[] =>
      told.flatMap(([name, event]) => (name === 'retry' ? [(event.error as { code: string }).code] : []))
    // Each loses its first connection; whatever the second one answers is no matter here.
    await ftp.modified('a').catch(() => undefined)
    expect(retries()).toEqual(['ERR_FTP_CONTROL_CLOSED'])
    await ftp.listAll().catch(() => undefined)
    expect(retries().length).toBeGreaterThan(1)
    const before = retries().length
    await ftp.readFile('a').catch(() => undefined)
    expect(retries().length).toBeGreaterThan(before)
    server.errors.length = 0
  })

  it('a listener that throws is its own affair', async () => {
    const thrown: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', (error) => thrown.push(error))
    try {
      await withIndiscreet(async (ftp) => {
        ftp.once('connect', () => {
          throw new Error('mine')
        })
        await using session = await ftp.session()
        expect(await session.command('SIZE', 'a')).toMatchObject({ code: 550 })
      })
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
    expect(thrown).toEqual([new Error('mine')])
  })

  it('shows the conversation to who sets NODE_DEBUG', async () => {
    await using server = await scriptedServer(indiscreet)
    const index = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
    const program = `
      import { FtpClient } from ${JSON.stringify(index)}
      const ftp = new FtpClient('ftp://octo:hunter-2-hunter@127.0.0.1:${server.port}')
      const session = await ftp.session()
      await session.command('SIZE', 'a')
      session.release()
      await ftp.close()`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      ...{ env: { ...process.env, NODE_DEBUG: 'octoftp' }, stdio: ['ignore', 'ignore', 'pipe'] },
    })
    const shown = await text(child.stderr)
    expect(shown).toMatch(/OCTOFTP \d+: \[1\] C->S: PASS \*\*\*\*\n/)
    expect(shown).toMatch(/OCTOFTP \d+: \[1\] S->C: 550 \*\*\*\* has no a\n/)
    expect(shown).not.toContain('hunter')
  })
})

describeServers({ kinds: ['proftpd'], securities: ['explicit'] }, (server) => {
  it('tells of transfers and their states, of what is tried again, and of what server it is', async () => {
    await using folder = await temporaryDirectory()
    const { url, user, password, ca } = server()
    const ftp = new FtpClient(url, { user, password, tls: { ca } })
    const told = listenTo(ftp)
    const traced: string[] = []
    const channel = diagnostics.tracingChannel('octoftp:transfer')
    const note =
      (name: string) =>
      (facts: object): void => {
        traced.push(`${name} ${Object.keys(facts).join(',')}`)
      }
    const subscribers = {
      ...{ start: note('start'), end: note('end'), asyncStart: note('asyncStart') },
      ...{ asyncEnd: note('asyncEnd'), error: note('error') },
    }
    channel.subscribe(subscribers)
    server().write('file', 'content')
    try {
      await ftp.download('file', folder.at('file'))
      await ftp.upload(folder.at('file'), 'again')
      await ftp.download('none', folder.at('none')).catch(() => undefined)
    } finally {
      channel.unsubscribe(subscribers)
    }
    const states = told.flatMap(([name, event]) =>
      name === 'transfer' ? [`${event.type} ${event.path} ${event.state}`] : [],
    )
    expect(states.slice(0, 5)).toEqual([
      'download file queued',
      'download file connecting',
      'download file transferring',
      'download file verifying',
      'download file complete',
    ])
    expect(states).toContain('upload again complete')
    expect(states.at(-1)).toBe('download none failed')
    expect(traced).toEqual([
      'start type,path,host',
      'end type,path,host',
      'asyncStart type,path,host,result',
      'asyncEnd type,path,host,result',
      'start type,path,host',
      'end type,path,host',
      'asyncStart type,path,host,result',
      'asyncEnd type,path,host,result',
      'start type,path,host',
      'end type,path,host',
      'error type,path,host,error',
      'asyncStart type,path,host,error',
      'asyncEnd type,path,host,error',
    ])
    expect(ftp.server).toBeUndefined()
    const facts = await ftp.connect()
    expect(ftp.server).toBe(facts)
    expect(facts).toMatchObject({
      address: '127.0.0.1',
      system: 'UNIX Type: L8',
      tls: { protocol: 'TLSv1.3' },
    })
    expect(facts.welcome.join(' ')).toMatch(/ProFTPD/)
    expect(facts.features.has('MLST')).toBe(true)
    expect((await ftp.features()).names).toEqual(facts.features.names)
    await ftp.close()
    const connections = told.filter(([name]) => name === 'connect').length
    expect(told.filter(([name]) => name === 'disconnect')).toHaveLength(connections)
    expect(JSON.stringify(told.filter(([name]) => name !== 'transfer'))).not.toContain(password)
  })
})
