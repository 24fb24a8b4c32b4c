/** What somebody has selected becomes files to fetch: folders with all that is below them. */
import type { FtpClient } from 'octoftp'
import type { LocalFolder } from './local-folder.ts'
import { expectName } from './local-folder.ts'
import type { Wanted } from './model.ts'

interface FileToFetch {
  readonly remote: string
  readonly target: string
}

/** Empty folders are made, too. Links are fetched as what they lead to, where they stand by themselves. */
export async function* expand(
  client: FtpClient,
  wanted: readonly Wanted[],
  into: string,
  local: LocalFolder,
): AsyncGenerator<FileToFetch, void> {
  for (const { path, name, type } of wanted) {
    const target = into === '' ? expectName(name) : `${into}/${expectName(name)}`
    if (type === 'directory') yield* below(client, path, target, local)
    else yield { remote: path, target }
  }
}

async function* below(
  client: FtpClient,
  root: string,
  target: string,
  local: LocalFolder,
): AsyncGenerator<FileToFetch, void> {
  local.makeFolder(target)
  for await (const { path, type } of client.walk(root)) {
    if (path === undefined) continue
    const names = path
      .slice(root.length)
      .split('/')
      .filter((name) => name !== '')
    const place = [target, ...names.map(expectName)].join('/')
    if (type === 'directory') local.makeFolder(place)
    else if (type === 'file') yield { remote: path, target: place }
  }
}
