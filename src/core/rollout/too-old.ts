import type { RolloutHistory } from './begin.ts'
import type { TooOld } from './way-back.ts'

/** A run, as far as it says what the database still offers. */
export interface Contract {
  readonly run: number
  readonly migration: string
  /** Is its old shape hidden or dropped? */
  readonly isRetired: boolean
}

/**
 * Versions of the application that the database cannot serve any more: whatever was there before the last rollout ahead of a
 * contract, unless it was rolled out again since, which somebody then must have made fit.
 */
export function tooOld(history: RolloutHistory, contracts: readonly Contract[]): readonly TooOld[] {
  return contracts
    .filter(({ isRetired }) => isRetired)
    .flatMap(({ run, migration }) => {
      const done = history.findLastIndex(
        (entry) => entry.run === run && entry.event.kind === 'ended' && entry.event.outcome === 'done',
      )
      const begun = history
        .slice(0, done + 1)
        .findLastIndex((entry) => entry.event.kind === 'rollout_started')
      if (begun < 0) return []
      const [current, ...later] = history.slice(begun).flatMap(versionsOf)
      const fit = new Set([current, ...later])
      const earlier = new Set(history.slice(0, begun + 1).flatMap(allVersionsOf))
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
