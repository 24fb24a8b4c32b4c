/** LIST and NLST as lines, in memory. */
import { FtpReplyError, FtpTransferError } from '../errors.ts'
import { retrieve } from '../session/retrieve.ts'
import type { RemotePath, Session } from '../session/session.ts'
import { isEmptyListing } from './empty-listing.ts'
import { LineSplitter, ListingReceiver } from './listing-receiver.ts'

/** As text of the session's encoding. What servers say in place of an empty list is an empty list. */
export async function listLines(
  session: Session,
  verb: 'LIST' | 'NLST',
  path: RemotePath | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const receiver = new ListingReceiver()
  const reading = linesOf(receiver, new LineSplitter(session.control.codec))
  // What it fails with is told by the transfer, or below.
  reading.catch(() => {})
  try {
    const result = await retrieve(session, {
      ...{ verb, path, type: 'A', offset: 0, endsAtEnd: true, receiver, isWhole: () => false, signal },
    })
    if (result.outcome !== 'complete') throw cutShort(verb, result.doubt)
  } catch (error) {
    if (error instanceof FtpReplyError && isEmptyListing(error.reply)) return []
    throw error
  } finally {
    receiver.end()
  }
  return await reading
}

async function linesOf(receiver: ListingReceiver, splitter: LineSplitter): Promise<string[]> {
  const lines: string[] = []
  for (let chunk = await receiver.next(); chunk !== undefined; chunk = await receiver.next()) {
    for (const line of splitter.push(chunk)) lines.push(line)
  }
  return [...lines, ...splitter.end()]
}

function cutShort(verb: string, cause: unknown): FtpTransferError {
  const message = `The answer to ${verb} ended without the server saying that it is whole`
  return new FtpTransferError('ERR_FTP_TRUNCATED', message, { cause, retryable: true })
}
