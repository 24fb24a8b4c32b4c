/** What becomes of a `compare-checksum` action when both sides have been asked. Pure. */
import type {
  CompareChecksumAction,
  EqualAction,
  RefuseAction,
  SkipAction,
  TransferAction,
} from './action.ts'
import { compareFiles } from './compare-files.ts'
import type { DiffContext } from './diff.ts'
import { keptByOption } from './kept-by-option.ts'

/** `'unavailable'`: one side could not tell its checksum. Then size and time decide. */
export type ChecksumOutcome = 'same' | 'different' | 'unavailable'

export function settleChecksum(
  action: CompareChecksumAction,
  outcome: ChecksumOutcome,
  { settings, direction, keepsTimes }: Pick<DiffContext, 'settings' | 'direction' | 'keepsTimes'>,
): EqualAction | TransferAction | SkipAction | RefuseAction {
  const { path, replaces } = action
  if (outcome === 'same') return { type: 'equal', path, rule: 'checksum' }
  const verdict = compareFiles(action, replaces, { compare: 'size+modified', keepsTimes })
  if (outcome === 'unavailable' && verdict.type === 'equal')
    return { type: 'equal', path, rule: verdict.rule }
  const kept = keptByOption(settings.overwrite, path, replaces, direction)
  if (kept !== undefined) return kept
  const byListing = verdict.type === 'different' ? verdict.reason : 'checksum'
  return { ...action, type: 'transfer', reason: outcome === 'different' ? 'checksum' : byListing }
}
