/** The sockets of this process, as Linux tells them. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** By inode: `127.0.0.2:21000 > 127.0.0.1:40000 (ESTABLISHED)`, or that it is none of TCP. */
export function openSockets(): Map<string, string> {
  const connections = new Map(['tcp', 'tcp6'].flatMap(connectionsOf))
  const inodes = readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${name}`))?.[1] ?? []
    } catch {
      return [] // The descriptor of the directory that was read.
    }
  })
  return new Map(inodes.map((inode) => [inode, connections.get(inode) ?? 'not of TCP, or not connected']))
}

const STATES = [
  ...[
    '',
    'ESTABLISHED',
    'SYN_SENT',
    'SYN_RECV',
    'FIN_WAIT1',
    'FIN_WAIT2',
    'TIME_WAIT',
    'CLOSE',
    'CLOSE_WAIT',
  ],
  ...['LAST_ACK', 'LISTEN', 'CLOSING'],
]

function connectionsOf(family: string): [string, string][] {
  const lines = readFileSync(`/proc/self/net/${family}`, 'latin1').trimEnd().split('\n').slice(1)
  return lines.map((line) => {
    const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
    return [inode, `${written(local)} > ${written(remote)} (${STATES[Number.parseInt(state, 16)] ?? state})`]
  })
}

/** `0100007F:5208` is 127.0.0.1:21000; IPv6 stays as it is. */
function written(address: string): string {
  const [host = '', port = ''] = address.split(':')
  const bytes = (host.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16))
  return `${bytes.length === 4 ? bytes.reverse().join('.') : host}:${Number.parseInt(port, 16)}`
}
