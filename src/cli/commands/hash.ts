/** `octoftp hash`: checksums, of local files by this machine and of remote ones by their server. */
import { hashFile, type ChecksumAlgorithm, type FtpClient } from '../../index.ts'
import type { CommandContext, RunCommand } from '../command.ts'
import { withClients, type ConnectionOptions } from '../connection-options.ts'
import { Unsupported } from '../failures.ts'
import { oneByOne } from '../one-by-one.ts'
import { isRemote, readPlace, warning, type Place } from '../place.ts'

interface HashOptions extends ConnectionOptions {
  readonly algorithm?: ChecksumAlgorithm
}

export const run: RunCommand<HashOptions> = async (context, files, options) => {
  const { output, signal } = context
  const { algorithm = 'sha256' } = options
  return withClients(options, (clientOf) =>
    oneByOne(context, files, withoutLogin, async (file) => {
      const value = isRemote(file)
        ? await ofServer(context, file, algorithm, clientOf)
        : (await hashFile(file, algorithm, { signal }))[algorithm]
      if (output.options.json) output.event('hash', { name: withoutLogin(file), algorithm, value })
      // As sha256sum and its kin print it.
      else output.print(`${value}  ${withoutLogin(file)}`)
    }),
  )
}

async function ofServer(
  { output, signal }: CommandContext,
  file: string,
  algorithm: ChecksumAlgorithm,
  clientOf: (place: Place) => Promise<FtpClient>,
): Promise<string> {
  const place = await readPlace(file, warning(output))
  const client = await clientOf(place)
  const value = await client.checksum(place.url.path, algorithm, { signal })
  if (value !== undefined) return value
  // Which of both it is: no such file, or no such command.
  await client.stat(place.url.path, { signal })
  throw new Unsupported(
    `${place.text}: the server makes no ${algorithm} checksums of this file. Another --algorithm may do`,
  )
}

function withoutLogin(file: string): string {
  return file.replace(/^([a-z][a-z\d+.-]+:\/\/)[^@/]*@/i, '$1')
}
