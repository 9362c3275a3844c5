import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../engine/ports.ts'

/** The real clock. No decision is taken by the time of day of this machine. */
export const systemClock: Clock = {
  passed: () => performance.now(),
  sleep: async (ms, signal) => {
    await wait(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  },
  random: () => Math.random(),
}
