import { availableParallelism } from 'node:os'
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
    // Half of the time of a small file went to loading the same modules again.
    isolate: false,
    // Most of a test is waiting for a server; two side by side also on the smallest machine.
    maxWorkers: Math.max(2, availableParallelism()),
    // Real servers and real processes on shared machines: a test that hangs is ended, none is judged by its speed.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
