/** From the words on the command line to an exit code. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { CommandDefinition, OptionDefinition } from './command.ts'
import { COMMANDS } from './commands.ts'
import { EXIT } from './exit.ts'
import { UsageError } from './failures.ts'
import { isUrl } from './is-url.ts'
import { withoutPasswords } from './text/without-passwords.ts'
import { version } from './version.ts'

/** @param words without those of Node and the program */
export async function run(words: readonly string[]): Promise<number> {
  // Not quoted, as an unknown command would be: there may be a password in it.
  if (words[0] !== undefined && isUrl(words[0])) {
    process.stderr.write(
      'A command goes before the URL: octoftp get URL fetches a file\nSee octoftp --help\n',
    )
    return EXIT.syntax
  }
  let exitCode: number = EXIT.fine
  const program = new Command('octoftp')
    .description('FTP and FTPS: files over several connections, mirrors, and never a wrong file')
    .version(version(), '-V, --version')
    .helpOption('-h, --help', 'show this, or with a command all about it')
    .addHelpText('after', HELP_AFTER)
    .showHelpAfterError('See octoftp --help')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(withoutPasswords(text)) })
  for (const definition of COMMANDS) {
    addCommand(program, definition, (code) => (exitCode = code))
  }
  try {
    await program.parseAsync(words, { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 || error.code === 'commander.help' ? EXIT.fine : EXIT.syntax
  }
}

const HELP_AFTER = `
A place on a server is a URL, or NAME:PATH of a saved connection:
  ftp://host/path     in clear            ftpes://host/path   explicit TLS (port 21)
  ftps://host/path    implicit TLS (990)  ftp://host//path    from the root, not from the login directory

Passwords come from a prompt, OCTOFTP_PASSWORD, .netrc or a saved connection.
Exit codes: 0 fine, 1 cannot connect, 2 login refused, 3 not found, 4 mistake in the request,
  5 not implemented by the server, 6 not allowed by the server, 7 anything else, 130 Ctrl-C`

function addCommand(program: Command, definition: CommandDefinition, end: (exitCode: number) => void): void {
  const { name, parameters, summary, options, examples } = definition
  const command = program.command(`${name} ${parameters}`.trim()).description(summary)
  for (const option of options) command.addOption(optionOf(option))
  command
    .helpOption('-h, --help', 'show this')
    .showHelpAfterError(`See octoftp ${name} --help`)
    .addHelpText('after', `\nFor example:\n${examples.map((example) => `  ${example}`).join('\n')}`)
    .action(async () => {
      // Loaded here: `--help` and `--version` do without the library.
      const { perform } = await import('./perform.ts')
      end(await perform(definition, command.args, command.opts()))
    })
}

function optionOf({ flags, help, parse, choices }: OptionDefinition): Option {
  const option = new Option(flags, help)
  if (choices !== undefined) option.choices(choices)
  if (parse !== undefined) option.argParser((text, previous) => parsed(() => parse(text, previous)))
  return option
}

function parsed(parse: () => unknown): unknown {
  try {
    return parse()
  } catch (error) {
    throw error instanceof UsageError ? new InvalidArgumentError(error.message) : error
  }
}
