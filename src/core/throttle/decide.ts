import type { Heard, HeardCheck, Known } from './known.ts'
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
  const judged = [
    ...names.flatMap((name) => judgedSignal(name, signals[name], rules)),
    ...checks.map((heard) => judgedCheck(heard, rules)),
  ]
  const holds = [
    ...blindHolds(judged.flatMap((one) => ('blind' in one ? [one.blind] : []))),
    ...judged.flatMap((one) => ('holds' in one ? one.holds : [])),
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

type Judged = { readonly holds: readonly Hold[] } | { readonly blind: Blind }

/** A signal of which nothing is known that would count. */
interface Blind {
  readonly title: string
  readonly why: string
  /** How to do without it, where that can be. */
  readonly off?: string
}

function judgedSignal<K extends SignalName>(
  name: K,
  heard: Heard<Readings[K]> | undefined,
  rules: Rules,
): readonly Judged[] {
  if (heard === undefined) return []
  const { title, setting, judge } = SIGNALS[name]
  const value = knownValue(heard, rules)
  if (value !== undefined) return [{ holds: judge(value, rules) }]
  const off = setting === undefined ? {} : { off: `brake.${setting}: off` }
  return [{ blind: { title, why: whyOf(heard), ...off } }]
}

function judgedCheck(heard: HeardCheck, rules: Rules): Judged {
  const value = knownValue(heard, rules)
  const title = `the check "${heard.name}"`
  if (value === undefined) return { blind: { title, why: whyOf(heard) } }
  return {
    holds: value.outcome === 'pass' ? [] : [{ share: 0, because: `${title} says no: ${value.because}` }],
  }
}

/** What was read a moment ago still counts; what was never read, or long ago, may be anything. */
function knownValue<T>({ value, ageMs }: Heard<T>, { blindMs }: Rules): T | undefined {
  return ageMs > blindMs ? undefined : value
}

function whyOf({ unread = 'no answer comes' }: Heard<unknown>): string {
  return unread.replace(/\.$/, '')
}

/** What has one cause is one sentence: a server that does not answer says nothing of any signal. */
function blindHolds(blind: readonly Blind[]): readonly Hold[] {
  return [...new Set(blind.map(({ why }) => why))].map((why) => {
    const these = blind.filter((one) => one.why === why)
    const offs = these.flatMap(({ off }) => (off === undefined ? [] : [off]))
    const without = offs.length === 0 ? '' : `; to do without: ${offs.join(', ')}`
    return {
      share: 0,
      because: `${these.map(({ title }) => title).join(', ')} cannot be read: ${why}${without}`,
    }
  })
}
