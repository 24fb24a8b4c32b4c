/** Numbers and times for people. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function bytes(count: number): string {
  let unit = 0
  let value = count
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_024
    unit += 1
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(value < 10 ? 2 : 1)} ${UNITS[unit] ?? ''}`
}

const MIB = 2 ** 20

/** A limit as it stands in a field: in MiB/s, nothing for none. */
export function limitText(bytesPerSecond: number): string {
  return bytesPerSecond === 0 ? '' : String(Math.round((bytesPerSecond / MIB) * 1_000) / 1_000)
}

export function limitOf(text: string): number {
  return Math.round(Number(text) * MIB)
}

export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`
}

/** `3 h 05 min`, `2 min 10 s`, `4 s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  if (hours > 0) return `${hours} h ${two(minutes)} min`
  return minutes > 0 ? `${minutes} min ${two(whole % 60)} s` : `${whole} s`
}

/** `2026-11-22 06:52`, in the zone of the reader and as finely as it is known. */
export function when(time: number | string, precision: string | null = 'minute'): string {
  const date = new Date(time)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return precision === 'day' ? day : `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
}

export function percent(fraction: number): string {
  return `${(Math.floor(fraction * 1_000) / 10).toFixed(1)} %`
}

export function count(number: number, one: string, many: string): string {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`
}

/** `lastPart('a/b')` is `b`. */
export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
