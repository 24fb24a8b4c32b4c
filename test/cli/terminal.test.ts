/**
 * On a terminal: bars, the question for a password, the shell. A pseudo-terminal is made by script(1) of util-linux;
 * where that is missing, these tests are left out.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { FakeFtpServer } from '../support/fake-ftp-server.ts'
import { startServer } from '../servers/index.ts'
import { CONTENT, serve } from './support/serve.ts'
import { builtCli, type BuiltCli } from './support/built-cli.ts'

const hasScript = String(spawnSync('script', ['--version']).stdout).includes('util-linux')

/** What is typed, or which signal is sent, each when the text before it has been shown. */
type Dialogue = readonly (readonly [RegExp, string])[]

describe.skipIf(!hasScript)('on a terminal (needs script of util-linux)', () => {
  let cli: BuiltCli

  beforeAll(async () => {
    cli = await builtCli()
  })
  afterAll(() => cli[Symbol.asyncDispose]())

  function urlOf(server: FakeFtpServer, path = '/pub/disk.iso'): string {
    return server.url(path).replace('://', '://octo@')
  }

  interface Terminal {
    readonly columns?: number
    readonly environment?: NodeJS.ProcessEnv
    readonly dialogue?: Dialogue
  }

  /** All that the terminal was sent, and the exit code. */
  async function onTerminal(
    words: readonly string[],
    { columns = 80, environment = {}, dialogue = [] }: Terminal = {},
  ): Promise<{ exitCode: number | null; screen: string }> {
    const command = [process.execPath, cli.program, ...words].map((word) => `'${word}'`).join(' ')
    const child = spawn(
      'script',
      ['-qec', `stty cols ${columns} rows 24; echo $$ > pid; exec ${command}`, '/dev/null'],
      {
        cwd: cli.folder,
        env: cli.environment({ NO_COLOR: '', ...environment }),
      },
    )
    onTestFinished(() => void child.kill()) // Where the dialogue has come to nothing.
    const ended = once(child, 'close') as Promise<[number | null]>
    const screen = follow(child, dialogue)
    const [exitCode] = await ended
    return { exitCode, screen: screen() }
  }

  function follow({ stdout, stdin }: ChildProcess, dialogue: Dialogue): () => string {
    let screen = ''
    let seen = 0
    const waiting = [...dialogue]
    stdin?.on('error', () => {}) // it may have ended
    stdout?.on('data', (text: Buffer) => {
      screen += text.toString()
      for (let [next] = waiting; next !== undefined; [next] = waiting) {
        const match = next[0].exec(screen.slice(seen))
        if (match === null) return
        seen += match.index + match[0].length
        waiting.shift()
        if (next[1].startsWith('SIG')) process.kill(Number(readFileSync(cli.at('pid'), 'utf8')), next[1])
        else stdin?.write(next[1])
      }
    })
    return () => screen
  }

  it('asks for a password, which is not shown, and draws a bar for the file and each part', async () => {
    const server = await serve({ bytesPerSecond: 1_000_000 })
    const { screen, exitCode } = await onTerminal(['get', '-o', 'asked.iso', urlOf(server)], {
      environment: { OCTOFTP_PASSWORD: '' },
      dialogue: [[/Password for octo@127\.0\.0\.1: /, 'top secret\r']],
    })
    expect(exitCode).toBe(0)
    expect(server.commands[0]).toContain('PASS top secret')
    expect(screen).not.toContain('secret')
    expect(screen).toMatch(/asked\.iso +█*░+ +\d+ % +\d+\.\d [KM]iB +.*ETA \d+:\d\d/)
    expect(screen).toMatch(/ {2}part 2 +█*░+ +\d+ %/)
    expect(screen).toMatch(/[▁▂▃▄▅▆▇█]+ {2}now .* average .* most /)
    expect(screen).toMatch(/asked\.iso: 5\.0 MiB in .* over \d connections\r\n/)
    expect((await readFile(cli.at('asked.iso'))).equals(CONTENT)).toBe(true)
  })

  it('a question that is left by Ctrl-D is no success', async () => {
    const server = await serve()
    const { screen, exitCode } = await onTerminal(['get', '-o', 'never.iso', urlOf(server)], {
      environment: { OCTOFTP_PASSWORD: '' },
      dialogue: [[/Password for octo@127\.0\.0\.1: /, '\u0004']],
    })
    expect([exitCode, screen]).toEqual([7, expect.stringContaining('No password was given')])
  })

  it('breaks no line where there is little room', async () => {
    const server = await serve({ bytesPerSecond: 1_500_000 })
    const { screen } = await onTerminal(['get', '-o', 'narrow.iso', urlOf(server)], { columns: 30 })
    const rows = screen.split(/\r?\n/).filter((row) => /[█░]/.test(row))
    expect(rows.length).toBeGreaterThan(3)
    for (const row of rows) expect(stripVTControlCharacters(row).length).toBeLessThan(30)
  })

  it('ends with 130 at Ctrl-C: at the question, and at the bars', async () => {
    const server = await serve({ bytesPerSecond: 500_000 })
    const atQuestion = await onTerminal(['get', '-o', 'never.iso', urlOf(server)], {
      environment: { OCTOFTP_PASSWORD: '' },
      dialogue: [[/Password for/, '\u0003']],
    })
    expect(atQuestion).toMatchObject({
      exitCode: 130,
      screen: expect.stringContaining('Cancelled') as string,
    })
    expect(server.commands).toEqual([])
    const atBars = await onTerminal(['get', '-c', '-o', 'later.iso', urlOf(server)], {
      dialogue: [[/part 2/, '\u0003']],
    })
    expect(atBars.exitCode).toBe(130)
    expect(atBars.screen).toContain('the same command goes on with it')
    // The cursor is there again.
    expect(atBars.screen.lastIndexOf('\u001b[?25h')).toBeGreaterThan(atBars.screen.lastIndexOf('\u001b[?25l'))
  })

  it('talks in a shell: completes names, cancels what runs and goes on, remembers', async () => {
    await using server = await startServer('ftp-srv', { readOnly: true })
    server.write('pub/disk.iso', CONTENT)
    const url = server.url.replace('://', `://${server.user}@`)
    const { screen, exitCode } = await onTerminal(['shell', '--limit', '500k', url], {
      environment: { XDG_STATE_HOME: cli.at('state') },
      dialogue: [
        [/:\/> /, 'cd /pu\t'],
        [/cd \/pub\//, '\r'],
        [/:\/pub\/?> /, 'RETRIEVE d\t'],
        [/disk\.iso /, '\r'],
        [/part 2/, '\u0003'],
        [/Cancelled[^]*:\/pub\/?> /, 'pwd\r'],
        [/\/pub\/?\r\n[^]*> /, 'quit\r'],
      ],
    })
    expect(exitCode).toBe(0)
    expect(screen).toContain('Cancelled')
    const history = await readFile(cli.at('state', 'octoftp', 'history'), 'utf8')
    expect(history).toBe('cd /pub/\nRETRIEVE disk.iso \npwd\nquit\n')
  })

  it('takes several lines that are pasted, and what is begun behind them', async () => {
    await using server = await startServer('ftp-srv', { readOnly: true })
    server.write('pub/disk.iso', CONTENT)
    const url = server.url.replace('://', `://${server.user}@`)
    const { screen, exitCode } = await onTerminal(['shell', url], {
      dialogue: [
        [/:\/> /, 'cd /pub\rpwd\rls\rqu'],
        [/disk\.iso\r\n[^]*> \S*qu/, 'it\r'],
      ],
    })
    expect(exitCode).toBe(0)
    expect(stripVTControlCharacters(screen).replaceAll('\r', '')).toContain(
      `/> cd /pub\npwd\nls\nqu\n${server.host}:/pub> pwd\n/pub\n${server.host}:/pub> ls\ndisk.iso\n${server.host}:/pub> quit\n`,
    )
  })

  it.each([
    ['SIGTERM', 143, 'while a command runs', 'get /pub/disk.iso\r', /part 2/],
    ['SIGHUP', 129, 'at the prompt', '', /^/],
  ] as const)('the shell ends at %s with %d, %s', async (signal, exitCode, _when, typed, until) => {
    const server = await serve({ bytesPerSecond: 100_000 })
    const outcome = await onTerminal(['shell', urlOf(server, '/')], {
      dialogue: [
        [/:\S*> /, typed],
        [until, signal],
      ],
    })
    expect(outcome).toMatchObject({
      exitCode,
      screen: expect.stringContaining(`Ended by ${signal}`) as string,
    })
  })
})
