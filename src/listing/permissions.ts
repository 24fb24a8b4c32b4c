/** The mode of a file, from octal digits to the letters of `ls`. */

const PLAIN = ['---', '--x', '-w-', '-wx', 'r--', 'r-x', 'rw-', 'rwx'] as const
/** With the bit for the owner's or the group's identity. */
const WITH_ID = ['--S', '--s', '-wS', '-ws', 'r-S', 'r-s', 'rwS', 'rws'] as const
const STICKY = ['--T', '--t', '-wT', '-wt', 'r-T', 'r-t', 'rwT', 'rwt'] as const

/** `0644` to `rw-r--r--`, `0o4755` to `rwsr-xr-x`; `undefined` for what is no mode. */
export function permissionsOf(octal: string): string | undefined {
  const mode = modeOf(octal)
  if (mode === undefined) return undefined
  const owner = (mode & 0o4000 ? WITH_ID : PLAIN)[(mode >> 6) & 7] ?? ''
  const group = (mode & 0o2000 ? WITH_ID : PLAIN)[(mode >> 3) & 7] ?? ''
  const others = (mode & 0o1000 ? STICKY : PLAIN)[mode & 7] ?? ''
  return owner + group + others
}

const ZERO = 0x30
/** With the type of the file before the permissions. */
const MAX_DIGITS = 7

function modeOf(octal: string): number | undefined {
  const start = octal.startsWith('0o') ? 2 : 0
  if (octal.length === start || octal.length > start + MAX_DIGITS) return undefined
  let mode = 0
  for (let at = start; at < octal.length; at++) {
    const digit = octal.charCodeAt(at) - ZERO
    if (digit < 0 || digit > 7) return undefined
    mode = 8 * mode + digit
  }
  return mode
}
