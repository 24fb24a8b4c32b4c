/** A piece of work to compare clients on, with its cases. */
import type { Client } from '../clients/clients.ts'
import type { Contest } from '../harness/contest.ts'
import type { Workspace } from '../harness/workspace.ts'

export interface ScenarioSetup {
  readonly workspace: Workspace
  /** Those that are installed and asked for. */
  readonly clients: readonly Client[]
  /** Bytes of the file, where the scenario has one. Undefined: what the scenario is named after. */
  readonly size: number | undefined
  /** How many small files, or folders where those are what counts. Undefined: what the scenario is named after. */
  readonly files: number | undefined
  /** Of connections, beside `'auto'`. */
  readonly numbers: readonly number[]
}

export interface Scenario {
  readonly name: string
  readonly title: string
  /** What a reader has to know to judge the figures; a sentence or two each. */
  readonly about: readonly string[]
  /** What a run may take, where the usual limit is too short for it. */
  readonly timeoutSeconds?: number
  /** Why this machine cannot do it (no root, no such device), or undefined. */
  whyImpossible?(): string | undefined
  /** The server, with its version. */
  server(): Promise<string>
  readonly cases: readonly ScenarioCase[]
}

export interface ScenarioCase {
  /** For `--case`. */
  readonly name: string
  readonly title: string
  /** Sets the work up; disposing of it ends its server. */
  open(setup: ScenarioSetup): Promise<Contest & AsyncDisposable>
}
