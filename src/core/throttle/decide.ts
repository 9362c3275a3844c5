import type { CheckResult } from '../rollout/rules.ts'
import type { Heard, Known } from './known.ts'
import type { Hold, Limits } from './limits.ts'
import type { Readings, SignalName } from './readings.ts'
import { SIGNALS } from './signals.ts'

/** What the brake lets through. */
export interface Decision {
  readonly pace: 'go' | 'slower' | 'pause'
  /** The share of the time in which batches may run. */
  readonly share: number
  /** What decides comes first. */
  readonly because: readonly string[]
  /** As many batches side by side as somebody has asked for. */
  readonly workers?: number
}

export interface Rules extends Limits {
  /** For how long a signal may not be read before that is a pause. */
  readonly blindMs: number
}

/** Which signals are looked at: all that are not switched off, of what only reads those that pausing it could mend. */
export function signalsFor(limits: Limits, isWriting: boolean): readonly SignalName[] {
  return (Object.keys(SIGNALS) as SignalName[]).filter((name) => {
    const { setting, ofWriting } = SIGNALS[name]
    return (isWriting || !ofWriting) && (setting === undefined || limits[setting] !== 'off')
  })
}

/** No signal overrules another: the slowest counts, and all that hold are named. */
export function decide({ signals, checks }: Known, rules: Rules): Decision {
  const names = Object.keys(SIGNALS) as SignalName[]
  const holds = [
    ...names.flatMap((name) => signalHolds(name, signals[name], rules)),
    ...Object.entries(checks).flatMap(([name, heard]) => checkHolds(name, heard, rules)),
  ].toSorted((a, b) => a.share - b.share)
  const share = Math.min(1, ...holds.map((hold) => hold.share))
  const workers = signals.asked?.value?.workers ?? undefined
  return {
    pace: share >= 1 ? 'go' : share > 0 ? 'slower' : 'pause',
    share,
    because: holds.map(({ because }) => because),
    ...(workers === undefined ? {} : { workers }),
  }
}

function signalHolds<K extends SignalName>(
  name: K,
  heard: Heard<Readings[K]> | undefined,
  rules: Rules,
): readonly Hold[] {
  if (heard === undefined) return []
  const { title, setting, judge } = SIGNALS[name]
  const off = setting === undefined ? '' : `; to do without it: brake.${setting}: off`
  const value = knownValue(heard, rules)
  return value === undefined ? [blind(title, heard, off)] : judge(value, rules)
}

function checkHolds(name: string, heard: Heard<CheckResult>, rules: Rules): readonly Hold[] {
  const value = knownValue(heard, rules)
  if (value === undefined) return [blind(`the check "${name}"`, heard, '')]
  return value.outcome === 'pass'
    ? []
    : [{ share: 0, because: `the check "${name}" says no: ${value.because}` }]
}

/** What was read a moment ago still counts; what was never read, or long ago, may be anything. */
function knownValue<T>({ value, ageMs }: Heard<T>, { blindMs }: Rules): T | undefined {
  return ageMs > blindMs ? undefined : value
}

function blind(title: string, { unread }: Heard<unknown>, off: string): Hold {
  return { share: 0, because: `${title} cannot be read: ${unread ?? 'no answer comes'}${off}` }
}
