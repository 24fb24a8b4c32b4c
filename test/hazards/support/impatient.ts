/** A client for which every deadline is short, and a time that is longer than any of them. */
import type { FtpClientOptions } from '../../../src/index.ts'

const TIMEOUT_MS = 500
export const LONG_MS = 3 * TIMEOUT_MS
export const IMPATIENT: FtpClientOptions = {
  maxConnections: 1,
  timeouts: {
    ...{ connect: TIMEOUT_MS, greeting: TIMEOUT_MS, reply: TIMEOUT_MS, tls: TIMEOUT_MS },
    ...{ data: TIMEOUT_MS, completion: TIMEOUT_MS, idle: TIMEOUT_MS, acquire: TIMEOUT_MS },
  },
}
