/** The documents, the programs in them, and how these are made to run here. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FakeFtpServer } from './fake-ftp-server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Document {
  readonly name: string
  readonly text: string
}

export const documents: readonly Document[] = ['.', 'docs']
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)))
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }))

export function textOf(name: string): string {
  return documents.find((document) => document.name === name)?.text ?? ''
}

export interface Example {
  /** Document and line: `docs/tls.md:31`. */
  readonly name: string
  readonly language: string
  readonly isRun: boolean
  readonly code: string
}

export const examples: readonly Example[] = documents.flatMap(({ name, text }) =>
  [...text.matchAll(/^```(\S*) ?(.*)\n([^]*?)^```$/gm)].map(
    ({ 1: language = '', 2: mark, 3: code = '', index: at }) => ({
      name: `${name}:${text.slice(0, at).split('\n').length}`,
      language,
      isRun: language === 'ts' && mark !== 'no-run',
      code,
    }),
  ),
)

/** Code of an example, with `ftp.example.org` being servers here and `octoftp` the library at `index`. */
export function pointedAt(
  { explicit, implicit }: Record<'explicit' | 'implicit', FakeFtpServer>,
  code: string,
  index: string = join(root, 'src/index.ts'),
): string {
  const { host } = explicit
  const pointed = code
    .replaceAll(/(?<=ftp(?:es)?:\/\/)(?:ftp|mirror)\.example\.org/g, `${host}:${explicit.port}`)
    .replaceAll(/(?<=ftps:\/\/)ftp\.example\.org/g, `${host}:${implicit.port}`)
    .replaceAll(/host: 'ftp\.example\.org'/g, `host: '${host}', port: ${explicit.port}`)
    .replaceAll("'octoftp'", `'${index}'`)
    .replaceAll("'octoftp/proxy'", `'${join(root, 'src/proxy.ts')}'`)
    .replaceAll("'octoftp/mptcp'", `'${join(root, 'src/mptcp.ts')}'`)
  if (pointed.includes('example.org')) throw new Error(`It would leave this machine:\n${pointed}`)
  return pointed
}
