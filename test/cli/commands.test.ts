/** The commands, as programs that are started: what they do, say, and end with. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificate } from '../support/certificates.ts'
import { sharedServer } from '../servers/vitest.ts'
import { CONTENT, serve } from './support/serve.ts'
import { builtCli, type BuiltCli, type Outcome } from './support/built-cli.ts'

const SHA256 = createHash('sha256').update(CONTENT).digest('hex')

let cli: BuiltCli

beforeAll(async () => {
  cli = await builtCli()
})
afterAll(() => cli[Symbol.asyncDispose]())

async function folder(name: string): Promise<string> {
  await mkdir(cli.at(name))
  return name
}

/** Ctrl-C when the first bytes have gone by. */
function interruptedAtWork(child: ChildProcess): void {
  const onText = (text: Buffer): void => {
    if (!/"bytes":\d{6,}/.test(text.toString())) return
    // Once: a second one would end it on the spot.
    child.stdout?.off('data', onText)
    child.kill('SIGINT')
  }
  child.stdout?.on('data', onText)
}

function events({ stdout }: Outcome): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('octoftp', () => {
  it('tells its version and its commands', async () => {
    expect((await cli.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    const { stdout, exitCode } = await cli.run(['--help'])
    expect(exitCode).toBe(0)
    for (const name of ['get', 'put', 'ls', 'mirror', 'rm', 'hash', 'connections', 'shell'])
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect((await cli.run(['get', '--help'])).stdout).toContain('--connections')
  })

  it.each([
    [['gett', 'x'], 'Did you mean get?'],
    [['ftp://octo:secret@ftp.example.org/x'], 'octoftp get URL'],
    [['get', '--limt', '5', 'x'], 'Did you mean --limit?'],
    [['get', '--limit', 'fast', 'x'], 'such as 500k'],
    [['get', '-n', '65', 'x'], 'from 1 to 64, or auto'],
    [['get'], 'give a URL'],
    [['get', 'ftp.example.org/x'], 'did you mean ftp://ftp.example.org/x?'],
    [['get', 'http://ftp.example.org/x'], 'supported are ftp:'],
    [['get', 'ftp://ftp.example.org/'], 'say by --output'],
    [['get', 'ftp://a.example.org/x', 'ftp://a.example.org/y'], '--each'],
    [['get', 'nobody:x'], 'octoftp connections list'],
    [['mirror', 'a', 'b'], 'one of both is a URL'],
    [['put', 'x'], '--help'],
    [['rm', '-r', 'ftp://ftp.example.org//'], 'name something in it'],
    [['connections', 'ad'], 'list, add and remove'],
  ])('%j is a mistake in the request, and it says what to do', async (words, hint) => {
    const { exitCode, stderr, stdout } = await cli.run(words)
    expect([exitCode, stdout]).toEqual([4, ''])
    expect(stderr).toContain(hint)
    expect(stderr).toMatch(/--help/)
    expect(stderr).not.toContain('secret')
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(3)
  })
})

describe('get', () => {
  it('brings a file, by several connections, with one line about it', async () => {
    const server = await serve()
    const { exitCode, stdout, stderr } = await cli.run(['get', server.url('/pub/disk.iso'), '-o', 'one.iso'])
    expect([exitCode, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/^one\.iso: 5\.0 MiB in .* over \d connections\n$/)
    expect((await readFile(cli.at('one.iso'))).equals(CONTENT)).toBe(true)
  })

  it('takes several URLs for mirrors of one file', async () => {
    const [first, second] = [await serve(), await serve()]
    const into = await folder('mirrors')
    const urls = [first, second].map((server) => server.url('/pub/disk.iso'))
    const { exitCode } = await cli.run(['get', '-o', into, ...urls])
    expect(exitCode).toBe(0)
    expect((await readFile(cli.at(into, 'disk.iso'))).equals(CONTENT)).toBe(true)
    expect(first.retrievals.length).toBeGreaterThan(0)
    expect(second.retrievals.length).toBeGreaterThan(0)
  })

  it('reads mirrors from a file', async () => {
    const server = await serve()
    const password = server.url('/pub/disk.iso').replace('://', '://octo:secret@')
    await writeFile(cli.at('sources.txt'), `# mirrors\n${password}\n`)
    const outcome = await cli.run(['get', '-t', 'sources.txt', '-o', 'listed.iso'])
    expect(outcome.exitCode).toBe(0)
    expect(server.commands[0]).toEqual(expect.arrayContaining(['USER octo', 'PASS secret']))
    expect(outcome.stderr).not.toContain('secret')
  })

  it('takes several URLs for several files with --each, and goes on behind one that fails', async () => {
    const server = await serve({ files: { '/a': CONTENT, '/b': Buffer.from('b') } })
    const into = await folder('each')
    const urls = ['/a', '/missing', '/b'].map((path) => server.url(path))
    const { exitCode, stderr } = await cli.run(['get', '--each', '-o', into, ...urls])
    expect(exitCode).toBe(3)
    expect(stderr).toContain('missing')
    expect((await readdir(cli.at(into))).sort()).toEqual(['a', 'b'])
  })

  it('tells programs of each that fails, as put and rm do', async () => {
    const server = await serve({ on: { STOR: (session) => session.reply('553 Not here') } })
    await writeFile(cli.at('small.txt'), 'small')
    const missing = ['/none', '/nothing'].map((path) => server.url(path))
    const outcomes = [
      [3, await cli.run(['get', '--json', '--each', '-o', await folder('nothing'), ...missing])],
      [6, await cli.run(['put', '--json', 'small.txt', 'small.txt', server.url('/pub/')])],
      [5, await cli.run(['rm', '--json', ...missing])],
    ] as const
    for (const [exitCode, outcome] of outcomes) {
      expect(outcome.exitCode).toBe(exitCode)
      const told = events(outcome).filter(({ event }) => event === 'error')
      const code = expect.stringMatching(/^ERR_FTP_/) as unknown
      expect(told).toMatchObject(Array(2).fill({ exitCode, error: { code } }))
      expect(outcome.stderr).toContain((told[0]?.['error'] as Error).message)
    }
  })

  it('is cancelled while it waits for the list of mirrors', async () => {
    // It warns before it reads.
    const onStart = (child: ChildProcess): void => void child.stderr?.once('data', () => child.kill('SIGINT'))
    const words = ['get', '-t', '-', 'ftp://octo:secret@ftp.example.org/x']
    const outcome = await cli.run(words, { isInputLeftOpen: true, onStart })
    expect(outcome).toMatchObject({
      exitCode: 130,
      stderr: expect.stringMatching(/\nCancelled\n$/) as string,
    })
  })

  it('checks a checksum', async () => {
    const server = await serve()
    const url = server.url('/pub/disk.iso')
    const right = await cli.run(['get', '-o', 'right.iso', '--checksum', `sha256=${SHA256}`, url])
    expect([right.exitCode, right.stderr]).toEqual([0, expect.stringContaining('as expected') as string])
    const wrong = await cli.run([
      'get',
      '-o',
      'wrong.iso',
      '--checksum',
      'md5=00000000000000000000000000000000',
      url,
    ])
    expect(wrong.exitCode).toBe(7)
    expect(await readdir(cli.folder)).not.toContain('wrong.iso')
  })

  it('writes to stdout, and nothing else there', async () => {
    const server = await serve({ files: { '/a': Buffer.from('hello\n') } })
    const { stdout, exitCode } = await cli.run(['get', server.url('/a'), '-o', '-'])
    expect([exitCode, stdout]).toEqual([0, 'hello\n'])
  })

  it('takes no checksum, and no other output, where the file goes to stdout', async () => {
    const server = await serve()
    for (const words of [['--checksum', 'auto'], ['--json'], ['--log', '-']]) {
      const { exitCode, stdout } = await cli.run(['get', '-o', '-', ...words, server.url('/pub/disk.iso')])
      expect([exitCode, stdout.includes('\0')], words.join(' ')).toEqual([4, false])
    }
  })

  it('sends the password of the environment to one host only', async () => {
    const [first, second] = [await serve(), await serve()]
    const urls = [first, second].map((one) => one.url('/pub/disk.iso').replace('://', '://octo@'))
    await cli.run(['rm', ...urls])
    const sent = [first, second].map(({ commands }) => commands.flat().includes('PASS open sesame'))
    expect(sent).toEqual([true, false])
  })

  it.each([
    [['put', 'ftp://u:secret@h/x', 'ftp://h/y']],
    [['get', '--limit', 'ftp://u:secret@h/x', 'ftp://h/y']],
    [['connections', 'ftp://u:secret@h/x']],
  ])('shows no password that was written in the wrong place: %j', async (words) => {
    const { exitCode, stderr } = await cli.run(words)
    expect([exitCode, stderr.includes('secret')]).toEqual([4, false])
  })

  it('tells programs what happens, as events', async () => {
    const server = await serve()
    const all = events(await cli.run(['get', '--json', '-o', 'events.iso', server.url('/pub/disk.iso')]))
    expect(all.at(-1)).toMatchObject({ event: 'result', name: 'events.iso', bytes: CONTENT.length })
    expect(all.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['state', 'progress', 'segment', 'verify']),
    )
    const failed = events(await cli.run(['get', '--json', server.url('/none')]))
    expect(failed.at(-1)).toMatchObject({ event: 'error', exitCode: 3, error: { code: 'ERR_FTP_NOT_FOUND' } })
  })

  it('writes a transcript, without the password', async () => {
    const server = await serve()
    const url = server.url('/pub/disk.iso').replace('://', '://octo@')
    await cli.run(['get', '--log', 'log.txt', '-o', 'logged.iso', url])
    const log = await readFile(cli.at('log.txt'), 'utf8')
    expect(log).toMatch(/^\[1\] S->C: 220 .*\n(?:.*\n)*\[1\] C->S: PASS \*\*\*\*\n/)
    expect(log).not.toContain('sesame')
    const { stdout } = await cli.run(['get', '--log', '-', '-o', 'logged.iso', url])
    expect(stdout).toMatch(/^\[1\] S->C: 220 /)
  })

  it('cancels in order at Ctrl-C, says how to go on, and goes on', async () => {
    const server = await serve({ bytesPerSecond: 1_000_000 })
    const words = ['get', '-c', '--json', '-o', 'later.iso', server.url('/pub/disk.iso')]
    const broken = await cli.run(words, {
      onStart: interruptedAtWork,
    })
    expect(broken.exitCode).toBe(130)
    expect(broken.stderr).toContain('the same command goes on with it')
    const again = events(await cli.run(words))
    expect(again.at(-1)).toMatchObject({ event: 'result', bytes: CONTENT.length })
    expect(again.at(-1)?.['resumedBytes']).toBeGreaterThan(0)
    expect((await readFile(cli.at('later.iso'))).equals(CONTENT)).toBe(true)
  })

  it('escapes what servers send', async () => {
    const server = await serve({
      files: {},
      on: { SIZE: (session) => session.reply('550 \u001b[2Jgone\u0007') },
    })
    const { stderr, stdout } = await cli.run(['get', '--log', '-', server.url('/x')])
    expect(stderr + stdout).toContain('\\x1b[2Jgone')
    const shown = (stderr + stdout).replaceAll('\n', '')
    expect(Array.from(shown).filter((character) => character < ' ')).toEqual([])
  })
})

describe('failures', () => {
  it.each([
    [1, 'ftp://127.0.0.1:1/x', 'Are host and port right?'],
    [1, 'ftp://nosuchhost.invalid/x', 'spelled right'],
  ])('end with %d for %s', async (code, url, hint) => {
    const { exitCode, stderr } = await cli.run(['get', '--retries', '0', url])
    expect(exitCode).toBe(code)
    expect(stderr).toContain(hint)
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  it('end with 2 for a wrong password, which is shown nowhere', async () => {
    const server = await serve({ users: { octo: 'right' } })
    const url = server.url('/pub/disk.iso').replace('://', '://octo:wrongsecret@')
    const { exitCode, stderr, stdout } = await cli.run(['get', '--log', '-', url])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('OCTOFTP_PASSWORD')
    expect(stderr).toContain('A password in a URL can be seen')
    expect(stderr + stdout).not.toContain('wrongsecret')
  })

  it('end with 5 where the server lacks a command, and 6 where it does not allow one', async () => {
    const server = await serve({
      unsupported: ['DELE'],
      on: { STOR: (session) => session.reply('553 Not here') },
    })
    expect((await cli.run(['rm', server.url('/pub/disk.iso')])).exitCode).toBe(5)
    await writeFile(cli.at('small.txt'), 'small')
    expect((await cli.run(['put', 'small.txt', server.url('/pub/')])).exitCode).toBe(6)
  })

  it('of a certificate say how to trust it', async () => {
    const server = await serve()
    const url = server.url('/pub/disk.iso', 'ftpes')
    const refused = await cli.run(['get', '-o', 'tls.iso', url])
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('--ca FILE') as string])
    await writeFile(cli.at('ca.pem'), (await certificate()).ca)
    expect((await cli.run(['get', '-o', 'tls.iso', '--ca', 'ca.pem', url])).exitCode).toBe(0)
    expect((await cli.run(['get', '-o', 'tls.iso', '--insecure', url])).exitCode).toBe(0)
  })
})

describe('output that nobody takes', () => {
  let program: string
  beforeAll(() => void (program = `'${process.execPath}' '${cli.program}'`))

  it.skipIf(process.platform === 'win32')(
    'ends a transfer in order, when whoever reads has had enough',
    async () => {
      const server = await serve({ bytesPerSecond: 500_000 })
      const into = await folder('enough')
      const words = `get --no-continue --json -o '${into}' '${server.url('/pub/disk.iso')}'`
      const { stdout, stderr } = await runShell(`(${program} ${words}; echo $? >&2) | head -n 1`)
      expect([stdout, stderr]).toEqual([expect.stringMatching(/^{.*}\n$/), '141\n'])
      expect(await readdir(cli.at(into)), 'nothing is left').toEqual([])
    },
  )

  it.runIf(process.platform === 'linux').each([
    ['ls', '> /dev/full', 'Cannot write to stdout'],
    ['hash', '> /dev/full', 'Cannot write to stdout'],
    ['ls', '--log /dev/full', 'The file of --log cannot be written'],
  ])('%s %s is a failure, told once', async (command, to, reason) => {
    const server = await serve()
    const file = command === 'hash' ? cli.program : server.url('/pub/disk.iso')
    const { status, stderr, stdout } = await runShell(`${program} ${command} '${file}' ${to}`)
    expect([status, stderr.split(reason).length - 1, stderr]).toEqual([
      7,
      1,
      expect.stringMatching(/^[^\n]+ENOSPC[^\n]+\n$/),
    ])
    if (to.startsWith('--log')) expect(stdout, 'what was asked for is done').toContain('disk.iso')
  })

  async function runShell(line: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const child = spawn('sh', ['-c', line], { cwd: cli.folder, env: cli.environment() })
    const ended = once(child, 'close') as Promise<[number | null]>
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { status, stdout, stderr }
  }
})

it.runIf(process.platform === 'linux')('a password in a URL leaves the list of processes', async () => {
  const server = await serve({ bytesPerSecond: 200_000 })
  const url = server.url('/pub/disk.iso').replace('://', '://octo:secret@')
  let listed = ''
  await cli.run(['get', '--json', '-o', 'listed.iso', url], {
    onStart: (child) => {
      child.stdout?.once('data', () => {
        listed = readFileSync(`/proc/${child.pid}/cmdline`, 'latin1')
        child.kill('SIGINT')
      })
    },
  })
  expect(listed).toMatch(/^octoftp\0*$/)
})

describe('logins', () => {
  it('come from .netrc, unless it is not to be used', async () => {
    const server = await serve()
    await writeFile(cli.at('netrc'), `machine ${server.host} login netty password from-netrc\n`)
    const environment = { NETRC: cli.at('netrc'), OCTOFTP_PASSWORD: '' }
    await cli.run(['get', '-o', 'netrc.iso', server.url('/pub/disk.iso')], { environment })
    expect(server.commands[0]).toEqual(expect.arrayContaining(['USER netty', 'PASS from-netrc']))
    const before = server.logins.length
    await cli.run(['get', '--no-netrc', '-o', 'netrc.iso', server.url('/pub/disk.iso')], { environment })
    expect(server.logins[before]).toMatchObject({ user: 'anonymous' })
  })

  it('are saved, without the password unless it is asked for', async () => {
    const server = await serve()
    const url = server.url('').replace('://', '://octo@').replace(/\/$/, '')
    const environment = { OCTOFTP_CONNECTIONS: cli.at('saved.json') }
    await cli.run(['connections', 'add', 'work', url], { environment })
    expect(await readFile(cli.at('saved.json'), 'utf8')).not.toContain('sesame')
    await cli.run(['connections', 'add', 'secret', url, '--save-password'], { environment })
    const { stdout } = await cli.run(['connections'], { environment })
    expect(stdout).toMatch(/^secret {2}ftp:\/\/octo@.* with its password\nwork {4}ftp:\/\/octo@.*\d\n$/)
    const got = await cli.run(['get', 'secret:/pub/disk.iso', '-o', 'saved.iso'], {
      environment: { ...environment, OCTOFTP_PASSWORD: '' },
    })
    expect(got.exitCode).toBe(0)
    expect(server.commands[0]).toEqual(expect.arrayContaining(['USER octo', 'PASS open sesame']))
    expect((await cli.run(['connections', 'remove', 'work'], { environment })).exitCode).toBe(0)
    expect(events(await cli.run(['connections', '--json'], { environment }))).toMatchObject([
      { event: 'connection', name: 'secret', hasPassword: true },
    ])
  })
})

describe('on a real server', () => {
  const server = sharedServer('ftp-srv')
  const url = (path: string): string => `ftp://${server().user}@${server().host}:${server().port}${path}`

  it('put, ls, hash, get and rm', async () => {
    await writeFile(cli.at('disk.img'), CONTENT)
    expect(await cli.run(['put', 'disk.img', url('/copy.img')])).toMatchObject({ exitCode: 0, stdout: '' })
    expect((await cli.run(['put', '-', url('/words.txt')], { input: 'words' })).exitCode).toBe(0)
    const { stdout } = await cli.run(['ls', '-l', url('/')])
    expect(stdout).toMatch(/^-r\S+ .* 5\.0 MiB {2}20.* {2}copy\.img\n.* {2}words\.txt\n$/m)
    expect(events(await cli.run(['ls', '--json', url('/')]))).toMatchObject([
      { event: 'entry', name: 'copy.img', type: 'file', size: CONTENT.length },
      { event: 'entry', name: 'words.txt', size: 5 },
    ])
    expect((await cli.run(['ls', url('/copy.img')])).stdout).toBe('copy.img\n')
    expect((await cli.run(['ls', url('/none')])).exitCode).toBe(3)
    expect((await cli.run(['hash', 'disk.img'])).stdout).toBe(`${SHA256}  disk.img\n`)
    const one = await cli.run(['hash', 'missing', 'disk.img'])
    expect(one.stdout, 'the others are done').toBe(`${SHA256}  disk.img\n`)
    expect([one.exitCode, one.stderr]).toEqual([7, expect.stringMatching(/^missing: .*does not exist/)])
    expect((await cli.run(['hash', url('/copy.img')])).exitCode).toBe(5)
    expect((await cli.run(['rm', url('/copy.img'), url('/words.txt')])).exitCode).toBe(0)
    expect((await cli.run(['ls', url('/')])).stdout).toBe('')
  })

  it.skipIf(process.platform === 'win32')('names that would move the cursor are escaped', async () => {
    const name = 'ev\u001b[2J\u009bil'
    server().write(name, CONTENT)
    for (const words of [['ls'], ['ls', '-l'], ['ls', '--json'], ['mirror', '--dry-run']]) {
      const target = words[0] === 'mirror' ? ['dry'] : []
      const { stdout } = await cli.run([...words, url('/'), ...target])
      expect(stdout).toMatch(/ev\\(?:x1b|u001b)\[2J\\(?:x9b|u009b)il/)
      expect(stdout).not.toContain('\u001b')
      expect(stdout).not.toContain('\u009b')
    }
    await rm(join(server().root, name))
  })

  it('mirror tells programs of each that fails', async () => {
    for (const name of ['a', 'b']) {
      server().write(`in-the-way/${name}`, name)
      await mkdir(cli.at('in-the-way', name), { recursive: true })
      await writeFile(cli.at('in-the-way', name, 'mine'), name)
    }
    const outcome = await cli.run(['mirror', '--json', url('/in-the-way'), 'in-the-way'])
    const told = events(outcome).filter(({ event }) => event === 'error')
    expect(told).toEqual(
      ['a', 'b'].map((name) => expect.objectContaining({ name, exitCode: outcome.exitCode }) as unknown),
    )
    expect(outcome.exitCode).not.toBe(0)
    await rm(join(server().root, 'in-the-way'), { recursive: true })
  })

  it('mirror up and down', async () => {
    for (const [path, text] of [
      ['a.txt', 'a'],
      ['b.tmp', 'b'],
      ['sub/c.txt', 'c'],
    ] as const) {
      await mkdir(cli.at('site', 'sub'), { recursive: true })
      await writeFile(cli.at('site', path), text)
    }
    const dry = await cli.run(['mirror', '--dry-run', '--exclude', '*.tmp', 'site', url('/www')])
    expect(dry.exitCode).toBe(0)
    expect(dry.stdout).toMatch(/^transfer {2}a\.txt \(missing, 1 B\)$/m)
    expect(dry.stdout).toMatch(/^make {6}sub\/$/m)
    expect((await cli.run(['ls', url('/')])).stdout).toBe('')
    const up = await cli.run(['mirror', '--exclude', '*.tmp', 'site', url('/www')])
    expect([up.exitCode, up.stderr]).toEqual([
      0,
      expect.stringMatching(/^2 files brought \(2 B\), 0 the same/) as string,
    ])
    expect((await cli.run(['mirror', url('/www'), 'copy'])).exitCode).toBe(0)
    expect((await readdir(cli.at('copy'), { recursive: true })).sort()).toEqual(['a.txt', 'sub', 'sub/c.txt'])
    await writeFile(cli.at('copy', 'more.txt'), 'more')
    const down = await cli.run(['mirror', '--delete', url('/www'), 'copy'])
    expect(down.stderr).toMatch(/, 2 the same, 1 deleted/)
    expect(await readdir(cli.at('copy'))).not.toContain('more.txt')
    expect((await cli.run(['rm', url('/www')])).exitCode).not.toBe(0)
    expect((await cli.run(['rm', '-r', url('/www')])).exitCode).toBe(0)
  })

  it('rm spares the whole and what the shell stands in, however it is written', async () => {
    server().write('kept/file', 'kept')
    for (const path of ['/', '/.', '/%2F/.', '/kept/..', '/..']) {
      const { exitCode, stderr } = await cli.run(['rm', '-r', url(path)])
      expect([exitCode, stderr], path).toEqual([4, expect.stringContaining('name something in it')])
    }
    const input = 'rm -r /\ncd kept\nrm -r ""\nrm -r .\nrm -r ../kept\nrm -r /kept/..\nquit\n'
    const { exitCode } = await cli.run(['shell', url('/')], { input })
    expect(exitCode).toBe(4)
    expect(await readFile(join(server().root, 'kept/file'), 'utf8')).toBe('kept')
    expect((await cli.run(['rm', '-r', url('/kept')])).exitCode).toBe(0)
  })

  it('shell, with commands in any case', async () => {
    await writeFile(cli.at('up load.txt'), 'up')
    const input = `
      # a comment
      PWD
      mkdir dir
      Cd dir
      STORE "up load.txt" up.txt
      LIST
      RETRIEVE up.txt down.txt
      rm up.txt
      cd ..
      rm -r dir
      ls
      QUIT
      retrieve never.txt`
    const { exitCode, stdout, stderr } = await cli.run(['shell', url('/')], { input })
    expect(stderr).not.toContain('never')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^\/\n-r.* 2 B .* up\.txt\n$/)
    expect(await readFile(cli.at('down.txt'), 'utf8')).toBe('up')
  })

  it('shell ends at QUIT, though whoever writes to it has not ended', async () => {
    const ended = await cli.run(['shell', url('/')], { input: 'pwd\nquit\n', isInputLeftOpen: true })
    expect([ended.exitCode, ended.stdout]).toEqual([0, '/\n'])
  })

  it('shell goes on behind a failure, and ends with its code', async () => {
    const { exitCode, stdout, stderr } = await cli.run(['shell'], {
      input: `ls\nfoo\nCONNECT ${url('/')}\nget none.txt\npwd\n`,
    })
    expect(stderr).toContain('There is no connection yet')
    expect(stderr).toContain('There is no command "foo"')
    expect([exitCode, stdout]).toEqual([3, '/\n'])
  })

  it.each([
    [[], 'octoftp put --continue goes on', 'look at the file'],
    [['--append'], 'look at the file', '--continue'],
    [['--atomic'], 'Cancelled', '--continue'],
  ])('a put that was cancelled, %j, says how to go on where that can be', async (flags, hint, not) => {
    await writeFile(cli.at('up.img'), CONTENT)
    const words = ['put', '--json', '--limit', '500k', ...flags, 'up.img', url('/up.img')]
    const { exitCode, stderr } = await cli.run(words, { onStart: interruptedAtWork })
    expect(exitCode).toBe(130)
    expect(stderr).toContain(hint)
    expect(stderr).not.toContain(not)
  })
})
