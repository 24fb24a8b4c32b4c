/** How a server words its 229 or 227, given the command and the port it listens on. */
export type PassiveReply = (command: string, port: number) => string

/** As RFC 2428 and RFC 959 have it. */
export function properReply(host: string): PassiveReply {
  return (command, port) => (isExtended(command) ? extended(port) : classic(host, port))
}

/** A 227 that names another machine: a server behind NAT, or one that wants to bounce us. EPSV has no host. */
export function foreignHost(host: string): PassiveReply {
  return properReply(host)
}

/** `227 Entering Passive Mode 127,0,0,1,4,1`, as some servers write it in spite of RFC 959. */
export const withoutBrackets: PassiveReply = (command, port) =>
  properReply('127.0.0.1')(command, port).replace(/[()]/g, '')

/** Names a port of its own choice, whatever it listens on: 0, or one below 1024. */
export function namingPort(named: number, host: string = '127.0.0.1'): PassiveReply {
  return (command) => properReply(host)(command, named)
}

function isExtended(command: string): boolean {
  return /^EPSV\b/i.test(command)
}

function extended(port: number): string {
  return `229 Entering Extended Passive Mode (|||${port}|)`
}

function classic(host: string, port: number): string {
  const address = host.includes(':') ? '127.0.0.1' : host
  const numbers = [...address.split('.'), port >> 8, port & 255]
  return `227 Entering Passive Mode (${numbers.join(',')})`
}
