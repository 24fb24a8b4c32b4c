/** The one folder into which everything is saved: what would lead out of it is refused. */
import { existsSync, mkdirSync, realpathSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { unsafeName } from 'octoftp'
import { Refusal } from './failures.ts'

/** `''` is the folder itself; names below it are separated by slashes. */
export class LocalFolder {
  readonly path: string

  constructor(path: string) {
    mkdirSync(path, { recursive: true })
    this.path = realpathSync(path)
  }

  /** The absolute path of a file, in a folder that is made if need be. */
  place(target: string): string {
    const names = namesOf(target)
    const name = names.pop()
    if (name === undefined) throw new Refusal(400, 'The name of the file is missing')
    return join(this.#folder(names), name)
  }

  makeFolder(folder: string): void {
    this.#folder(namesOf(folder))
  }

  isThere(target: string): boolean {
    return existsSync(join(this.path, ...namesOf(target)))
  }

  /** The names of the folders in a folder. */
  async foldersIn(folder: string): Promise<string[]> {
    const path = join(this.path, ...namesOf(folder))
    this.#expectInside(realpathSync(path))
    const entries = await readdir(path, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort((a, b) => a.localeCompare(b))
  }

  /** Step by step: a link on the way is found out before anything is made behind it. */
  #folder(names: readonly string[]): string {
    let path = this.path
    for (const name of names) {
      path = join(path, name)
      mkdirSync(path, { recursive: true })
      this.#expectInside(realpathSync(path))
    }
    return path
  }

  #expectInside(real: string): void {
    if (real === this.path || real.startsWith(this.path.endsWith(sep) ? this.path : this.path + sep)) return
    throw new Refusal(403, `${real} is outside of ${this.path}`)
  }
}

/** @throws Refusal for a name that would lead elsewhere, or that cannot be had here */
export function expectName(name: string): string {
  const why = unsafeName(name)
  if (why === undefined) return name
  throw new Refusal(400, `"${name}" cannot be the name of a file here: ${why}`)
}

function namesOf(path: string): string[] {
  return path === '' ? [] : path.split('/').map(expectName)
}
