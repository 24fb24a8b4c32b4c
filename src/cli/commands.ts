/** The table of commands: what `--help` shows, and what docs/command-line.md has to tell. */
import type { CommandDefinition, OptionDefinition } from './command.ts'
import * as values from './option-values.ts'

const connections: OptionDefinition = {
  flags: '-n, --connections <number>',
  help: 'how many connections at once, 1 to 64, or auto for as many as bring more (4)',
  parse: values.connectionCount,
}

const limit: OptionDefinition = {
  flags: '--limit <rate>',
  help: 'the most bytes a second: 500k, 2M',
  parse: values.rate,
}

/** Of every command that talks to a server. */
const connection: readonly OptionDefinition[] = [
  { flags: '-u, --user <name>', help: 'the user to log in as, in place of that of the URL' },
  { flags: '--no-netrc', help: 'look for no login in .netrc' },
  { flags: '--ca <file>', help: 'trust the authority whose certificate (PEM) is in this file' },
  { flags: '--insecure', help: 'trust any certificate: whoever is on the way can listen' },
  { flags: '--active', help: 'have the server make the data connections (PORT, EPRT)' },
  { flags: '-4, --ipv4', help: 'use IPv4 only' },
  { flags: '-6, --ipv6', help: 'use IPv6 only' },
  { flags: '--encoding <label>', help: 'of names on the server, such as windows-1252 (utf-8)' },
  {
    flags: '--retries <number>',
    help: 'attempts more, for what fails without progress (9)',
    parse: values.count,
  },
]

/** Of every command that transfers files. */
const transfers: readonly OptionDefinition[] = [
  limit,
  {
    flags: '--rotate <seconds>',
    help: 'give connections up for new ones after so long; 10 to 300 make sense',
    parse: values.seconds,
  },
]

/** Of every command. */
const everywhere: readonly OptionDefinition[] = [
  { flags: '--json', help: 'events for programs on stdout, one JSON object a line' },
  { flags: '-q, --quiet', help: 'say nothing but what fails' },
  { flags: '--log <file>', help: 'write what is said to servers and by them to this file; - is stdout' },
]

export const COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'get',
    parameters: '[url...]',
    summary: 'fetch a file; several URLs are mirrors of one file, which fetch it together',
    options: [
      connections,
      { flags: '-t, --sources <file>', help: 'a file with mirrors, a URL a line; - is stdin' },
      { flags: '-o, --output <path>', help: 'where to: a file, or a directory; - is stdout' },
      {
        flags: '-c, --continue',
        help: 'go on with what an earlier run left (so it is done anyway), and leave even little',
      },
      { flags: '--no-continue', help: 'begin at 0, and leave nothing to go on with' },
      { flags: '--each', help: 'several URLs are several files' },
      {
        flags: '--overwrite <how>',
        help: 'a file that is there: replace it when the new one is whole, skip, or error',
        choices: ['replace', 'skip', 'error'],
      },
      {
        flags: '--checksum <algorithm=hex>',
        help: 'what the file must have: sha512, sha256, sha1, md5, crc32; auto asks the server',
        parse: values.checksum,
      },
      ...transfers,
      ...connection,
      ...everywhere,
    ],
    examples: [
      'octoftp get ftp://ftp.example.org//pub/disk.iso',
      'octoftp get -n 8 -o /tmp/ ftpes://octo@ftp.example.org/disk.iso',
      'octoftp get ftp://a.example.org/x.iso ftp://b.example.org/pub/x.iso',
    ],
    load: () => import('./commands/get.ts'),
  },
]

export { everywhere as COMMON_OPTIONS }
