export interface ActiveAddress {
  host: string
  port: number
}

/** Where a PORT (RFC 959) or EPRT (RFC 2428) command tells the server to connect. */
export function parsePortCommand(command: string): ActiveAddress {
  const extended = /^EPRT (.)[12]\1(.+)\1(\d+)\1$/.exec(command)
  if (extended) return { host: extended[2] ?? '', port: Number(extended[3]) }
  const classic = /^PORT (\d+),(\d+),(\d+),(\d+),(\d+),(\d+)$/.exec(command)
  if (!classic) throw new Error(`not an address: ${command}`)
  const numbers = classic.slice(1).map(Number)
  return { host: numbers.slice(0, 4).join('.'), port: (numbers[4] ?? 0) * 256 + (numbers[5] ?? 0) }
}
