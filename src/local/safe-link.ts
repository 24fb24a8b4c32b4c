/** Where a symbolic link that a server describes may lead: down from where it stands, or from a directory above. Pure. */
import { unsafeName } from './safe-name.ts'

/**
 * Why a link at `relativePath` below the root must not lead to `target`; `undefined` if it may.
 *
 * `..` counts only at the front. Behind a name it goes by where that name leads: with `l` → `../..`, which is harmless
 * at `a/b/l`, `a/b/l/..` is out of the root though no sum of its parts says so.
 */
export function unsafeTarget(
  relativePath: string,
  target: string,
  platform: NodeJS.Platform,
): string | undefined {
  if (target === '') return 'it leads nowhere'
  if (target.startsWith('/')) return 'it is absolute'
  const steps = target.split('/').filter((step) => step !== '' && step !== '.')
  const below = steps.findIndex((step) => step !== '..')
  const [up, down] = below < 0 ? [steps.length, []] : [below, steps.slice(below)]
  const depth = relativePath.split('/').length - 1
  if (up > depth) return 'it leads out of the directory that is mirrored'
  if (down.includes('..')) return 'it goes up again behind a name, which may lead anywhere'
  const unsafe = down.map((step) => unsafeName(step, platform)).find((why) => why !== undefined)
  return unsafe === undefined ? undefined : `of a name in it: ${unsafe}`
}
