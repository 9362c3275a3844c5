import type { CheckResult } from '../rollout/rules.ts'
import type { Holder, Look, Reading, Readings, SignalName } from './readings.ts'

/** What is known of one signal. */
export interface Heard<T> {
  /** What it said last. */
  readonly value?: T
  /** Since it has said something, or was first asked. */
  readonly ageMs: number
  /** Why it could not be read since. */
  readonly unread?: string
}

export type HeardCheck = Heard<CheckResult> & { readonly name: string }

export interface Known {
  readonly signals: { readonly [K in SignalName]?: Heard<Readings[K]> }
  /** Those of the user, in their order. */
  readonly checks: readonly HeardCheck[]
  /** When each holder of the horizon was first seen, by its key. */
  readonly seen: Readonly<Record<string, number>>
}

/** Before the first answer: none of them may be taken for a good one. */
export function unheard(signals: readonly SignalName[], checks: readonly string[]): Known {
  return {
    signals: Object.fromEntries(signals.map((name) => [name, { ageMs: 0 }])),
    checks: checks.map((name) => ({ name, ageMs: 0 })),
    seen: {},
  }
}

export function afterLook(known: Known, { nowMs = 0, readings }: Look): Known {
  const names = Object.keys(readings) as SignalName[]
  const holders = readValue(readings.horizon)
  const seen = holders === undefined ? known.seen : stillSeen(known.seen, holders, nowMs)
  const timed =
    holders === undefined
      ? {}
      : {
          horizon: {
            value: holders.map((one) => ({ ...one, ms: one.ms ?? nowMs - (seen[one.key] ?? nowMs) })),
          },
        }
  const signals = Object.fromEntries(
    names.map((name) => [name, afterReading<unknown>(known.signals[name], { ...readings, ...timed }[name])]),
  )
  return { ...known, signals: { ...known.signals, ...signals }, seen }
}

export function afterCheck(known: Known, at: number, { outcome, because }: CheckResult): Known {
  const reading = outcome === 'unknown' ? { unread: because } : { value: { outcome, because } }
  const checks = known.checks.map((one, place) =>
    place === at ? { name: one.name, ...afterReading<CheckResult>(one, reading) } : one,
  )
  return { ...known, checks }
}

function afterReading<T>(before: Heard<T> | undefined, reading: Reading<T> | undefined): Heard<T> {
  if (reading !== undefined && 'value' in reading) return { value: reading.value, ageMs: 0 }
  return { ageMs: 0, ...before, ...reading }
}

/** So much later, and nothing was heard meanwhile. */
export function older({ signals, checks, seen }: Known, ms: number): Known {
  const aged = <H extends Heard<unknown>>(heard: H): H => ({ ...heard, ageMs: heard.ageMs + ms })
  const entries = Object.entries(signals).map(([name, heard]) => [name, aged<Heard<unknown>>(heard)])
  return { signals: Object.fromEntries(entries), checks: checks.map(aged), seen }
}

function readValue<T>(reading: Reading<T> | undefined): T | undefined {
  return reading !== undefined && 'value' in reading ? reading.value : undefined
}

/** Who is gone, or keeps something else by now, is forgotten. */
function stillSeen(before: Known['seen'], holders: readonly Holder[], nowMs: number): Known['seen'] {
  return Object.fromEntries(holders.map(({ key }) => [key, before[key] ?? nowMs]))
}
