import type { RolloutHistory } from './begin.ts'
import type { TooOld } from './way-back.ts'

/** A run, as far as it says what the database still offers. */
export interface Contract {
  readonly run: number
  readonly migration: string
  /** Position in the journal of the event that its old shape was hidden; absent while it is there. */
  readonly retiredSeq?: number | undefined
}

/**
 * Versions of the application that the database cannot serve any more: whatever was there before the last rollout ahead of a
 * contract, unless it was rolled out again behind the contract, which somebody then must have made fit.
 */
export function tooOld(history: RolloutHistory, contracts: readonly Contract[]): readonly TooOld[] {
  return contracts.flatMap(({ run, migration, retiredSeq = 0 }) => {
    const ahead = history.filter(({ seq }) => seq < retiredSeq)
    const done = ahead.findLastIndex(
      (entry) => entry.run === run && entry.event.kind === 'ended' && entry.event.outcome === 'done',
    )
    if (done < 0) return []
    const begun = ahead.slice(0, done + 1).findLastIndex((entry) => entry.event.kind === 'rollout_started')
    const behind = history.slice(ahead.length)
    const fit = new Set([...ahead.slice(begun, begun + 1), ...behind].flatMap(versionsOf))
    const earlier = new Set(ahead.slice(0, begun + 1).flatMap(allVersionsOf))
    return [...earlier]
      .filter((version) => !fit.has(version))
      .map((version) => ({
        version,
        because: `it was replaced before the contract of "${migration}", and needs what is no longer there`,
      }))
  })
}

function versionsOf({ event }: RolloutHistory[number]): readonly string[] {
  return event.kind === 'rollout_started' ? [event.version] : []
}

function allVersionsOf({ event }: RolloutHistory[number]): readonly string[] {
  if (event.kind !== 'rollout_started') return []
  return [event.version, ...event.before.map(({ version }) => version)]
}
