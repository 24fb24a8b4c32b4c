/** Plays a plan: the fake server, with verbs that write and list, each of which may go wrong. All files are in memory. */
import { fakeFtpServer, type FakeFtpServer, type FakeSession } from '../support/fake-ftp-server.ts'
import type { Override } from '../support/fake-ftp-server.ts'
import { react } from './react.ts'
import { RIGHT_SERVER, RIGHT_TRANSFER, type ServerPlan } from './plan.ts'
import { append, listDirectory, retrieveFile, storeFile, type TransferContext } from './transfers.ts'

export interface ModelServer extends AsyncDisposable {
  readonly fake: FakeFtpServer
  /** From here on everything is right. */
  behave(): void
}

const USUAL = [
  ...['USER', 'PASS', 'AUTH', 'PBSZ', 'PROT', 'FEAT', 'SYST', 'OPTS', 'TYPE', 'PWD', 'CWD'],
  ...['SIZE', 'MDTM', 'MLST', 'REST', 'EPSV', 'PASV', 'NOOP', 'ABOR'],
]

/** Serves `files` by absolute path. */
export async function modelServer(
  plan: ServerPlan,
  files: Record<string, Buffer>,
  security: 'none' | 'explicit',
): Promise<ModelServer> {
  const running = new RunningPlan(plan)
  const verbs: Record<string, Override> = { ...running.overrides(), ...writing(running) }
  const fake = await fakeFtpServer({
    files,
    security,
    on: verbs,
    unsupported: [...plan.unsupported],
    // Read anew for each connection.
    get greeting() {
      return running.greeting()
    },
    get restIgnored() {
      return running.plan.rest === 'ignored'
    },
    get restOffBy() {
      return running.plan.rest === 'off by one' ? 1 : 0
    },
  })
  return {
    fake,
    behave: () => (running.plan = RIGHT_SERVER),
    [Symbol.asyncDispose]: () => fake.close(),
  }
}

/** Where in its plan the server is. */
class RunningPlan {
  plan: ServerPlan
  readonly #seen = new Map<string, number>()

  constructor(plan: ServerPlan) {
    this.plan = plan
  }

  greeting(): string | null {
    const words = this.plan.greetings[this.#count('greeting')]
    return words === undefined ? '220 Ready' : words
  }

  /** What is known of the next transfer. */
  transfer(session: FakeSession): TransferContext {
    const plan = this.plan.transfers[this.#count('transfer')] ?? RIGHT_TRANSFER
    return { session, plan }
  }

  overrides(): Record<string, Override> {
    return Object.fromEntries(USUAL.map((verb) => [verb, this.around(verb, (_s, _a, proceed) => proceed())]))
  }

  around(verb: string, act: Override): Override {
    return async (session, argument, proceed) => {
      const reaction = this.plan.verbs[verb]?.[this.#count(verb)] ?? { is: 'right' }
      await react(session, reaction, async () => act(session, argument, proceed))
    }
  }

  #count(what: string): number {
    const count = this.#seen.get(what) ?? 0
    this.#seen.set(what, count + 1)
    return count
  }
}

function writing(running: RunningPlan): Record<string, Override> {
  const verbs: Record<string, Override> = {
    RETR: (session, argument) => retrieveFile(running.transfer(session), session.resolve(argument)),
    STOR: (session, argument) => storeFile(running.transfer(session), session.resolve(argument)),
    APPE: (session, argument) => append(running.transfer(session), session.resolve(argument)),
    MLSD: (session, argument) => listDirectory(running.transfer(session), session.resolve(argument), 'MLSD'),
    LIST: (session) => listDirectory(running.transfer(session), session.directory, 'LIST'),
    DELE: (session, argument) => {
      const isGone = session.server.files.delete(session.resolve(argument))
      session.reply(isGone ? '250 Deleted' : '550 No such file')
    },
    MFMT: (session, argument) => session.reply(`213 Modify=${argument.replace(' ', '; ')}`),
    ...renaming(),
  }
  const entries = Object.entries(verbs).map(([verb, act]) => [verb, running.around(verb, loggedIn(act))])
  return Object.fromEntries(entries) as Record<string, Override>
}

function renaming(): Record<string, Override> {
  const from = new WeakMap<FakeSession, string>()
  return {
    RNFR: (session, argument) => {
      const path = session.resolve(argument)
      if (!session.server.files.has(path)) return session.reply('550 No such file')
      from.set(session, path)
      session.reply('350 And now?')
    },
    RNTO: (session, argument) => {
      const { files } = session.server
      const path = from.get(session)
      const file = path === undefined ? undefined : files.get(path)
      from.delete(session)
      if (path === undefined || file === undefined) return session.reply('503 RNFR first')
      files.delete(path)
      files.set(session.resolve(argument), file)
      session.reply('250 Renamed')
    },
  }
}

function loggedIn(act: Override): Override {
  return (session, argument, proceed) =>
    session.loggedIn ? act(session, argument, proceed) : session.reply('530 Please log in')
}
