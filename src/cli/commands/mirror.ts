/** `octoftp mirror`: makes one directory like another, down or up. */
import type { FtpClient, MirrorOptions, MirrorResult, Transfer } from '../../index.ts'
import type { CommandContext, RunCommand } from '../command.ts'
import { withClient, type ConnectionOptions } from '../connection-options.ts'
import { EXIT } from '../exit.ts'
import { exitCodeOfAll } from '../exit-code.ts'
import { checked, UsageError } from '../failures.ts'
import { tellFailure } from '../one-by-one.ts'
import { isRemote, readPlace, warning, withoutLastSlash } from '../place.ts'
import { mirrorText, planText } from '../text/result-text.ts'
import { TransferView } from '../view/follow.ts'

interface MirrorCommandOptions extends ConnectionOptions {
  readonly connections?: number | 'auto'
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly compare?: MirrorOptions['compare']
  readonly newerThan?: Date
  readonly overwrite?: MirrorOptions['overwrite']
  readonly delete?: boolean
  readonly deleteExcluded?: boolean
  readonly allowEmptySource?: boolean
  readonly maxDelete?: number
  readonly dryRun?: boolean
  readonly links?: MirrorOptions['symlinks']
  readonly maxDepth?: number
  readonly stopOnError?: boolean
}

export const run: RunCommand<MirrorCommandOptions> = async (context, [source = '', target = ''], options) => {
  if (isRemote(source) === isRemote(target)) {
    throw new UsageError(
      'A mirror is between a server and this machine: one of both is a URL (or NAME:PATH), the other a local directory',
    )
  }
  const isDown = isRemote(source)
  const place = await readPlace(isDown ? source : target, warning(context.output))
  const path = withoutLastSlash(place.url.path)
  const settings = mirrorOptions(context, options)
  using view = new TransferView(context.output)
  const start = (client: FtpClient): Transfer<MirrorResult> =>
    isDown ? client.mirrorDown(path, target, settings) : client.mirrorUp(source, path, settings)
  const result = await withClient(place, options, (client) =>
    view.follow(
      isDown ? target : source,
      checked(() => start(client)),
    ),
  )
  tell(context, result)
  return result.failures.length === 0 ? EXIT.fine : exitCodeOfAll(result.failures.map(({ error }) => error))
}

function tell({ output }: CommandContext, { plan, ...result }: MirrorResult): void {
  if (output.options.json) {
    for (const action of plan ?? []) output.event('plan', action)
    output.event('result', result)
  } else {
    for (const action of plan ?? []) {
      const text = planText(action)
      if (text !== undefined) output.print(text)
    }
  }
  for (const { path, error } of result.failures) tellFailure(output, path, error)
  if (plan === undefined) output.say(mirrorText(result))
}

function mirrorOptions({ signal }: CommandContext, options: MirrorCommandOptions): MirrorOptions {
  return {
    signal,
    connections: options.connections,
    include: options.include,
    exclude: options.exclude,
    compare: options.compare,
    newerThan: options.newerThan,
    overwrite: options.overwrite,
    delete: options.delete,
    deleteExcluded: options.deleteExcluded,
    allowEmptySource: options.allowEmptySource,
    maxDelete: options.maxDelete,
    dryRun: options.dryRun,
    symlinks: options.links,
    maxDepth: options.maxDepth,
    onError: options.stopOnError === true ? 'stop' : 'continue',
  }
}
