import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/setup.ts'],
    pool: 'forks',
    // Real servers and real processes on shared machines: a test that hangs is ended, none is judged by its speed.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
