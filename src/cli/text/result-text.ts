/** What became of a transfer, in a line. */
import type { DownloadResult, MirrorResult, UploadResult } from '../../index.ts'
import { elapsedText } from './duration.ts'
import { sizeText, speedText } from './sizes.ts'

export function downloadText(result: DownloadResult): string {
  if (result.skipped) return 'is there already, and was left as it is'
  const { bytes, resumedBytes, elapsedSeconds, averageBytesPerSecond, connections, checksum } = result
  const resumed = resumedBytes > 0 ? ` (${sizeText(resumedBytes)} of it from an earlier run)` : ''
  const by = connections > 1 ? ` over ${connections} connections` : ''
  const sum =
    checksum === undefined ? '' : `, ${checksum.algorithm} ${checksum.value} as ${wanted(checksum.origin)}`
  return `${sizeText(bytes)}${resumed} in ${elapsedText(elapsedSeconds)}, ${speedText(averageBytesPerSecond)}${by}${sum}`
}

export function uploadText(result: UploadResult): string {
  const { bytes, resumedBytes, elapsedSeconds, averageBytesPerSecond, checksum } = result
  const resumed = resumedBytes > 0 ? ` (${sizeText(resumedBytes)} of it were there)` : ''
  const sum =
    checksum === undefined ? '' : `, ${checksum.algorithm} ${checksum.value} as ${wanted(checksum.origin)}`
  return `${sizeText(bytes)}${resumed} in ${elapsedText(elapsedSeconds)}, ${speedText(averageBytesPerSecond)}${sum}`
}

export function mirrorText(result: Omit<MirrorResult, 'plan'>): string {
  const { transferred, bytes, equal, skipped, deleted, directoriesMade, failures, elapsedSeconds } = result
  const others = [
    { count: directoriesMade, text: counted(directoriesMade, 'directory made', 'directories made') },
    { count: deleted, text: `${deleted} deleted` },
    { count: skipped, text: `${skipped} left out` },
    { count: failures.length, text: `${failures.length} failed` },
  ]
  const told = others.filter(({ count }) => count > 0).map(({ text }) => `, ${text}`)
  const brought = `${counted(transferred, 'file', 'files')} brought (${sizeText(bytes)}), ${equal} the same`
  return `${brought}${told.join('')}; in ${elapsedText(elapsedSeconds)}, ${speedText(result.averageBytesPerSecond)}`
}

function counted(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`
}

function wanted(origin: 'expected' | 'server'): string {
  return origin === 'expected' ? 'expected' : 'the server says'
}

/** A line of a dry run; `undefined` for what would be left as it is. */
export function planText(action: NonNullable<MirrorResult['plan']>[number]): string | undefined {
  switch (action.type) {
    case 'transfer': {
      const size = action.size === undefined ? '' : `, ${sizeText(action.size)}`
      return `transfer  ${action.path} (${action.reason}${size})`
    }
    case 'make-directory':
      return `make      ${action.path}/`
    case 'link':
      return `link      ${action.path} -> ${action.target}`
    case 'delete':
      return `delete    ${action.path}${action.isTree ? '/, with all that is in it' : ''}`
    case 'compare-checksum':
      return `compare   ${action.path} (by the checksums of both sides)`
    case 'refuse':
      return `refuse    ${action.path}: ${action.error.message}`
    case 'skip':
      return `leave     ${action.path} (${action.reason})`
    case 'equal':
      return undefined
  }
}
