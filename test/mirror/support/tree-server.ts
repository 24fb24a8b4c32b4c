/** The fake server with what a mirror needs beside RETR: listings, and the verbs that write, all in memory. */
import { fakeFtpServer, type FakeFtpServer } from '../../support/fake-ftp-server.ts'
import type { FakeFtpOptions, FakeSession, Override } from '../../support/fake-ftp-server.ts'

const BEGINS = '150 Opening data connection'
const DONE = '226 Transfer complete'
const MODIFIED = '20240229123456'

export interface TreeServerOptions extends FakeFtpOptions {
  /** The lines of a listing, in place of the true ones. */
  readonly listed?: (path: string, lines: readonly string[]) => readonly string[]
  /** The last reply of a listing. */
  readonly listingEnds?: (path: string) => string
  /** Around EPSV and the transfers, in place of what they do. */
  readonly around?: (
    verb: AroundVerb,
    session: FakeSession,
    proceed: () => Promise<void>,
    argument: string,
  ) => Promise<void>
}

export type AroundVerb = 'EPSV' | 'RETR' | 'MLSD' | 'LIST' | 'STOR'

/** By `on`, any of these verbs is replaced once more. */
export function treeServer({ on, ...options }: TreeServerOptions): Promise<FakeFtpServer> {
  const within = (verb: AroundVerb, usual: Override): Override => {
    return async (session, argument, proceed) => {
      const whole = async (): Promise<void> => usual(session, argument, proceed)
      await (options.around?.(verb, session, whole, argument) ?? whole())
    }
  }
  return fakeFtpServer({
    security: 'none',
    ...options,
    on: {
      EPSV: within('EPSV', (_session, _argument, proceed) => proceed()),
      RETR: within('RETR', (_session, _argument, proceed) => proceed()),
      MLSD: within('MLSD', (session, argument) => list(session, session.resolve(argument), options)),
      // Of the directory that the session is in, whatever the options of LIST.
      LIST: within('LIST', (session) =>
        send(session, linesOf(session.server, session.directory).flatMap(asText)),
      ),
      STOR: within('STOR', (session, argument) => store(session, session.resolve(argument))),
      MKD: (session, argument) => {
        const path = session.resolve(argument)
        if (session.server.isDirectory(path)) return session.reply('550 File exists')
        // What is in it implies a directory: an empty one is not kept.
        session.reply(`257 "${path}" created`)
      },
      DELE: (session, argument) => {
        const isGone = session.server.files.delete(session.resolve(argument))
        session.reply(isGone ? '250 Deleted' : '550 No such file')
      },
      RMD: (session) => session.reply('250 Removed'),
      MFMT: (session, argument) => session.reply(`213 Modify=${argument.replace(' ', '; ')}`),
      ...on,
    },
  })
}

async function list(session: FakeSession, path: string, options: TreeServerOptions): Promise<void> {
  if (!session.server.isDirectory(path)) {
    session.dropData()
    return session.reply('550 No such directory')
  }
  const lines = linesOf(session.server, path)
  await send(session, options.listed?.(path, lines) ?? lines, options.listingEnds?.(path))
}

async function send(session: FakeSession, lines: readonly string[], reply: string = DONE): Promise<void> {
  session.reply(BEGINS)
  const data = await session.openData()
  if ('refusal' in data) return session.reply(data.refusal)
  await data.write(lines.map((line) => `${line}\r\n`).join(''))
  await data.end()
  session.reply(reply)
}

/** A line of MLSD as one of `ls`; none for the directory itself. */
function asText(line: string): string[] {
  const [, type, size = '0', name = ''] =
    /^type=(\w+);(?:size=(\d+);)?(?:modify=\d+;)? (.*)$/s.exec(line) ?? []
  if (type === 'cdir') return []
  return [`${type === 'dir' ? 'd' : '-'}rwxr-xr-x 1 octo octo ${size} Feb 29 2024 ${name}`]
}

async function store(session: FakeSession, path: string): Promise<void> {
  session.reply(BEGINS)
  const data = await session.openData()
  if ('refusal' in data) return session.reply(data.refusal)
  session.server.files.set(path, await data.readToEnd())
  await data.end()
  session.reply(DONE)
}

function linesOf(server: FakeFtpServer, path: string): string[] {
  const prefix = path === '/' ? '/' : `${path}/`
  const lines = new Map<string, string>([['.', 'type=cdir; .']])
  for (const file of server.files.keys()) {
    if (!file.startsWith(prefix)) continue
    const [name = '', ...below] = file.slice(prefix.length).split('/')
    const size = server.file(file)?.size ?? 0
    const facts = below.length > 0 ? 'type=dir;' : `type=file;size=${size};modify=${MODIFIED};`
    lines.set(name, `${facts} ${name}`)
  }
  return [...lines.values()]
}
