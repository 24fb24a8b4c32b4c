export interface ProvisionedServer {
  readonly unpacked: boolean
  readonly reason?: string
  readonly needsRoot: boolean
  readonly files: readonly string[]
  /** pyftpdlib's interpreter. */
  readonly python?: string
}

export interface Manifest {
  readonly recipe: string
  readonly libraryPath: string
  readonly servers: Readonly<Record<string, ProvisionedServer>>
}

export function provision(): Promise<Manifest>
export function readManifest(): Manifest | undefined
export function missingServers(manifest: Manifest | undefined): string[]
