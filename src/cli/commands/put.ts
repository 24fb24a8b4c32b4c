/** `octoftp put`: a file, several of them, or stdin to a server. */
import { basename } from 'node:path'
import type { FtpClient, UploadOptions, UploadResult } from '../../index.ts'
import type { CommandContext, RunCommand } from '../command.ts'
import { withClient, type ConnectionOptions } from '../connection-options.ts'
import { checked, Interrupted, UsageError } from '../failures.ts'
import { oneByOne } from '../one-by-one.ts'
import { isRemote, pathText, readPlace, warning, type Place } from '../place.ts'
import { uploadText } from '../text/result-text.ts'
import { TransferView } from '../view/follow.ts'

interface PutOptions extends ConnectionOptions {
  readonly continue?: boolean
  readonly append?: boolean
  readonly atomic?: boolean
  readonly overwrite?: 'replace' | 'error'
  readonly checksum?: 'auto'
}

export const run: RunCommand<PutOptions> = async (context, parameters, options) => {
  const [files, to] = [parameters.slice(0, -1), parameters.at(-1) ?? '']
  const place = await readPlace(to, warning(context.output))
  if (files.length > 1 && !place.url.directory)
    throw new UsageError('Several files go into a directory: end the URL with a slash')
  if (files.some(isRemote))
    throw new UsageError('put sends files of this machine; only the last parameter is a URL')
  using view = new TransferView(context.output)
  return await withClient(place, options, (client) =>
    oneByOne(
      context,
      files,
      (file) => file,
      (file) => send(context, { client, view, file, path: targetOf(place, file), options }),
    ),
  )
}

interface Sending {
  readonly client: FtpClient
  readonly view: TransferView
  /** A local path; `-` is stdin. */
  readonly file: string
  readonly path: Uint8Array
  readonly options: PutOptions
}

async function send(
  { output, signal }: CommandContext,
  { client, view, file, path, options }: Sending,
): Promise<void> {
  const settings: UploadOptions = {
    signal,
    resume: options.continue,
    append: options.append,
    atomic: options.atomic,
    overwrite: options.overwrite,
    checksum: options.checksum,
  }
  const label = file === '-' ? 'stdin' : file
  const source = file === '-' ? process.stdin : file
  let result: UploadResult
  try {
    result = await view.follow(
      label,
      checked(() => client.upload(source, path, settings)),
    )
  } catch (error) {
    const hint = error instanceof Interrupted ? howToGoOn(file, options) : undefined
    if (hint !== undefined) output.say(hint)
    throw error
  }
  const name = pathText(path)
  output.event('result', { name: label, ...result, path: name })
  output.say(`${label} to ${name}: ${uploadText(result)}`)
}

/** Nothing, where nothing is left of it. `--continue` behind `--append` would take what was there before for its own. */
function howToGoOn(file: string, { append, atomic, continue: continues }: PutOptions): string | undefined {
  if (append === true) return 'A part may have been added: look at the file before you send it again'
  if (file === '-' || (atomic === true && continues !== true)) return undefined
  return 'octoftp put --continue goes on with what the server has'
}

/** Below a URL that ends with a slash, under the name of the file. */
function targetOf({ url }: Place, file: string): Uint8Array {
  if (!url.directory) return url.path
  if (file === '-') throw new UsageError('What comes from stdin has no name: end the URL with one')
  return Buffer.concat([url.path, Buffer.from(basename(file))])
}
