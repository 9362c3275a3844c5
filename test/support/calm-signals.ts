import type { Look } from '../../src/core/throttle/readings.ts'
import type { Signals } from '../../src/engine/ports.ts'

/** What a server says that is at rest. */
export const CALM: Required<Look['readings']> = {
  replicas: { value: [] },
  slots: { value: [] },
  archive: { value: null },
  waits: { value: [] },
  vacuum: { value: [] },
  rows: { value: { dead: 0, live: 1 } },
  horizon: { value: [] },
  commit: { value: 1 },
  backends: { value: 0 },
  asked: { value: null },
  disk: { value: { freeBytes: null, hidden: 0 } },
}

/** Nothing ever brakes: for tests of something else, which live many short lives and need no further session in each. */
export const calmSignals: Signals = {
  look: async () => ({ nowMs: 0, readings: CALM }),
  ask: async () => ({ outcome: 'pass', because: 'it holds' }),
  tell: async () => undefined,
  close: async () => undefined,
}
