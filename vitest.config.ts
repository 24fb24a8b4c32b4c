import { defineConfig } from 'vitest/config'
import { underBreak } from './test/hazards/support/breaks.ts'

export default defineConfig({
  plugins: [{ name: 'breaks', enforce: 'pre', transform: (code, path) => underBreak(path, code) }],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/servers/global-setup.ts',
    // Processes, not threads: the tests start servers, and each file has its own event loop and handles.
    pool: 'forks',
    maxWorkers: 2,
    // Generous, for a machine under load: Pure-FTPd alone takes seconds to refuse a password.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default'],
  },
})
