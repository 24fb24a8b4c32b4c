/** docs/command-line.md and the help name each command and each option, and no other; the examples can be given. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { OptionDefinition } from '../../src/cli/command.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { wordsOf } from '../../src/cli/shell/words.ts'

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
const document = read('docs/command-line.md')

/** `-n`, `--connections` of `-n, --connections <number>`. */
function names({ flags }: OptionDefinition): string[] {
  return flags.match(/--?[\w-]+/g) ?? []
}

/** Those in code quotes in the first cells of the tables of a chapter. */
function documented(heading: string): string[] {
  const [, behind = ''] = document.split(`\n## ${heading}\n`)
  const [chapter = ''] = behind.split('\n## ')
  const cells = [...chapter.matchAll(/^\| (.*?) \|/gm)].map(([, cell = '']) => cell)
  return cells.flatMap((cell) => [...cell.matchAll(/`(--?[\w-]+)`/g)].map(([, name = '']) => name))
}

const common = documented('Options of all commands')

describe('docs/command-line.md', () => {
  it('names the options that commands share', () => {
    const shared = new Set(COMMANDS.flatMap(({ options }) => options.flatMap(names)))
    expect(common.filter((name) => !shared.has(name))).toEqual(['-h', '--help'])
  })

  it.each(COMMANDS.map(({ name, options }) => ({ name, options })))(
    'names every option of $name, and no other',
    ({ name, options }) => {
      const own = documented(name)
      const all = options.flatMap(names)
      expect(own.filter((option) => !all.includes(option))).toEqual([])
      expect(all.filter((option) => !own.includes(option) && !common.includes(option))).toEqual([])
    },
  )

  const examples = [
    ...[document, read('README.md')].flatMap((text) =>
      [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap(([, code = '']) => code.split('\n')),
    ),
    ...COMMANDS.flatMap((command) => command.examples),
  ].flatMap((line) => /(?:^|\| )(octoftp [^|#]*)/.exec(line)?.[1] ?? [])

  it('has examples', () => expect(examples.length).toBeGreaterThan(25))

  it.each(examples)('%s: the command and its options are there', (example) => {
    const [, name = '', ...parameters] = wordsOf(example).map(({ text }) => text)
    const command = COMMANDS.find((one) => one.name === name)
    const allowed = command?.options.flatMap(names) ?? []
    expect(allowed).not.toEqual([])
    const used = parameters.filter((word) => /^--?[a-z]/.test(word))
    expect(used.filter((word) => !allowed.includes(word))).toEqual([])
  })
})
