/** The calls of the page, by their paths: what is read of each, and what is done. */
import type { ServerResponse } from 'node:http'
import { checkedDigest } from './checksums.ts'
import type { Dashboard } from './dashboard.ts'
import { Refusal } from './failures.ts'
import * as fields from './fields.ts'
import type { Fields } from './fields.ts'
import { expectName } from './local-folder.ts'
import { streamListing } from './remote-listing.ts'
import type { Action, TransferChange } from './transfers.ts'

/** Gives what is answered; where it has answered by itself, `ANSWERED`. */
type Call = (dashboard: Dashboard, given: Fields, response: ServerResponse) => unknown

export const ANSWERED: unique symbol = Symbol('answered')

const ACTIONS: readonly Action[] = ['pause', 'resume', 'stop', 'again', 'clear']

export const CALLS: Readonly<Record<string, Call>> = {
  '/api/connect': (dashboard, given) =>
    dashboard.connect(fields.login(given), fields.optionalText(given, 'password')),
  '/api/disconnect': (dashboard) => dashboard.disconnect(),
  '/api/list': async (dashboard, given, response) => {
    await streamListing(dashboard.visited, fields.text(given, 'path'), response)
    return ANSWERED
  },
  '/api/connections/save': (dashboard, given) =>
    dashboard.saveConnection(
      fields.text(given, 'name'),
      fields.login(given),
      fields.flag(given, 'isPasswordWanted'),
    ),
  '/api/connections/delete': (dashboard, given) => dashboard.deleteConnection(fields.text(given, 'name')),
  '/api/folders': async ({ folder }, given) => ({
    folders: await folder.foldersIn(fields.text(given, 'folder')),
  }),
  '/api/folders/make': ({ folder }, given) => {
    const [above, name] = [fields.text(given, 'folder'), expectName(fields.text(given, 'name').trim())]
    const made = above === '' ? name : `${above}/${name}`
    folder.makeFolder(made)
    return { folder: made }
  },
  '/api/transfers/add': async (dashboard, given) => ({
    count: await dashboard.add(fields.wanted(given), fields.text(given, 'folder'), changeOf(given)),
  }),
  '/api/transfers/act': ({ transfers }, given) => {
    const action = ACTIONS.find((one) => one === given['action'])
    if (action === undefined) throw new Refusal(400, `"action" must be one of ${ACTIONS.join(', ')}`)
    transfers.act(fields.texts(given, 'ids'), action)
  },
  '/api/transfers/change': ({ transfers }, given) =>
    transfers.change(fields.text(given, 'id'), changeOf(given)),
  '/api/pause': (dashboard, given) => dashboard.setPaused(fields.flag(given, 'isPaused')),
  '/api/settings': (dashboard, given) => dashboard.changeSettings(given),
}

/** Only what is given is changed. */
function changeOf(given: Fields): TransferChange {
  const most = Number.MAX_SAFE_INTEGER
  const has = (name: string): boolean => given[name] !== undefined
  return {
    ...(has('priority') ? { priority: fields.number(given, 'priority', -1_000, 1_000) } : {}),
    ...(has('startAt') ? { startAt: fields.time(given, 'startAt') } : {}),
    ...(has('bytesPerSecond')
      ? { bytesPerSecond: fields.wholeNumber(given, 'bytesPerSecond', 0, most) }
      : {}),
    ...(has('expected') ? { expected: checkedDigest(fields.optionalText(given, 'expected')) } : {}),
  }
}
