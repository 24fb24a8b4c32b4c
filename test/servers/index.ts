/**
 * Starts real FTP servers on free loopback ports, one call each, for tests, benchmarks and the hand
 * (`node test/servers/start.mjs`). Needs no test runner; vitest.ts ties servers to tests.
 */
export { startServer, whyRefused } from './start-server.ts'
export { availableServers, serverKinds, serverMatrix, type MatrixCell } from './matrix.ts'
export { whyUnavailable } from './installation.ts'
export type { RunningServer, ServerKind, ServerOptions, ServerSecurity } from './types.ts'
