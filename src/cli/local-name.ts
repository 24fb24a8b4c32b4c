/** Which names on a server can be those of files here. Pure. */
import { unsafeName } from '../index.ts'

/** The last name in `path`, which is one of a server; `undefined` where a file cannot have it on `platform`. */
export function localName(path: string, platform: NodeJS.Platform = process.platform): string | undefined {
  const name = path.split('/').at(-1) ?? ''
  return unsafeName(name, platform) === undefined ? name : undefined
}
