import type { FleetInstance, Placement } from '../../src/core/rollout/fleet.ts'
import type { Deployer } from '../../src/engine/ports.ts'

/** How an instance behaves once it is started. Times are milliseconds since then. */
export interface Behaviour {
  /** When its checks begin to pass; absent: never. */
  readonly healthyAfterMs?: number
  readonly diesAfterMs?: number
  /** One that served and ended by itself is started again after so long; absent: it is gone. */
  readonly returnsAfterMs?: number
  /** From when on its checks fail again. */
  readonly sickAfterMs?: number
  /** Fails every so many checks. */
  readonly flapsEvery?: number
  /** Serves without being told to. */
  readonly servesByItself?: boolean
  /** How many looks its requests take to end, and how many it takes itself. */
  readonly drainLooks?: number
  readonly stopLooks?: number
}

/** What a call does: works, fails before or after it acted, or fails and acts when time goes on. */
export type Fault = 'none' | 'before' | 'after' | 'late'

export type Call = 'fleet' | 'start' | 'serve' | 'drain' | 'stop' | 'forget' | 'log'

export interface FakeOptions {
  readonly behaviour?: (placement: Placement) => Behaviour
  readonly fault?: (call: Call, id: string) => Fault
  /** Seen in front of what a call does. */
  readonly onEffect?: (call: Call, id: string) => void
  /** An instance has ended. */
  readonly onEnd?: (id: string) => void
  /** Does it remember those that have ended? */
  readonly remembers?: boolean
  /** Time that passes with each look at the fleet. */
  readonly lookMs?: number
}

export interface FakeFleet {
  readonly deployer: Deployer
  /** Everyone as they are, without a look. */
  now(): readonly FleetInstance[]
  find(id: string): FleetInstance | undefined
  /** Puts one there that serves already. */
  put(
    placement: Placement,
    more?: { readonly behaviour?: Behaviour; readonly state?: FleetInstance['state'] },
  ): void
  /** Lets an instance end by itself. */
  kill(id: string, ended?: string): void
  /** From now on, and for so long, its checks fail. */
  sicken(id: string, forMs: number): void
  advance(ms: number): void
  /** Whatever was told and has not acted yet acts. */
  settle(): void
  /** How often an instance was really started, by id. */
  readonly starts: ReadonlyMap<string, number>
}

interface Fake {
  readonly placement: Placement
  readonly behaviour: Behaviour
  state: FleetInstance['state']
  ageMs: number
  inStateMs: number
  passes: number
  failures: number
  healthyForMs: number
  checks: number
  looksLeft: number
  sickForMs: number
  restarts: number
  isReturning: boolean
  ended: string | undefined
  /** What was shown of it since it changed last. */
  shown: FleetInstance | undefined
}

/** A fleet in memory, in which time goes on only when it is told to. */
export function fakeFleet(options: FakeOptions = {}): FakeFleet {
  const { fault = () => 'none', remembers = true } = options
  const behaviour = options.behaviour ?? ((): Behaviour => ({ healthyAfterMs: 0 }))
  const all = new Map<string, Fake>()
  const starts = new Map<string, number>()
  const late: (() => void)[] = []

  const enter = (one: Fake, state: Fake['state'], looks = 0): void => {
    one.shown = undefined
    one.state = state
    one.isReturning = false
    one.inStateMs = 0
    one.looksLeft = looks
  }
  const end = (one: Fake, ended: string): void => {
    one.ended = ended
    const { returnsAfterMs } = one.behaviour
    if (returnsAfterMs !== undefined && (one.state === 'serving' || one.isReturning)) {
      enter(one, 'starting')
      const anew = { isReturning: true, restarts: one.restarts + 1, ageMs: -returnsAfterMs }
      Object.assign(one, { ...anew, passes: 0, failures: 1, healthyForMs: 0 })
      return
    }
    enter(one, 'gone')
    if (!remembers) all.delete(one.placement.id)
    options.onEnd?.(one.placement.id)
  }
  const add = (placement: Placement, how: Behaviour, state: Fake['state']): Fake => {
    const one: Fake = {
      placement,
      behaviour: how,
      state,
      ageMs: 0,
      inStateMs: 0,
      passes: 0,
      failures: 0,
      healthyForMs: 0,
      checks: 0,
      looksLeft: 0,
      sickForMs: 0,
      restarts: 0,
      isReturning: false,
      ended: undefined,
      shown: undefined,
    }
    all.set(placement.id, one)
    return one
  }
  const call = async (name: Call, id: string, effect: () => void): Promise<void> => {
    const kind = fault(name, id)
    const acts = (): void => {
      options.onEffect?.(name, id)
      effect()
    }
    if (kind === 'before') throw new Error(`${name} refused`)
    if (kind === 'late') late.push(acts)
    else acts()
    if (kind !== 'none') throw new Error(`${name} timed out`)
  }
  const changing =
    (name: Call, from: readonly Fake['state'][], effect: (one: Fake) => void) => (id: string) =>
      call(name, id, () => {
        const one = all.get(id)
        if (one !== undefined && from.includes(one.state)) effect(one)
      })

  const settle = (): void => {
    for (const effect of late.splice(0)) effect()
  }
  const advance = (ms: number): void => {
    settle()
    for (const one of all.values()) {
      if (one.state === 'gone') continue
      one.shown = undefined
      one.ageMs += ms
      one.inStateMs += ms
      live(one, ms, end)
      // Nobody has to say so again.
      if (one.isReturning && one.passes >= 2) enter(one, 'serving')
    }
  }

  return {
    deployer: {
      fleet: async () => {
        if (options.lookMs !== undefined) advance(options.lookMs)
        if (fault('fleet', '') !== 'none') throw new Error('the fleet does not answer')
        return [...all.values()].map(shown)
      },
      start: (placement) =>
        call('start', placement.id, () => {
          if (all.has(placement.id)) return
          starts.set(placement.id, (starts.get(placement.id) ?? 0) + 1)
          const how = behaviour(placement)
          add(placement, how, how.servesByItself === true ? 'serving' : 'starting')
        }),
      serve: changing('serve', ['starting'], (one) => enter(one, 'serving')),
      drain: changing('drain', ['serving'], (one) => enter(one, 'draining', one.behaviour.drainLooks ?? 0)),
      stop: changing('stop', ['starting', 'serving', 'draining'], (one) =>
        enter(one, 'stopping', one.behaviour.stopLooks ?? 0),
      ),
      forget: (id) =>
        call('forget', id, () => {
          if (all.get(id)?.state === 'gone') all.delete(id)
        }),
      log: async (id, lines) => [`${id} says hello`, `${id} gives up`].slice(-lines),
    },
    now: () => [...all.values()].map(shown),
    find: (id) => {
      const one = all.get(id)
      return one === undefined ? undefined : shown(one)
    },
    put: (placement, { behaviour: how = { healthyAfterMs: 0 }, state = 'serving' } = {}) => {
      const one = add(placement, how, state)
      // It has been there for long.
      one.ageMs = 1
      const isHealthy = how.healthyAfterMs !== undefined
      Object.assign(one, isHealthy ? { passes: 100, healthyForMs: 100_000 } : { failures: 100 })
    },
    kill: (id, ended = 'exit code 1') => {
      const one = all.get(id)
      if (one !== undefined && one.state !== 'gone') end(one, ended)
    },
    sicken: (id, forMs) => {
      const one = all.get(id)
      if (one !== undefined) one.sickForMs = forMs
    },
    advance,
    settle,
    starts,
  }
}

/** What becomes of an instance while time goes on, with one health check at the end of it. */
function live(one: Fake, ms: number, end: (one: Fake, ended: string) => void): void {
  const { diesAfterMs } = one.behaviour
  const isDying = diesAfterMs !== undefined && one.ageMs >= diesAfterMs
  const isOver = one.state === 'stopping' && one.looksLeft <= 0
  if (isDying || isOver) {
    end(one, isDying ? 'exit code 1' : 'exit code 0')
    return
  }
  one.looksLeft -= 1
  one.checks += 1
  one.sickForMs -= ms
  if (isHealthy(one)) {
    one.healthyForMs = one.passes === 0 ? 0 : one.healthyForMs + ms
    one.passes += 1
    one.failures = 0
  } else {
    one.healthyForMs = 0
    one.passes = 0
    one.failures += 1
  }
}

function isHealthy({ behaviour, ageMs, checks, sickForMs }: Fake): boolean {
  if (sickForMs > 0 || ageMs < 0) return false
  const { healthyAfterMs, sickAfterMs, flapsEvery } = behaviour
  if (healthyAfterMs === undefined || ageMs < healthyAfterMs) return false
  if (sickAfterMs !== undefined && ageMs >= sickAfterMs) return false
  return flapsEvery === undefined || checks % flapsEvery !== 0
}

function shown(one: Fake): FleetInstance {
  one.shown ??= show(one)
  return one.shown
}

function show(one: Fake): FleetInstance {
  const { placement, state, passes, failures, healthyForMs, inStateMs, looksLeft, restarts, ended } = one
  return {
    ...placement,
    state,
    health: { passes, failures, healthyForMs, ...(failures > 0 ? { lastError: 'HTTP 500' } : {}) },
    inStateMs,
    ...(state === 'draining' ? { inFlight: Math.max(0, looksLeft) } : {}),
    ...(restarts === 0 ? {} : { restarts }),
    ...(one.isReturning ? { returning: true } : {}),
    ...(ended === undefined ? {} : { ended }),
  }
}
