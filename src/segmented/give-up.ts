/** What a source has brought is not used after all. */
import type { TransferContext } from '../transfer/transfer.ts'
import type { Board } from './board.ts'
import type { Source } from './source.ts'

/** All that `source` has brought, or an earlier run, is fetched again from the others. */
export function giveUp(
  board: Board,
  source: Source | undefined,
  reason: string,
  { meter, emit }: Pick<TransferContext, 'meter' | 'emit'>,
): void {
  if (source !== undefined) source.isDistrusted = true
  else meter.resumed(0)
  for (const { start, end } of board.giveUp(source)) {
    meter.givenUp(end - start)
    emit('restart', { start, end, reason })
  }
}
