/**
 * Fetches a file over Multipath TCP from within the network that it is started in: told what by its argument, tells by
 * IPC how it goes.
 */
import { FtpClient, type DownloadResult } from '../../../src/index.ts'
import { mptcp, type MptcpConnection } from '../../../src/mptcp.ts'

export interface FetchRequest {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly remote: string
  readonly local: string
}

export interface FetchReport {
  readonly bytes: number
  /** At the end. */
  readonly outcome?: {
    readonly result?: DownloadResult
    readonly error?: string
    readonly connections: readonly MptcpConnection[]
    /** Why control connections were lost, or something was tried again. */
    readonly lost: readonly string[]
  }
}

async function fetchFile({ remote, local, ...server }: FetchRequest): Promise<void> {
  const connections: MptcpConnection[] = []
  const lost: string[] = []
  const connect = mptcp({ onConnection: (connection) => connections.push(connection) })
  const client = new FtpClient({ ...server, security: 'none', connect })
  client.on('retry', ({ error }) => lost.push(String(error)))
  const transfer = client.download(remote, local, { connections: 1 })
  transfer.on('progress', ({ bytes }) => tell({ bytes }))
  const ended = await transfer.then(
    (result) => ({ result }),
    (error: unknown) => ({ error: String(error) }),
  )
  tell({ bytes: transfer.progress.bytes, outcome: { ...ended, connections, lost } })
  await client.close()
}

function tell(report: FetchReport): void {
  process.send?.(report)
}

await fetchFile(JSON.parse(process.argv[2] ?? '') as FetchRequest)
process.disconnect()
