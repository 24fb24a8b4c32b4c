import { readFileSync } from 'node:fs'

/** Of the package: the built command line is in a folder beside its manifest. */
export function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string
  }
  return manifest.version
}
