/** The channel of `node:diagnostics_channel` that every transfer is traced by. */
import { tracingChannel } from 'node:diagnostics_channel'

const transfers = tracingChannel<TransferFacts>('octoftp:transfer')

/** What subscribers of `tracing:octoftp:transfer:…` are given, beside `result` and `error`. */
export interface TransferFacts {
  /** In which direction. */
  readonly type: 'download' | 'upload'
  /** The remote path, for people; of several mirrors that of the one that is named first. */
  readonly path: string
  /** `host:port` of that server. */
  readonly host: string
}

/** Runs the work of a transfer where those who trace can see it. */
export function traced<Result>(facts: TransferFacts, work: () => Promise<Result>): Promise<Result> {
  return transfers.tracePromise(work, { ...facts })
}
