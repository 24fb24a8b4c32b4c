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

const json: OptionDefinition = {
  flags: '--json',
  help: 'events for programs on stdout, one JSON object a line',
}
const quiet: OptionDefinition = { flags: '-q, --quiet', help: 'say nothing but what fails' }
const log: OptionDefinition = {
  flags: '--log <file>',
  help: 'write what is said to servers and by them to this file; - is stdout',
}
const everywhere = [json, quiet, log]

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
  {
    name: 'put',
    parameters: '<files...>',
    summary: 'send files; the last parameter is the URL they go to, - is stdin',
    options: [
      { flags: '-c, --continue', help: 'go on with what is there, if it is the beginning of the file' },
      { flags: '--append', help: 'add to the end of the remote file' },
      { flags: '--atomic', help: 'send it under another name, and rename it when it is whole' },
      {
        flags: '--overwrite <how>',
        help: 'a file that is there: replace it, or error',
        choices: ['replace', 'error'],
      },
      { flags: '--checksum <how>', help: "auto: compare with the server's checksum", choices: ['auto'] },
      ...transfers,
      ...connection,
      ...everywhere,
    ],
    examples: [
      'octoftp put build.tgz ftpes://octo@ftp.example.org/releases/',
      'tar c src | octoftp put - work:backup/src.tar',
    ],
    load: () => import('./commands/put.ts'),
  },
  {
    name: 'ls',
    parameters: '<url>',
    summary: 'list a directory, or show what is known of a file',
    options: [
      { flags: '-l, --long', help: 'permissions, owner, size and time (UTC) too' },
      { flags: '-R, --recursive', help: 'all that is below, too' },
      ...connection,
      ...everywhere,
    ],
    examples: ['octoftp ls -l ftp://ftp.example.org//pub/', 'octoftp ls --json work:'],
    load: () => import('./commands/ls.ts'),
  },
  {
    name: 'mirror',
    parameters: '<source> <target>',
    summary: 'make a directory like another one; one is on a server, the other here',
    options: [
      connections,
      { flags: '--dry-run', help: 'change nothing, and tell what would be done' },
      { flags: '--delete', help: 'delete what the target alone has, guarded' },
      {
        flags: '--include <glob>',
        help: 'take only files that match; may be given several times',
        parse: values.each,
      },
      {
        flags: '--exclude <glob>',
        help: 'leave out what matches, on both sides; may be given several times',
        parse: values.each,
      },
      {
        flags: '--compare <how>',
        help: 'by what files are equal (size+modified)',
        choices: ['size+modified', 'size', 'checksum', 'always'],
      },
      { flags: '--newer-than <date>', help: 'only files that changed after this', parse: values.date },
      {
        flags: '--overwrite <how>',
        help: 'what differs is replaced, skipped, or an error',
        choices: ['replace', 'skip', 'error'],
      },
      {
        flags: '--links <how>',
        help: 'symbolic links (skip)',
        choices: ['skip', 'follow', 'recreate'],
      },
      { flags: '--max-depth <number>', help: 'how deep directories are entered', parse: values.count },
      {
        flags: '--max-delete <number>',
        help: 'with --delete: how many at most, or all (half of the target, at least 10)',
        parse: values.countOrAll,
      },
      { flags: '--delete-excluded', help: 'with --delete: what is excluded, too' },
      { flags: '--allow-empty-source', help: 'with --delete: even if the source is empty' },
      { flags: '--stop-on-error', help: 'end with the first failure' },
      ...transfers,
      ...connection,
      ...everywhere,
    ],
    examples: [
      'octoftp mirror -n 8 ftp://ftp.example.org//pub/ ./pub',
      'octoftp mirror --delete --dry-run ./site work:/www',
    ],
    load: () => import('./commands/mirror.ts'),
  },
  {
    name: 'rm',
    parameters: '<url...>',
    summary: 'remove files, and with -r directories',
    options: [
      { flags: '-r, --recursive', help: 'directories, with all that is in them' },
      { flags: '-f, --force', help: 'what is missing is no failure' },
      ...connection,
      ...everywhere,
    ],
    examples: ['octoftp rm ftpes://octo@ftp.example.org/old.tgz', 'octoftp rm -r work:tmp'],
    load: () => import('./commands/rm.ts'),
  },
  {
    name: 'hash',
    parameters: '<file...>',
    summary: 'checksums: of remote files as their server makes them, of local ones made here',
    options: [
      {
        flags: '-a, --algorithm <name>',
        help: 'sha256, unless another is given',
        choices: ['sha512', 'sha256', 'sha1', 'md5', 'crc32'],
      },
      ...connection,
      ...everywhere,
    ],
    examples: ['octoftp hash disk.iso work:disk.iso'],
    load: () => import('./commands/hash.ts'),
  },
  {
    name: 'connections',
    parameters: '[list|add|remove] [name] [url]',
    summary: "saved connections, used as NAME:PATH; OctopusFTP's are read, too",
    options: [
      {
        flags: '--save-password',
        help: 'with add: save the password, too, in clear; from the prompt or OCTOFTP_PASSWORD',
      },
      json,
      quiet,
    ],
    examples: [
      'octoftp connections add work ftpes://octo@ftp.example.org',
      'octoftp get work:disk.iso',
      'octoftp connections remove work',
    ],
    load: () => import('./commands/connections.ts'),
  },
  {
    name: 'shell',
    parameters: '[url]',
    summary: 'go about on a server: cd, ls, get, put, …; help lists the commands',
    options: [connections, ...transfers, ...connection, quiet, log],
    examples: ['octoftp shell ftp://ftp.example.org', 'octoftp shell work:'],
    load: () => import('./commands/shell.ts'),
  },
]
