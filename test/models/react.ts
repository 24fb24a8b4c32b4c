/** One command, done as the plan says: what the server would reply is caught on its way, and changed. */
import type { FakeSession } from '../support/fake-ftp-server.ts'
import type { Ending, Reaction } from './plan.ts'

type Reply = (...lines: string[]) => void

/** `act` is what the command does; what it replies goes out by `session.control.reply`. */
export async function react(
  session: FakeSession,
  reaction: Reaction,
  act: () => Promise<void>,
): Promise<void> {
  const { control } = session
  switch (reaction.is) {
    case 'right':
      return act()
    case 'late':
      await control.delay(reaction.ms)
      return act()
    case 'silence':
      return control.silence()
    case 'garbage':
      control.send('garbage\r\n')
      return act()
    case 'cut':
      return cut(session, reaction.by, reaction.when, act)
    case 'wrong':
      if (reaction.isDone)
        return changed(session, act, (lines, reply) => reply(...recoded(lines, reaction.code)))
      session.dropData()
      return session.reply(`${reaction.code} Wrong`)
    case 'twice':
      return changed(session, act, (lines, reply) => reply(...lines, ...lines))
    case 'split':
      return changed(session, act, (lines) => control.replyInPieces(lines.join('\r\n')))
    default:
      return reaction satisfies never
  }
}

/** Runs `act` with `change` in place of what sends its replies. */
async function changed(
  { control }: FakeSession,
  act: () => Promise<void>,
  change: (lines: readonly string[], reply: Reply) => void,
): Promise<void> {
  const reply = control.reply.bind(control)
  control.reply = (...lines) => change(lines, reply)
  try {
    await act()
  } finally {
    control.reply = reply
  }
}

async function cut(
  session: FakeSession,
  by: Ending,
  when: 'before' | 'within' | 'behind',
  act: () => Promise<void>,
): Promise<void> {
  if (when === 'behind') await act()
  if (when === 'within') {
    await changed(session, act, (lines) => {
      const whole = `${lines.join('\r\n')}\r\n`
      session.control.send(whole.slice(0, whole.length / 2))
    })
  }
  await session.die(by)
  session.dropData()
}

/** With another code in front of each line that has one. */
function recoded(lines: readonly string[], code: number): string[] {
  return lines.map((line) => line.replace(/^\d{3}(?=[ -])/, String(code)))
}
