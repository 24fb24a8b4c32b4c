/**
 * Transfers of the fake server, with a choice of when the replies around the data come; among them STOR and MLSD, which
 * it does not have of its own.
 */
import type { FakeFtpServer, FakeSession, Override } from '../../support/fake-ftp-server.ts'
import type { ScriptedData } from '../../support/scripted-server.ts'

/** When what is said of a transfer is said; `together`: 150 and 226 in one packet, before the data. */
export type Confirmation =
  'proper' | 'together' | 'early' | 'without 150' | '125' | 'second 150' | 'twice' | 'never' | 'two 150 alone'

/** Nothing comes behind the data. */
const SAID_OR_NEVER: ReadonlySet<Confirmation> = new Set(['together', 'early', 'never', 'two 150 alone'])
const BEGINS = '150 Opening data connection'
const DONE = '226 Transfer complete'

/** MLSD that gives these lines. */
export function listing(lines: readonly string[], confirmation: Confirmation = 'proper'): Override {
  const bytes = Buffer.from(lines.map((line) => `${line}\r\n`).join(''))
  return around(confirmation, async (_session, data, inTheMiddle) => {
    await data.write(bytes.subarray(0, bytes.length / 2))
    inTheMiddle()
    await data.write(bytes.subarray(bytes.length / 2))
    await data.end()
  })
}

/** RETR of these bytes, whatever the path, from where REST has told. */
export function sending(content: Buffer, confirmation: Confirmation = 'proper'): Override {
  return around(confirmation, async (session, data, inTheMiddle) => {
    const bytes = content.subarray(session.restartOffset)
    session.restartOffset = 0
    await data.write(bytes.subarray(0, bytes.length / 2))
    inTheMiddle()
    await data.write(bytes.subarray(bytes.length / 2))
    await data.end()
  })
}

/** STOR that puts what comes among the files of the server. */
export function storing(confirmation: Confirmation = 'proper'): Override {
  return around(confirmation, async (session, data, inTheMiddle, path) => {
    await data.secure()
    inTheMiddle()
    session.server.files.set(session.resolve(path), await data.readToEnd())
    await data.end()
  })
}

/** What was stored, or stood there before. */
export function stored(server: FakeFtpServer, path: string): Buffer {
  const file = server.files.get(path)
  if (!Buffer.isBuffer(file)) throw new Error(`There is nothing at ${path}`)
  return file
}

function around(
  when: Confirmation,
  move: (session: FakeSession, data: ScriptedData, inTheMiddle: () => void, path: string) => Promise<void>,
): Override {
  return async (session, path) => {
    if (when === 'together') session.reply(BEGINS, DONE)
    else if (when !== 'without 150') session.reply(when === '125' ? '125 Already open' : BEGINS)
    const data = await session.openData()
    if ('refusal' in data) return session.reply(data.refusal)
    const inTheMiddle = (): void => {
      if (when === 'early') session.reply(DONE)
      if (when === 'second 150' || when === 'two 150 alone') session.reply(BEGINS)
    }
    await move(session, data, inTheMiddle, path)
    if (when === 'twice') session.reply(DONE, DONE)
    else if (!SAID_OR_NEVER.has(when)) session.reply(DONE)
  }
}
