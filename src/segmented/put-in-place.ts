/**
 * The last step of an atomic upload: from the other name to its own.
 *
 *   RNFR other, RNTO own                               replaces what stands there, on Unix
 *     refused, since something stands there:
 *   RNFR own, RNTO aside ─► RNFR other, RNTO own ─► DELE aside
 *                             refused: RNFR aside, RNTO own
 *
 * Nothing is deleted before the new file has its name: what cannot be renamed may be all that there is.
 */
import { createHash, randomBytes } from 'node:crypto'
import { FtpReplyError } from '../errors.ts'
import type { TextCodec } from '../protocol/text-codec.ts'
import { size as sizeOf } from '../session/facts.ts'
import { deleteFile, rename } from '../session/files.ts'
import type { RemotePath, Session } from '../session/session.ts'

/** What a name may be long, in bytes, on the file systems that servers use. */
const LONGEST_NAME_BYTES = 255
const SLASH = 0x2f

/**
 * Another name in the same directory: one that is found again, or one that nobody else uses. A hash stands for a name
 * that would grow too long.
 */
export function besides(path: RemotePath, codec: TextCodec, isFoundAgain: boolean): RemotePath {
  const suffix = isFoundAgain ? '.octoftp-part' : `.octoftp-${randomBytes(4).toString('hex')}`
  const bytes = typeof path === 'string' ? codec.encode(path) : path
  const name = bytes.subarray(bytes.lastIndexOf(SLASH) + 1)
  const isTooLong = name.length + suffix.length > LONGEST_NAME_BYTES
  const end = (isTooLong ? createHash('sha256').update(name).digest('hex') : '') + suffix
  if (typeof path === 'string') return (isTooLong ? path.slice(0, path.lastIndexOf('/') + 1) : path) + end
  return Buffer.concat([isTooLong ? path.subarray(0, path.length - name.length) : path, Buffer.from(end)])
}

export class PuttingInPlace {
  readonly #from: RemotePath
  readonly #to: RemotePath
  readonly #bytes: number
  /** Whether an answer was lost: the renaming may have been carried out. */
  #isAnswerLost = false
  #isDone = false
  /** Where the older file is, or may be, meanwhile. */
  #aside: RemotePath | undefined

  constructor(from: RemotePath, to: RemotePath, bytes: number) {
    this.#from = from
    this.#to = to
    this.#bytes = bytes
  }

  /** Can be run again where a connection was lost. */
  async run(session: Session): Promise<void> {
    if (!this.#isDone) await this.#rename(session)
    this.#isDone = true
    if (this.#aside !== undefined) await unlessRefused(deleteFile(session, this.#aside))
  }

  /** Gives the older file its name back. */
  async undo(session: Session): Promise<void> {
    const aside = this.#aside
    if (aside === undefined || this.#isDone) return
    this.#aside = undefined
    await unlessRefused(rename(session, aside, this.#to))
  }

  async #rename(session: Session): Promise<void> {
    try {
      await rename(session, this.#from, this.#to)
    } catch (error) {
      this.#isAnswerLost ||= !isRefusal(error)
      if (!isRefusal(error)) throw error
      if (await this.#wasCarriedOut(session)) return
      const isInTheWay = isOfTarget(error) && (await sizeOf(session, this.#to)) !== undefined
      if (!isInTheWay || !(await this.#putAside(session))) throw error
      await this.#renameAgain(session)
    }
  }

  async #wasCarriedOut(session: Session): Promise<boolean> {
    if (!this.#isAnswerLost || (await sizeOf(session, this.#from)) !== undefined) return false
    return (await sizeOf(session, this.#to)) === this.#bytes
  }

  async #putAside(session: Session): Promise<boolean> {
    // Noted before it is there: an answer can be lost here, too.
    this.#aside ??= besides(this.#to, session.control.codec, false)
    const isAside = await unlessRefused(rename(session, this.#to, this.#aside))
    if (!isAside) this.#aside = undefined
    return isAside
  }

  async #renameAgain(session: Session): Promise<void> {
    try {
      await rename(session, this.#from, this.#to)
    } catch (error) {
      this.#isAnswerLost ||= !isRefusal(error)
      if (isRefusal(error)) await this.undo(session)
      throw error
    }
  }
}

function isRefusal(error: unknown): error is FtpReplyError {
  return error instanceof FtpReplyError && error.reply.code !== 421
}

/** Whether it was RNTO that was refused, and not RNFR. */
function isOfTarget(refusal: FtpReplyError): boolean {
  return refusal.command?.startsWith('RNTO') === true
}

/** `false` where it was refused. */
async function unlessRefused(work: Promise<void>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (isRefusal(error)) return false
    throw error
  }
}
