/**
 * Easily Parsed LIST Format: `+i8388621.48594,m825718503,r,s280,\tdjb.html`. Facts, each with a comma behind it,
 * and a name behind the first tab (cr.yp.to/ftp/list/eplf.html).
 */
import { modifiedTime } from './clock.ts'
import { entryOf, filled, type EntryType } from './entry.ts'
import type { ListingFormat, Reading } from './format.ts'
import { sizeOf } from './scan.ts'

export class EplfListing implements ListingFormat {
  read(line: string): Reading {
    const tab = line.startsWith('+') ? line.indexOf('\t') : -1
    if (tab < 0 || tab + 1 >= line.length) return undefined
    let type: EntryType = 'other'
    let size: number | undefined
    let seconds: number | undefined
    let unique: string | undefined
    for (const fact of line.slice(1, tab).split(',')) {
      const value = fact.slice(1)
      if (fact === '/') type = 'directory'
      else if (fact === 'r' && type === 'other') type = 'file'
      else if (fact.startsWith('s')) size = sizeOf(value)
      else if (fact.startsWith('m')) seconds = sizeOf(value)
      else if (fact.startsWith('i')) unique = filled(value)
    }
    const modified = seconds === undefined ? undefined : modifiedTime(1000 * seconds, 'second')
    return entryOf({ name: line.slice(tab + 1), type, size, modified, unique, raw: line })
  }
}
