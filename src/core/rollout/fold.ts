import { afterAsking } from './asked.ts'
import type { InstanceFailed, RolloutEntry, RolloutEvent, RolloutStarted } from './event.ts'
import type { Placement } from './fleet.ts'
import { type Checked, type Known, type Rollout, slotName } from './rollout.ts'

/** Goes on from a state; the last rollout of a run is the one that counts, and none when that is one of workloads. */
export function foldRollout(
  begun: Rollout | undefined,
  entries: readonly RolloutEntry[],
): Rollout | undefined {
  const own = copyingOnce()
  return entries.reduce<Rollout | undefined>((rollout, { event, atMs }) => {
    if (event.kind === 'rollout_started') return 'workloads' in event ? undefined : started(event, atMs)
    if (rollout === undefined || event.kind === 'workload') return rollout
    return { ...after(rollout, event, atMs, own), movedAtMs: atMs }
  }, begun)
}

interface Own {
  put<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V>
  add<T>(set: ReadonlySet<T>, one: T): ReadonlySet<T>
}

/** Within one fold each map and set is copied once, however many entries change it: a large rollout has thousands of them. */
function copyingOnce(): Own {
  const own = new WeakSet<object>()
  return {
    put: (map, key, value) => {
      const copy = own.has(map) ? (map as typeof map & Map<unknown, unknown>) : new Map(map)
      own.add(copy)
      return copy.set(key, value)
    },
    add: (set, one) => {
      const copy = own.has(set) ? (set as typeof set & Set<unknown>) : new Set(set)
      own.add(copy)
      return copy.add(one)
    },
  }
}

function started({ kind: _kind, ...given }: RolloutStarted, atMs: number): Rollout {
  return {
    ...given,
    ...FRESH,
    direction: 'forward',
    turnedBecause: undefined,
    instances: new Map(
      given.before.map((one): [string, Known] => [
        one.id,
        { ...placementOf(one), from: 'before', state: 'serving', sinceMs: atMs, failed: undefined },
      ]),
    ),
    drained: new Set(),
    attempts: new Map(),
    lastFailure: undefined,
    abortedBy: undefined,
    movedAtMs: atMs,
    outcome: undefined,
    endedBecause: undefined,
  }
}

function placementOf({ id, role, slot, version }: Placement): Placement {
  return { id, role, slot, version }
}

/** Where a direction begins. */
const FRESH = {
  begun: new Set<string>(),
  batches: 0,
  settledAtMs: undefined,
  failures: new Map<string, number>(),
  setAside: new Map<string, string>(),
  checks: new Map<string, Checked>(),
  paused: undefined,
  hurried: false,
} as const

type Later = Exclude<RolloutEvent, { readonly kind: 'rollout_started' | 'workload' }>

function after(rollout: Rollout, event: Later, atMs: number, own: Own): Rollout {
  switch (event.kind) {
    case 'batch_started':
      return {
        ...rollout,
        begun: new Set([...rollout.begun, ...event.slots.map(slotName)]),
        batches: rollout.batches + 1,
        settledAtMs: undefined,
        checks: new Map(),
        hurried: false,
      }
    case 'placed':
      return placed(rollout, event.placement, atMs, own)
    case 'running':
    case 'serving':
    case 'gone':
      return moved(rollout, event.id, { state: event.kind, sinceMs: atMs }, own)
    case 'draining':
      return { ...rollout, drained: own.add(rollout.drained, event.id) }
    case 'failed':
      return failed(rollout, event, own)
    case 'batch_settled':
      return { ...rollout, settledAtMs: atMs }
    case 'checked':
      return { ...rollout, checks: own.put(rollout.checks, event.name, checked(rollout, event, atMs)) }
    case 'asked':
      return { ...afterAsking(rollout, event, resumed), heard: event.seq }
    case 'paused': {
      const { because, held } = event
      return {
        ...rollout,
        paused: { because, kind: held === true ? 'held' : 'failure' },
        abortedBy: undefined,
      }
    }
    case 'turned_back':
      return {
        ...rollout,
        ...FRESH,
        direction: 'back',
        turnedBecause: event.because,
        abortedBy: undefined,
      }
    case 'ended':
      return { ...rollout, outcome: event.outcome, endedBecause: event.because, paused: undefined }
  }
}

function placed(rollout: Rollout, placement: Placement, atMs: number, own: Own): Rollout {
  const slot = slotName(placement)
  const known: Known = {
    ...placement,
    from: rollout.direction,
    state: 'placed',
    sinceMs: atMs,
    failed: undefined,
  }
  return {
    ...rollout,
    instances: own.put(rollout.instances, placement.id, known),
    attempts: own.put(rollout.attempts, slot, (rollout.attempts.get(slot) ?? 0) + 1),
  }
}

function moved(rollout: Rollout, id: string, to: Partial<Known>, own: Own): Rollout {
  const known = rollout.instances.get(id)
  if (known === undefined) return rollout
  return { ...rollout, instances: own.put(rollout.instances, id, { ...known, ...to }) }
}

/** What fails behind a settled batch unsettles it: the slot is filled again, and everything is looked at anew. */
function failed(rollout: Rollout, event: InstanceFailed, own: Own): Rollout {
  const known = rollout.instances.get(event.id)
  if (known === undefined) return rollout
  const slot = slotName(known)
  const failures = (rollout.failures.get(slot) ?? 0) + 1
  const attempts = rollout.rules.retries + 1
  const isCondemned = failures >= attempts
  const because = attempts > 1 ? `${event.because} (attempt ${failures} of ${attempts})` : event.because
  return {
    ...moved(rollout, event.id, { failed: event.because }, own),
    failures: own.put(rollout.failures, slot, failures),
    setAside: isCondemned ? own.put(rollout.setAside, slot, because) : rollout.setAside,
    lastFailure: event,
    settledAtMs: undefined,
    checks: new Map(),
    hurried: false,
  }
}

function checked(rollout: Rollout, { name, outcome, because }: CheckedEvent, atMs: number): Checked {
  const before = rollout.checks.get(name)?.unknowns ?? 0
  return { outcome, because, atMs, unknowns: outcome === 'unknown' ? before + 1 : 0 }
}

type CheckedEvent = Extract<RolloutEvent, { kind: 'checked' }>

/** Whatever failed has a new chance; for what was only waited for, nobody waits any longer. */
function resumed(rollout: Rollout): Rollout {
  if (rollout.paused?.kind === 'failure') {
    return { ...rollout, paused: undefined, failures: new Map(), setAside: new Map(), checks: new Map() }
  }
  return { ...rollout, paused: undefined, hurried: rollout.settledAtMs !== undefined }
}
