/** Whether the target's file is that of the source, as far as two listings tell. Pure. */
import type { TreeEntry } from '../local/tree-entry.ts'
import type { EqualRule, TransferReason } from './action.ts'
import { compareTimes } from './compare-times.ts'

type FileFacts = Pick<TreeEntry, 'size' | 'modifiedMs' | 'precision'>

export interface Comparison {
  readonly compare: 'size+modified' | 'size' | 'checksum' | 'always'
  /** Whether files of the target have the times of their sources. */
  readonly keepsTimes: boolean
}

export type Verdict =
  | { readonly type: 'equal'; readonly rule: EqualRule }
  | { readonly type: 'different'; readonly reason: TransferReason }
  /** The listings do not tell them apart: both sides' checksums are to be asked for. */
  | { readonly type: 'ask' }

export function compareFiles(source: FileFacts, target: FileFacts, how: Comparison): Verdict {
  if (how.compare === 'always') return different('always')
  const isSizeKnown = source.size !== undefined && target.size !== undefined
  if (isSizeKnown && source.size !== target.size) return different('size')
  if (how.compare === 'checksum') return { type: 'ask' }
  if (isSizeKnown && how.compare === 'size') return equal('size')
  const time = compareTimes(source, target)
  switch (time) {
    case 'unknown':
      return isSizeKnown ? equal('size') : different('unknown')
    case 'same':
      return equal(isSizeKnown ? 'size+modified' : 'modified')
    case 'older':
      return different('modified')
    case 'newer':
      // The time of its upload, where that cannot be changed.
      return how.keepsTimes ? different('modified') : equal('not older')
    default:
      return time satisfies never
  }
}

function equal(rule: EqualRule): Verdict {
  return { type: 'equal', rule }
}

function different(reason: TransferReason): Verdict {
  return { type: 'different', reason }
}
