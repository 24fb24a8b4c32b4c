import { crc32, deflateRawSync } from 'node:zlib'

/** A ZIP archive (APPNOTE 6.3 §4.3) of these files, all of them deflated. */
export function zipOf(files: Readonly<Record<string, Buffer>>): Buffer {
  const entries: Buffer[] = []
  const list: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(files)) {
    const facts = factsOf(name, content)
    const packed = deflateRawSync(content)
    const entry = Buffer.concat([numbers(4, 0x04034b50), facts, Buffer.from(name), packed])
    const unused = Buffer.alloc(10) // comment, disk, attributes
    list.push(numbers(4, 0x02014b50), numbers(2, 20), facts, unused, numbers(4, offset), Buffer.from(name))
    entries.push(entry)
    offset += entry.length
  }
  const listed = Buffer.concat(list)
  const count = numbers(2, Object.keys(files).length)
  const end = [numbers(4, 0x06054b50), Buffer.alloc(4), count, count, numbers(4, listed.length, offset)]
  return Buffer.concat([...entries, listed, ...end, Buffer.alloc(2)])
}

/** What both headers of a file have in common: version, flags, method, time, checksum, sizes, length of the name. */
function factsOf(name: string, content: Buffer): Buffer {
  const packed = deflateRawSync(content)
  const sizes = numbers(4, crc32(content), packed.length, content.length)
  return Buffer.concat([numbers(2, 20, 0, 8, 0, 33), sizes, numbers(2, Buffer.byteLength(name), 0)])
}

function numbers(bytes: 2 | 4, ...values: readonly number[]): Buffer {
  const all = Buffer.alloc(bytes * values.length)
  for (const [at, value] of values.entries()) all.writeUIntLE(value, at * bytes, bytes)
  return all
}
