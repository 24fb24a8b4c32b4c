/** LIST and NLST as lines, in memory. */
import { FtpReplyError, FtpTransferError } from '../errors.ts'
import { retrieve } from '../session/retrieve.ts'
import type { RemotePath, Session } from '../session/session.ts'
import { onAbort } from '../util/abort.ts'
import { isEmptyListing } from './empty-listing.ts'
import { LineSplitter, ListingReceiver } from './listing-receiver.ts'
import { ListingSize } from './listing-size.ts'

/** As text of the session's encoding. What servers say in place of an empty list is an empty list. */
export async function listLines(
  session: Session,
  verb: 'LIST' | 'NLST',
  path: RemotePath | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const receiver = new ListingReceiver()
  const reading = linesOf(receiver, new LineSplitter(session.control.codec))
  const controller = new AbortController()
  const stopListening = onAbort(signal, (reason) => controller.abort(reason))
  // Nobody reads on behind a failure: the transfer would wait for room for ever.
  reading.catch((error: unknown) => controller.abort(error))
  try {
    const result = await retrieve(session, {
      ...{ verb, path, type: 'A', offset: 0, endsAtEnd: true, receiver, isWhole: () => false },
      signal: controller.signal,
    })
    if (result.outcome !== 'complete') throw cutShort(verb, result.doubt)
  } catch (error) {
    if (error instanceof FtpReplyError && isEmptyListing(error.reply)) return []
    throw error
  } finally {
    stopListening()
    receiver.end()
  }
  return await reading
}

async function linesOf(receiver: ListingReceiver, splitter: LineSplitter): Promise<string[]> {
  const lines: string[] = []
  const size = new ListingSize()
  for (let chunk = await receiver.next(); chunk !== undefined; chunk = await receiver.next()) {
    for (const line of splitter.push(chunk)) {
      size.add(line)
      lines.push(line)
    }
  }
  return [...lines, ...splitter.end()]
}

function cutShort(verb: string, cause: unknown): FtpTransferError {
  const message = `The answer to ${verb} ended without the server saying that it is whole`
  return new FtpTransferError('ERR_FTP_TRUNCATED', message, { cause, retryable: true })
}
