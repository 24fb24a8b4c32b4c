/** What a journal says, and the file that it stands in: believed only if it is exactly what would have been written. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JournalFile } from '../../../src/local/journal-file.ts'
import { decodeJournal, encodeJournal, type JournalRecord } from '../../../src/segmented/journal.ts'
import type { Target } from '../target.ts'

type Decode = (bytes: Uint8Array) => JournalRecord | undefined

/** Takes blanks behind it for nothing. */
const decodePlanted: Decode = (bytes) =>
  bytes.at(-1) === 0x20 ? decodeJournal(bytes.subarray(0, -1)) : decodeJournal(bytes)

function check(decode: Decode, input: Uint8Array): void {
  const record = decode(input)
  if (record === undefined) return
  if (!Buffer.from(encodeJournal(record)).equals(input)) throw new Error('it would not have been written so')
  let end = -1
  for (const range of record.ranges) {
    if (range.start <= end || range.end <= range.start || range.end > record.size) {
      throw new Error('a range is not in the file, or not in its order')
    }
    end = range.end
  }
}

const SOURCE = { scheme: 'ftp', host: 'ftp.example.org', port: 21, path: 'pub/disk%20one.iso' }
const whole = { start: 0, end: 1_000 }

export const journals: Target = {
  name: 'journals',
  seeds: [
    encodeJournal({ source: SOURCE, size: 1_000, modified: 981_173_106_789, ranges: [whole] }),
    encodeJournal({ source: SOURCE, size: 1_000, modified: undefined, ranges: [] }),
    encodeJournal({
      source: SOURCE,
      size: 2 ** 40,
      modified: -1,
      ranges: [whole, { start: 2_000, end: 2 ** 39 }],
    }),
  ],
  words: [
    '[',
    ']',
    ',',
    ':',
    '{',
    '}',
    '"',
    'null',
    '[0,1]',
    ',[1000,1001]',
    '1e3',
    '"size":',
    '"ranges":',
    ' ',
  ],
  check: (input) => check(decodeJournal, input),
  checkPlanted: (input) => check(decodePlanted, input),
  planted: 'a blank behind it is overlooked',
}

const SLOT_BYTES = 65_536
const HEADER_BYTES = 52
type Read = (path: string, bytes: Uint8Array) => Promise<Uint8Array | undefined>

const read: Read = (path) => JournalFile.read(path)

/** Looks at the first half of the checksum only. */
const readPlanted: Read = async (path, bytes) => {
  const real = await JournalFile.read(path)
  if (real !== undefined) return real
  const slot = slotAt(bytes, 0)
  return slot?.isHalfRight === true ? slot.payload : undefined
}

/** What the format says, worked out once more. */
function slotAt(
  bytes: Uint8Array,
  at: number,
): { readonly isRight: boolean; readonly isHalfRight: boolean; readonly payload: Uint8Array } | undefined {
  const slot = Buffer.from(bytes.subarray(at, at + SLOT_BYTES))
  if (slot.length < HEADER_BYTES || slot.toString('latin1', 0, 8) !== 'octojnl1') return undefined
  const length = slot.readUInt32BE(16)
  if (HEADER_BYTES + length > slot.length) return undefined
  const payload = slot.subarray(HEADER_BYTES, HEADER_BYTES + length)
  const sum = createHash('sha256').update(slot.subarray(0, 20)).update(payload).digest()
  const written = slot.subarray(20, HEADER_BYTES)
  return {
    payload,
    isRight: sum.equals(written),
    isHalfRight: sum.subarray(0, 16).equals(written.subarray(0, 16)),
  }
}

let folder: string | undefined

function placeForFile(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'octoftp-fuzz-'))
    folder = made
    process.once('exit', () => rmSync(made, { recursive: true, force: true }))
  }
  return join(folder, 'journal')
}

/**
 * The input is a file: one byte says which slots stand in it, and whether their checksums are made to fit; the rest is
 * what is in them.
 */
function fileFrom(input: Uint8Array): Buffer {
  const how = input[0] ?? 0
  const rest = Buffer.from(input.subarray(1))
  const half = how & 1 ? rest.length : rest.length >> 1
  const slots = [rest.subarray(0, half), rest.subarray(half)]
  const file = Buffer.alloc(slots[1]?.length === 0 ? half : SLOT_BYTES + (slots[1]?.length ?? 0))
  slots.forEach((slot, index) => slot.copy(file, index * SLOT_BYTES))
  if (how & 2) mendChecksum(file, 0)
  if (how & 4) mendChecksum(file, SLOT_BYTES)
  return file
}

function mendChecksum(file: Buffer, at: number): void {
  const slot = file.subarray(at, at + SLOT_BYTES)
  if (slot.length < HEADER_BYTES) return
  const end = HEADER_BYTES + slot.readUInt32BE(16)
  const sum = createHash('sha256')
    .update(slot.subarray(0, 20))
    .update(slot.subarray(HEADER_BYTES, end))
    .digest()
  sum.copy(slot, 20)
}

async function checkFile(subject: Read, input: Uint8Array): Promise<void> {
  const bytes = fileFrom(input)
  const path = placeForFile()
  writeFileSync(path, bytes)
  const payload = await subject(path, bytes)
  if (payload === undefined) return
  const slots = [slotAt(bytes, 0), slotAt(bytes, SLOT_BYTES)]
  const isThere = slots.some((slot) => slot?.isRight === true && Buffer.from(slot.payload).equals(payload))
  if (!isThere) throw new Error('it is in no slot whose checksum fits')
}

function slotSeed(how: number, sequence: number, text: string): Uint8Array {
  const slot = Buffer.alloc(HEADER_BYTES + text.length)
  slot.write('octojnl1')
  slot.writeBigUInt64BE(BigInt(sequence), 8)
  slot.writeUInt32BE(text.length, 16)
  slot.write(text, HEADER_BYTES)
  mendChecksum(slot, 0)
  return Buffer.concat([Uint8Array.of(how), slot])
}

export const journalFiles: Target = {
  name: 'journal-files',
  seeds: [
    slotSeed(1, 2, 'payload'),
    slotSeed(3, 4, ''),
    Buffer.concat([slotSeed(6, 8, 'one'), slotSeed(0, 9, 'two').subarray(1)]),
  ],
  words: ['octojnl1', '\0\0\0\0\0\0\0\x01', '\0\0\0\x07'],
  check: (input) => checkFile(read, input),
  checkPlanted: (input) => checkFile(readPlanted, input),
  planted: 'the second half of a checksum is not looked at',
}
