/** Since when somebody watches a fleet, by the clock of the database, in milliseconds. */
export interface Watch {
  readonly sinceMs: number
  /** Since when the fleet cannot be read; absent while it can. */
  readonly blindFromMs?: number
}

export interface Sight {
  readonly nowMs: number
  /** When something moved last. */
  readonly movedAtMs: number
  readonly isBlind: boolean
}

/** Nobody is blamed for what stood still while the fleet could not be read: that time counts for nobody once it can be read again. */
export function watching(before: Watch | undefined, { nowMs, movedAtMs, isBlind }: Sight): Watch {
  const { sinceMs, blindFromMs } = before ?? { sinceMs: nowMs }
  if (isBlind) return { sinceMs, blindFromMs: blindFromMs ?? nowMs }
  if (blindFromMs === undefined) return { sinceMs }
  return { sinceMs: Math.min(nowMs, Math.max(sinceMs, movedAtMs) + nowMs - blindFromMs) }
}
