/** What survives a restart: the token of the page's address, the settings, and all transfers. No password. */
import { randomBytes } from 'node:crypto'
import { fieldsOf, flag, text } from './fields.ts'
import { readJson } from './json-file.ts'
import type { Settings } from './model.ts'
import { DEFAULT_SETTINGS, settingsOf } from './settings.ts'
import { recordOf, type TransferRecord } from './transfer-record.ts'

export interface State {
  readonly token: string
  readonly settings: Settings
  readonly isPaused: boolean
  readonly transfers: readonly TransferRecord[]
}

/** @throws where the file is damaged: it is not written over */
export async function readState(path: string): Promise<State> {
  const value = await readJson(path)
  if (value === undefined) {
    const token = randomBytes(24).toString('base64url')
    return { token, settings: DEFAULT_SETTINGS, isPaused: false, transfers: [] }
  }
  const fields = fieldsOf(value)
  const transfers = fields['transfers']
  if (!Array.isArray(transfers)) throw new Error(`${path} holds no list of transfers`)
  return {
    token: text(fields, 'token'),
    settings: settingsOf(fieldsOf(fields['settings'])),
    isPaused: flag(fields, 'isPaused'),
    transfers: transfers.map(recordOf),
  }
}
