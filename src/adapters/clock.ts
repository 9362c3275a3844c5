import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../engine/ports.ts'

/** The real clock. It only waits: no decision is taken by the time of this machine. */
export const systemClock: Clock = {
  sleep: async (ms, signal) => {
    await wait(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  },
  random: () => Math.random(),
}
