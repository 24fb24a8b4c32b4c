/** The listings of known servers, each with what is to come of it. Made from documents, without a look at a parser. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Entry } from '../../src/listing/entry.ts'

export interface CorpusListing {
  readonly from: string
  readonly now: string
  readonly timeZone: string
  readonly lines: readonly string[]
  readonly entries: readonly CorpusEntry[]
}

/** An entry without what the line does not tell. `raw` is there where no line could be read. */
export interface CorpusEntry {
  readonly name: string
  readonly modifiedAt?: string
  readonly facts?: Readonly<Record<string, string>>
  readonly raw?: string
}

export interface Corpus {
  readonly format: string
  readonly listings: readonly CorpusListing[]
}

const FOLDER = new URL('corpus/', import.meta.url)

export const corpora: readonly Corpus[] = readdirSync(FOLDER).map(
  (file) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Corpus,
)

/** The fields of an entry, in their order. */
export const FIELDS = [
  'name',
  'path',
  'type',
  'size',
  'modifiedAt',
  'modifiedPrecision',
  'target',
  'permissions',
  'owner',
  'group',
  'unique',
  'facts',
  'raw',
] as const satisfies readonly (keyof Entry)[]

/** An entry in the words of the corpus, without `raw`; what is unknown is there, and `undefined`. */
export function described(entry: Entry): Record<string, unknown> {
  const { facts, modifiedAt } = entry
  return expected({
    ...entry,
    modifiedAt: modifiedAt?.toISOString(),
    facts: facts === undefined ? undefined : Object.fromEntries(facts),
  })
}

/** What {@link described} has to give. */
export function expected(entry: object): Record<string, unknown> {
  const fields = FIELDS.filter((field) => field !== 'raw')
  return Object.fromEntries(fields.map((field) => [field, (entry as Record<string, unknown>)[field]]))
}
