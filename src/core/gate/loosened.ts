import type { CheckName, GateRules, Override } from './check.ts'
import { spoken } from './usage.ts'

/** What a gate asks for unless somebody says otherwise. Whoever asks for less is written down. */
export const USUAL = Object.freeze({
  silentGraceMs: 600_000,
  // Longer than an ordinary client is quiet between two requests. Whoever has jobs by the hour or the day says so.
  quietMs: 60_000,
  // The use is all that is known then, so nightly jobs aside every client should have had its turn.
  quietAloneMs: 3_600_000,
})

/** For how long something must have been so, in milliseconds. */
export type GateTimes = Readonly<Record<keyof typeof USUAL, number>>

type Loosenable = Pick<GateRules, 'unregistered'> & GateTimes

/** What is gone without by settings: each with the check that it loosens. */
export function loosenedBy(rules: Loosenable, reason = 'no reason was given'): readonly Override[] {
  const shorter = (check: CheckName, name: keyof typeof USUAL): readonly Override[] =>
    rules[name] >= USUAL[name]
      ? []
      : [{ check, setting: `gate.${name} ${spoken(rules[name])} instead of ${spoken(USUAL[name])}`, reason }]
  const named = (['sessions', 'transactions', 'clients'] as const).map((check) => ({
    check,
    setting: 'gate.unregistered allow',
    reason,
  }))
  return [
    ...shorter('leases', 'silentGraceMs'),
    ...shorter('usage', 'quietMs'),
    ...shorter('usage', 'quietAloneMs'),
    ...(rules.unregistered === 'allow' ? named : []),
  ]
}
