import type { Launch, ServerOptions, Setup } from '../types.ts'

/** One kind of server: what it cannot do, and how it is configured and run. */
export interface Kind {
  /** Why these options cannot be had from this server, or undefined. */
  refuses(options: ServerOptions, ownMounts: boolean): string | undefined
  /** Writes the configuration into the scratch folder. */
  launch(setup: Setup): Launch
}
