import { defineConfig } from 'vitest/config'
import { fastPlace } from './test/support/fast-place.ts'

// For the server of the run, which starts in this process, and for what the tests start.
process.env.TMPDIR = fastPlace()

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/setup.ts'],
    env: { TMPDIR: fastPlace() },
    pool: 'forks',
    // Real servers and real processes on shared machines: a test that hangs is ended, none is judged by its speed.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
