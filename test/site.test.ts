/** The site of guides and symbols: it builds without a warning, has every guide, and no link in it leads nowhere. */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { documents, textOf } from './support/documents.ts'
import { temporaryDirectory, type TemporaryDirectory } from './support/temporary-directory.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const runFile = promisify(execFile)

let folder: TemporaryDirectory
/** The pages and images, by their paths in the site. */
let pages: ReadonlyMap<string, string>
let files: ReadonlySet<string>

beforeAll(async () => {
  folder = await temporaryDirectory()
  const typedoc = join(root, 'node_modules/typedoc/bin/typedoc')
  // An undocumented symbol or a link to one that is not there is a warning, by which it fails.
  await runFile(process.execPath, [typedoc, '--out', folder.path], { cwd: root })
  const names = await readdir(folder.path, { recursive: true })
  files = new Set(names.map((name) => name.replaceAll('\\', '/')))
  const texts = [...files].filter((name) => /\.(html|svg)$/.test(name))
  pages = new Map(
    await Promise.all(texts.map(async (name) => [name, await readFile(folder.at(name), 'utf8')] as const)),
  )
})
afterAll(() => folder[Symbol.asyncDispose]())

it('has a page for every document', () => {
  const titles = documents.filter(({ name }) => name !== 'README.md').map(({ name }) => name)
  const built = [...pages.keys()].filter((name) => name.startsWith('documents/'))
  const missing = titles.filter((name) => {
    const page = name.replace(/\.md$/, '.html').replaceAll(/[\\/]/g, '_')
    return !built.includes(`documents/${page}`)
  })
  expect(missing).toEqual([])
})

it('has an index that names every guide', () => {
  const guides = documents.flatMap(({ name }) => /^docs[\\/](?!README)(.*)/.exec(name)?.[1] ?? [])
  expect(guides.length).toBeGreaterThan(15)
  const index = textOf(join('docs', 'README.md'))
  expect(guides.filter((name) => !index.includes(`](${name})`))).toEqual([])
})

it('has no link that leads nowhere', () => {
  const links = [...pages].flatMap(([page, text]) =>
    [...text.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link = '']) => ({ page, link })),
  )
  const inside = links.filter(({ link }) => !/^[a-z]+:/.test(link))
  expect(inside.length).toBeGreaterThan(2000)
  const dead = inside
    .filter(({ page, link }) => !isThere(page, link))
    .map(({ page, link }) => `${page}: ${link}`)
  expect([...new Set(dead)]).toEqual([])
})

it('would find one', () => {
  expect(isThere('index.html', 'documents/docs_tls.html#certificates')).toBe(true)
  expect(isThere('documents/docs_tls.html', '../index.html')).toBe(true)
  expect(isThere('index.html', 'documents/docs_tls.html#nowhere')).toBe(false)
  expect(isThere('index.html', 'documents/nothing.html')).toBe(false)
})

function isThere(page: string, link: string): boolean {
  const [path = '', anchor = ''] = decodeURI(link.replaceAll('&amp;', '&')).split('#')
  const target =
    path === ''
      ? page
      : relative('.', join(dirname(page), path.replace(/\/$/, '/index.html'))).replaceAll('\\', '/')
  if (!files.has(target)) return false
  return anchor === '' || pages.get(target)?.includes(` id="${anchor}"`) === true
}
