import type { FleetInstance } from '../../core/rollout/fleet.ts'
import type { PrintedInstance } from './fleet-format.ts'

/** Counts what a command cannot know that looks once: results in a row, and for how long it has been so. */
export interface HealthCount {
  /** Adds a look. Looks that follow each other more quickly than the interval count once. */
  seen(one: PrintedInstance): FleetInstance
  forgetOthers(ids: ReadonlySet<string>): void
}

interface Count {
  readonly state: PrintedInstance['state']
  readonly stateSinceMs: number
  readonly passes: number
  readonly failures: number
  readonly healthySinceMs: number | undefined
  readonly countedAtMs: number
  readonly lastError: string | undefined
}

export function countHealth(intervalMs: number, nowMs: () => number): HealthCount {
  const counts = new Map<string, Count>()
  return {
    seen: (one) => {
      const now = nowMs()
      const count = counted(counts.get(one.id), one, now, intervalMs)
      counts.set(one.id, count)
      return shown(one, count, now)
    },
    forgetOthers: (ids) => {
      for (const id of counts.keys()) if (!ids.has(id)) counts.delete(id)
    },
  }
}

function counted(before: Count | undefined, one: PrintedInstance, now: number, intervalMs: number): Count {
  const { state } = one
  const stateSinceMs = before?.state === state ? before.stateSinceMs : now
  const standing: Count = {
    passes: 0,
    failures: 0,
    healthySinceMs: undefined,
    countedAtMs: Number.NEGATIVE_INFINITY,
    lastError: undefined,
    ...before,
    state,
    stateSinceMs,
  }
  const isUnknown = one.healthy === undefined || one.healthy === null
  if (isUnknown || now - standing.countedAtMs < intervalMs) return standing
  return one.healthy === true
    ? {
        ...standing,
        passes: standing.passes + 1,
        failures: 0,
        healthySinceMs: standing.healthySinceMs ?? now,
        countedAtMs: now,
      }
    : {
        ...standing,
        passes: 0,
        failures: standing.failures + 1,
        healthySinceMs: undefined,
        countedAtMs: now,
        lastError: one.error ?? standing.lastError,
      }
}

function shown(one: PrintedInstance, count: Count, now: number): FleetInstance {
  const { id, role, slot, version, state, inFlight, ended } = one
  const { passes, failures, healthySinceMs, lastError, stateSinceMs } = count
  return {
    id,
    role,
    slot,
    version,
    state,
    health: {
      passes,
      failures,
      healthyForMs: healthySinceMs === undefined ? 0 : now - healthySinceMs,
      ...(lastError === undefined ? {} : { lastError }),
    },
    inStateMs: now - stateSinceMs,
    ...(inFlight === undefined || inFlight === null ? {} : { inFlight }),
    ...(ended === undefined || ended === null ? {} : { ended }),
  }
}
