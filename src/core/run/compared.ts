import type { Verdict } from './event.ts'
import type { Position, Range } from './ranges.ts'

/** What was found in one range. */
export interface Found {
  readonly range: Range
  readonly verdict: Verdict
}

/** What was found in all of a file up to a place, and in ranges behind it that were done before their turn. */
export interface Compared {
  readonly at: Position
  readonly verdict: Verdict
  readonly ahead: readonly Found[]
}

export const NOTHING_FOUND: Verdict = { rows: 0, unfilled: 0, diverged: 0, lossy: 0, samples: [] }

/** More sample rows than these say nothing new. */
export const SAMPLES_MAX = 5

/** With one range more, up to the first one that is not done yet. */
export function withFound({ at, verdict, ahead }: Compared, found: Found): Compared {
  const known = [...ahead, found]
  const next = known.find(({ range: { from } }) => from.block === at.block && from.line === at.line)
  if (next === undefined) return { at, verdict, ahead: known }
  const rest = { at: next.range.to, verdict: summed(verdict, next.verdict), ahead: [] }
  return known.filter((one) => one !== next).reduce(withFound, rest)
}

export function summed(one: Verdict, other: Verdict): Verdict {
  return {
    rows: one.rows + other.rows,
    unfilled: one.unfilled + other.unfilled,
    diverged: one.diverged + other.diverged,
    lossy: one.lossy + other.lossy,
    samples: [...one.samples, ...other.samples].slice(0, SAMPLES_MAX),
  }
}
