import { expect } from 'vitest'
import { type RolloutChange, rolloutRules } from '../../src/config.ts'
import { type Decision, decide, type RolloutFacts } from '../../src/core/rollout/decide.ts'
import type { Replaced, RoleWish, RolloutEvent, RolloutStarted, Slot } from '../../src/core/rollout/event.ts'
import type { FleetInstance, Placement } from '../../src/core/rollout/fleet.ts'
import { foldRollout } from '../../src/core/rollout/fold.ts'
import type { Rollout } from '../../src/core/rollout/rollout.ts'

/** When the rollouts of these tests begin; each event comes a second after the one before. */
export const BEGIN_MS = 1_000_000

/** `web-2` */
const slotOf = (name: string): Slot => {
  const [, role = '', slot] = /^(.+)-(\d+)$/.exec(name) ?? []
  return { role, slot: Number(slot) }
}

export const placed = (id: string, version: string): Placement => ({
  id,
  ...slotOf(/^(.+-\d+)-/.exec(id)?.[1] ?? id),
  version,
})

/** The one of version 1 in a slot. */
export const old = (slot: string): Placement => placed(`${slot}-old`, '1')
/** The one of version 2 in a slot, in rollout 7. */
export const fresh = (slot: string, attempt = 1): Placement => placed(`${slot}-r7-${attempt}`, '2')

export const HEALTHY = { passes: 50, failures: 0, healthyForMs: 50_000 } as const
export const SICK = { passes: 0, failures: 3, healthyForMs: 0, lastError: 'HTTP 500' } as const
export const UNKNOWN = { passes: 0, failures: 0, healthyForMs: 0 } as const

export const seen = (
  placement: Placement,
  state: FleetInstance['state'] = 'serving',
  more: Partial<FleetInstance> = {},
): FleetInstance => ({ ...placement, state, health: HEALTHY, inStateMs: 1_000, ...more })

export interface Given {
  readonly rules?: RolloutChange
  readonly roles?: readonly RoleWish[]
  /** Slots with an instance of version 1, or whatever else served before. */
  readonly before?: readonly (string | Replaced)[]
}

export const started = ({
  rules,
  roles = [{ role: 'web', instances: 2 }],
  before = ['web-1', 'web-2'],
}: Given = {}): RolloutStarted => ({
  kind: 'rollout_started',
  number: 7,
  version: '2',
  roles,
  rules: rolloutRules({ canary: { instances: 0 }, ...rules }),
  before: before.map((one) => (typeof one === 'string' ? { ...old(one), available: true } : one)),
  heard: 0,
})

export const batch = (...slots: readonly string[]): RolloutEvent => ({
  kind: 'batch_started',
  slots: slots.map(slotOf),
})
export const placing = (placement: Placement): RolloutEvent => ({ kind: 'placed', placement })
export const told = (kind: 'running' | 'serving' | 'draining' | 'gone', { id }: Placement): RolloutEvent => ({
  kind,
  id,
})
export const failed = ({ id }: Placement, because = `"${id}" failed`): RolloutEvent => ({
  kind: 'failed',
  id,
  because,
  log: ['its last words'],
})
export const SETTLED: RolloutEvent = { kind: 'batch_settled' }
export const asked = (request: 'pause' | 'resume' | 'abort', seq = 1): RolloutEvent => ({
  kind: 'asked',
  request,
  seq,
  by: 'ada',
})
/** All of a slot that was replaced. */
export const replaced = (slot: string): readonly RolloutEvent[] => [
  placing(fresh(slot)),
  told('running', fresh(slot)),
  told('serving', fresh(slot)),
  told('draining', old(slot)),
  told('gone', old(slot)),
]

/** The first of two slots is replaced, and the second is as before. */
export const FIRST = [batch('web-1'), ...replaced('web-1'), SETTLED]
export const HALF = [seen(fresh('web-1')), seen(old('web-2'))]
export const BOTH_OLD = [seen(old('web-1')), seen(old('web-2'))]

export const PAUSED: RolloutEvent = { kind: 'paused', because: 'it failed' }
export const BACK: RolloutEvent = { kind: 'turned_back', because: 'it was bad' }

export const rolloutOf = (given: Given, ...events: readonly RolloutEvent[]): Rollout => {
  const rollout = foldRollout(
    undefined,
    [started(given), ...events].map((event, at) => ({ seq: at + 1, atMs: BEGIN_MS + at * 1_000, event })),
  )
  if (rollout === undefined) throw new Error('there is no rollout')
  return rollout
}

/** What is decided right after the last event. */
export const decided = (
  rollout: Rollout,
  fleet: readonly FleetInstance[],
  more: Partial<RolloutFacts> & { readonly afterMs?: number } = {},
): Decision => {
  const { afterMs = 0, ...facts } = more
  return decide(rollout, {
    nowMs: rollout.movedAtMs + afterMs,
    sinceMs: BEGIN_MS,
    fleet,
    requests: [],
    troubles: new Map(),
    tooOld: [],
    ...facts,
  })
}

/** A decision in short: `start web-1-r7-1`, `draining web-1-old`. */
export const short = ({ events, actions, verdict }: Decision): readonly string[] => [
  ...events.map(shortEvent),
  ...actions.map((action) => {
    if (action.kind === 'check') return `ask ${action.check.name}`
    return `${action.kind} ${action.kind === 'start' ? action.placement.id : action.id}!`
  }),
  ...(verdict === undefined ? [] : [`verdict ${verdict.is}`]),
]

function shortEvent(event: RolloutEvent): string {
  switch (event.kind) {
    case 'batch_started':
      return `batch ${event.slots.map(({ role, slot }) => `${role}-${slot}`).join(' ')}`
    case 'placed':
      return `placed ${event.placement.id} ${event.placement.version}`
    case 'ended':
      return `ended ${event.outcome}`
    default:
      return 'id' in event ? `${event.kind} ${event.id}` : event.kind
  }
}

/** What has happened, what is seen, and what is decided then, in short. */
export type Case = readonly [
  what: string,
  events: readonly RolloutEvent[],
  fleet: readonly FleetInstance[],
  decision: readonly string[],
]

/** The body of a table of cases. */
export const along =
  (given: Given) =>
  (...[, events, fleet, decision]: Case): void => {
    expect(short(decided(rolloutOf(given, ...events), fleet))).toEqual(decision)
  }

/** What an event of a decision says of its reason. */
export const because = ({ events, verdict }: Decision): string | undefined => {
  const [event] = events
  if (verdict !== undefined) return verdict.because
  return event !== undefined && 'because' in event ? event.because : undefined
}
