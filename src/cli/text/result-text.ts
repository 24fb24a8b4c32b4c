/** What became of a transfer, in a line. */
import type { DownloadResult, MirrorResult, UploadResult } from '../../index.ts'
import { durationText } from './duration.ts'
import { sizeText, speedText } from './sizes.ts'

export function downloadText(result: DownloadResult): string {
  if (result.skipped) return 'is there already, and was left as it is'
  const { bytes, resumedBytes, elapsedSeconds, averageBytesPerSecond, connections, checksum } = result
  const resumed = resumedBytes > 0 ? ` (${sizeText(resumedBytes)} of it from an earlier run)` : ''
  const by = connections > 1 ? ` over ${connections} connections` : ''
  const sum =
    checksum === undefined ? '' : `, ${checksum.algorithm} ${checksum.value} as ${wanted(checksum.origin)}`
  return `${sizeText(bytes)}${resumed} in ${durationText(elapsedSeconds)}, ${speedText(averageBytesPerSecond)}${by}${sum}`
}

export function uploadText(result: UploadResult): string {
  const { bytes, resumedBytes, elapsedSeconds, averageBytesPerSecond, checksum } = result
  const resumed = resumedBytes > 0 ? ` (${sizeText(resumedBytes)} of it were there)` : ''
  const sum =
    checksum === undefined ? '' : `, ${checksum.algorithm} ${checksum.value} as ${wanted(checksum.origin)}`
  return `${sizeText(bytes)}${resumed} in ${durationText(elapsedSeconds)}, ${speedText(averageBytesPerSecond)}${sum}`
}

export function mirrorText(result: MirrorResult): string {
  const { transferred, bytes, equal, skipped, deleted, directoriesMade, failures, elapsedSeconds } = result
  const counts = [
    [directoriesMade, 'directories made'],
    [deleted, 'deleted'],
    [skipped, 'left out'],
    [failures.length, 'failed'],
  ] as const
  const others = counts.filter(([count]) => count > 0).map(([count, what]) => `, ${count} ${what}`)
  const brought = `${transferred} files brought (${sizeText(bytes)}), ${equal} were the same`
  return `${brought}${others.join('')}; in ${durationText(elapsedSeconds)}, ${speedText(result.averageBytesPerSecond)}`
}

function wanted(origin: 'expected' | 'server'): string {
  return origin === 'expected' ? 'expected' : 'the server says'
}
