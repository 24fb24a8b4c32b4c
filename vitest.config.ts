import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { underBreak } from './test/hazards/support/breaks.ts'

const library = fileURLToPath(new URL('src/index.ts', import.meta.url))

export default defineConfig({
  plugins: [{ name: 'breaks', enforce: 'pre', transform: (code, path) => underBreak(path, code) }],
  // The examples import it by its name.
  resolve: { alias: [{ find: /^octoftp$/, replacement: library }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/servers/global-setup.ts',
    // Processes, not threads: the tests start servers, and each file has its own event loop and handles.
    pool: 'forks',
    maxWorkers: 2,
    // They tell a test that hangs from one that a machine under load makes slow.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
})
