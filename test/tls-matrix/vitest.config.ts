/** `npm run test:node-matrix`: not among the other tests, since it runs under every supported Node by itself. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/tls-matrix/*.matrix.ts'],
    globalSetup: ['test/servers/global-setup.ts', 'test/tls-matrix/nodes.ts'],
    pool: 'forks',
    maxWorkers: 1,
    /** Cells of one server at a time: each has a client and a server, for two cores. */
    maxConcurrency: 3,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
})
