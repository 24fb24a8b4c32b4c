/** What provision.mjs brought onto this machine, read from its manifest. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readManifest, type Manifest, type ProvisionedServer } from './provision.mjs'
import type { ProxyKind, ServerKind, ToolKind } from './types.ts'

/** The git-ignored folder of the project that holds the unpacked servers and the test certificates. */
const installationFolder: string = fileURLToPath(new URL('../../.servers/', import.meta.url))

const installedRoot: string = join(installationFolder, 'root')

let manifest: Manifest | undefined

function entry(kind: ServerKind | ProxyKind | ToolKind): ProvisionedServer | undefined {
  manifest ??= readManifest()
  return manifest?.servers[kind]
}

/** Why this kind cannot run here, or undefined if it can. */
export function whyUnavailable(kind: ServerKind | ProxyKind | ToolKind): string | undefined {
  if (kind === 'ftp-srv') return undefined
  const found = entry(kind)
  if (found === undefined) return 'not provisioned: run `node test/servers/provision.mjs`'
  if (!found.unpacked) return found.reason ?? 'not provisioned'
  if (found.needsRoot && process.getuid?.() !== 0) return 'runs as root only (chroot, change of user)'
  return undefined
}

/** An unpacked file of a server by the end of its path, as `pam_pwdfile.so`. */
export function installedFile(kind: ServerKind | ProxyKind | ToolKind, ending: string): string {
  const path = entry(kind)?.files.find((file) => file.endsWith(ending))
  if (path === undefined) throw new Error(`${kind}: no ${ending} was unpacked`)
  return path
}

/** The Python that runs pyftpdlib: the system's, or the unpacked one where the system has none. */
export function pythonEnvironment(): { python: string; env: Record<string, string> } {
  const python = entry('pyftpdlib')?.python ?? '/usr/bin/python3'
  const env: Record<string, string> = { PYTHONPATH: join(installedRoot, 'usr/lib/python3/dist-packages') }
  if (python.startsWith(installedRoot)) env['PYTHONHOME'] = join(installedRoot, 'usr')
  return { python, env }
}

/** Lets unpacked programs find unpacked libraries. */
export function libraryPath(): string {
  return manifest?.libraryPath ?? ''
}
