/** What option `overwrite` says of something at the target that is not as the source has it. Pure. */
import type { TreeEntry } from '../local/tree-entry.ts'
import type { RefuseAction, SkipAction } from './action.ts'
import { kindOf, occupied, type Direction } from './refusals.ts'

/** `undefined` where it may be replaced. */
export function keptByOption(
  overwrite: 'replace' | 'skip' | 'error',
  path: string,
  there: TreeEntry,
  direction: Direction,
): SkipAction | RefuseAction | undefined {
  if (overwrite === 'replace') return undefined
  if (overwrite === 'skip') return { type: 'skip', path, reason: 'exists' }
  const why = `${kindOf(there)} exists, and option "overwrite" says not to replace it`
  return { type: 'refuse', path, error: occupied(path, direction, why) }
}
