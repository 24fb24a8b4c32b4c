/** docs/moving-from-basic-ftp.md leaves out nothing that basic-ftp's client has. */
import { readFile } from 'node:fs/promises'
import { Client, FileInfo } from 'basic-ftp'
import { expect, it } from 'vitest'

/** What the first cells of its tables name. */
async function named(): Promise<string[]> {
  const text = await readFile(new URL('../docs/moving-from-basic-ftp.md', import.meta.url), 'utf8')
  const cells = [...text.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell = '']) => cell)
  return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)/g)].map(([, name = '']) => name))
}

/** Its own names and those of its class, but for what begins with an underscore. */
function publicNames(object: object): string[] {
  const names = [object, Object.getPrototypeOf(object) as object].flatMap((one) =>
    Object.getOwnPropertyNames(one),
  )
  return names.filter((name) => !name.startsWith('_') && !['constructor', 'options', 'name'].includes(name))
}

it.each([
  ['Client', new Client()],
  ['FileInfo', new FileInfo('a')],
])('every public name of its %s is there', async (_class, object) => {
  const names = publicNames(object)
  expect(names.length).toBeGreaterThan(8)
  const told = await named()
  expect(names.filter((name) => !told.includes(name))).toEqual([])
})
