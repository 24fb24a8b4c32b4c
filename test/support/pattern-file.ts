import { randomBytes } from './random-bytes.ts'

/** A file that exists only as a rule: any of its bytes can be computed, none is stored. */
export interface VirtualFile {
  readonly size: number
  /** The bytes from `offset` on. May use `into` (at least `length` long) instead of a new Buffer. */
  content(offset: number, length: number, into?: Buffer): Buffer
}

/** A prime: 4 KiB, 1 MiB, 2^31 and 2^32 are no multiples of it, nor is anything a program would round to. */
const PERIOD = 1_048_573
const STAMP_EVERY = 4_096
const STAMP_LENGTH = 8

/**
 * A file of any size (5 GiB and more) whose content betrays every shift: random bytes with a prime period,
 * and each 4 KiB the number of that 4 KiB, which makes the whole without any period.
 */
export function patternFile(size: number, seed: string | number = 0): VirtualFile {
  const base = randomBytes(PERIOD, seed)
  const content = (offset: number, length: number, into?: Buffer): Buffer => {
    const available = Math.min(length, size - offset)
    const bytes = into?.subarray(0, available) ?? Buffer.allocUnsafe(available)
    fill(bytes, offset, base)
    stamp(bytes, offset)
    return bytes
  }
  return { size, content }
}

/** A virtual file over bytes in memory. */
export function bufferFile(bytes: Buffer): VirtualFile {
  return { size: bytes.length, content: (offset, length) => bytes.subarray(offset, offset + length) }
}

function fill(bytes: Buffer, offset: number, base: Buffer): void {
  let at = 0
  while (at < bytes.length) at += base.copy(bytes, at, (offset + at) % PERIOD)
}

function stamp(bytes: Buffer, offset: number): void {
  const first = Math.floor(offset / STAMP_EVERY)
  const end = offset + bytes.length
  for (let number = first; number * STAMP_EVERY < end; number++) {
    const at = number * STAMP_EVERY - offset
    if (at >= 0 && at + STAMP_LENGTH <= bytes.length) writeNumber(bytes, at, number)
    else writePartOf(bytes, at, number)
  }
}

function writeNumber(bytes: Buffer, at: number, number: number): void {
  bytes.writeUInt32LE(number >>> 0, at)
  bytes.writeUInt32LE(Math.floor(number / 2 ** 32), at + 4)
}

/** A stamp that begins before these bytes or ends behind them. */
function writePartOf(bytes: Buffer, at: number, number: number): void {
  const whole = Buffer.alloc(STAMP_LENGTH)
  writeNumber(whole, 0, number)
  for (let index = 0; index < STAMP_LENGTH; index++) {
    if (at + index >= 0 && at + index < bytes.length) bytes[at + index] = whole[index] ?? 0
  }
}
