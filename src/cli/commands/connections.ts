/** `octoftp connections`: list, add and remove what is saved. */
import type { CommandContext, RunCommand } from '../command.ts'
import { EXIT } from '../exit.ts'
import { UsageError } from '../failures.ts'
import { askSecret, canAsk } from '../login/prompt.ts'
import {
  checkName,
  connectionsFile,
  removeConnection,
  saveConnection,
  savedConnections,
} from '../login/saved-connections.ts'
import { isUrl } from '../is-url.ts'
import { readPlace, type Place } from '../place.ts'
import { fit } from '../text/fit.ts'

interface ConnectionsOptions {
  readonly savePassword?: boolean
}

export const run: RunCommand<ConnectionsOptions> = async (
  context,
  [action = 'list', ...parameters],
  options,
) => {
  switch (action) {
    case 'list':
      await listAll(context)
      return EXIT.fine
    case 'add':
      await add(context, parameters, options)
      return EXIT.fine
    case 'remove':
      await remove(context, parameters)
      return EXIT.fine
    default:
      throw new UsageError(`"${action}" is none of list, add and remove`)
  }
}

async function listAll({ output }: CommandContext): Promise<void> {
  const { connections: found, troubles } = await savedConnections()
  for (const trouble of troubles) output.complain(trouble, 'yellow')
  if (found.length === 0 && troubles.length === 0)
    output.say('No connection is saved: octoftp connections add NAME URL saves one')
  const columns = Math.max(0, ...found.map(({ name }) => name.length))
  for (const { name, connection, file } of found) {
    const { password, ...known } = connection
    const hasPassword = password !== ''
    if (output.options.json) output.event('connection', { name, ...known, hasPassword, file })
    else output.print(`${fit(name, columns)}  ${textOf(known)}${hasPassword ? '  with its password' : ''}`)
  }
}

function textOf({
  host,
  port,
  user,
  ssl,
  implicit,
}: {
  host: string
  port: number
  user: string
  ssl: boolean
  implicit?: boolean
}): string {
  const scheme = implicit === true ? 'ftps' : ssl ? 'ftpes' : 'ftp'
  return `${scheme}://${user === '' ? '' : `${user}@`}${host}:${port}`
}

async function add(
  { output }: CommandContext,
  [name, text, ...more]: readonly string[],
  { savePassword }: ConnectionsOptions,
): Promise<void> {
  if (name === undefined || text === undefined || more.length > 0 || !isUrl(text))
    throw new UsageError('To save a connection: octoftp connections add NAME URL')
  checkName(name)
  const place = await readPlace(text, (message) => output.say(message, 'yellow'))
  const { host, port, user = '', security, path } = place.url
  if (path.length > 0) throw new UsageError('A saved connection is a server: leave out the path')
  const password = savePassword === true ? await passwordOf(place) : ''
  await saveConnection(name, {
    ...{ host, port, user, password, ssl: security !== 'none' },
    ...(security === 'implicit' && { implicit: true }),
  })
  output.event('saved', { name, file: connectionsFile() })
  output.say(
    `Saved in ${connectionsFile()}${savePassword === true ? ', with its password in clear' : ''}: octoftp ls ${name}:`,
  )
}

async function passwordOf({ url, password }: Place): Promise<string> {
  const known = password ?? process.env['OCTOFTP_PASSWORD']
  if (known !== undefined && known !== '') return known
  if (!canAsk()) throw new UsageError('There is nobody to ask for the password: put it in OCTOFTP_PASSWORD')
  return askSecret(`Password for ${url.user ?? 'anonymous'}@${url.host}`)
}

async function remove({ output }: CommandContext, [name, ...more]: readonly string[]): Promise<void> {
  if (name === undefined || more.length > 0)
    throw new UsageError('To remove a connection: octoftp connections remove NAME')
  await removeConnection(name)
  output.event('removed', { name })
  output.say(`Removed from ${connectionsFile()}`)
}
