/** Ties servers to vitest: they are gone when the test, or the describe block, ends, whatever happens in it. */
import { afterAll, beforeAll, describe, it, onTestFinished } from 'vitest'
import { serverKinds, serverMatrix, startServer } from './index.ts'
import type { RunningServer, ServerKind, ServerOptions, ServerSecurity } from './types.ts'

/** Inside a test: starts a server for this test. */
export async function useServer(kind: ServerKind, options: ServerOptions = {}): Promise<RunningServer> {
  const server = await startServer(kind, options)
  onTestFinished(() => server.stop())
  return server
}

/** Inside a describe block (or at the top of a file): one server for all its tests. Call the result in a test. */
export function sharedServer(kind: ServerKind, options: ServerOptions = {}): () => RunningServer {
  let server: RunningServer | undefined
  beforeAll(async () => {
    server = await startServer(kind, options)
  })
  afterAll(() => server?.stop())
  return () => {
    if (server === undefined)
      throw new Error(`the ${kind} of this block has not started: ask for it inside a test`)
    return server
  }
}

export interface DescribeServersOptions extends Omit<ServerOptions, 'tls'> {
  /** Default: all five. */
  readonly kinds?: readonly ServerKind[]
  /** Default: all three. */
  readonly securities?: readonly ServerSecurity[]
}

/**
 * A describe block for each kind and security, with a shared server. Where this machine lacks a server, its
 * block holds one skipped test that gives the reason; what a server does not have on any machine is left out.
 */
export function describeServers(
  options: DescribeServersOptions,
  block: (server: () => RunningServer, cell: { kind: ServerKind; tls: ServerSecurity }) => void,
): void {
  const { kinds = serverKinds, securities = ['none', 'explicit', 'implicit'], ...rest } = options
  for (const { kind, tls, name, unavailable, refused } of serverMatrix(kinds, rest)) {
    if (refused !== undefined || !securities.includes(tls)) continue
    describe(name, () => {
      if (unavailable === undefined) block(sharedServer(kind, { ...rest, tls }), { kind, tls })
      else it(`left out: ${unavailable}`, (context) => context.skip(unavailable))
    })
  }
}
