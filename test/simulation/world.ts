import { DEFAULT_SETTINGS } from '../../src/config.ts'
import type { RequestEntry } from '../../src/core/rollout/decide.ts'
import type { RolloutEntry, RolloutEvent, RolloutRequest } from '../../src/core/rollout/event.ts'
import { foldRollout } from '../../src/core/rollout/fold.ts'
import type { Rollout } from '../../src/core/rollout/rollout.ts'
import type { CheckResult } from '../../src/core/rollout/rules.ts'
import type { TooOld } from '../../src/core/rollout/way-back.ts'
import type { Driving } from '../../src/engine/context.ts'
import type { Deployer, Driver, Transaction } from '../../src/engine/ports.ts'
import { type Watched, watchRollout } from '../../src/engine/rollout/drive.ts'

/** The process of a driver has ended. Nothing in the engine knows how to treat that. */
export class Killed extends Error {}

/** A journal in memory, the time of its database, and drivers that can be killed. */
export interface World {
  readonly entries: readonly RolloutEntry[]
  /** What the entries come to. */
  rollout(): Rollout | undefined
  ask(request: RolloutRequest): void
  write(event: RolloutEvent): void
  /** Drives until a verdict; throws `Killed` when the driver was killed. */
  drive(deployer: Deployer, tooOld?: readonly TooOld[]): Promise<Watched>
}

export interface WorldOptions {
  /** Does the driver die in front of this effect, or behind it? */
  readonly kills?: (effect: string) => 'no' | 'before' | 'after'
  readonly check?: (name: string) => CheckResult
  /** What happens while the driver sleeps. */
  readonly onSleep?: (ms: number) => void
  readonly looksMax: number
}

export function simulatedWorld(options: WorldOptions): World {
  const entries: RolloutEntry[] = []
  const requests: RequestEntry[] = []
  let nowMs = 1_000_000
  let rollout: Rollout | undefined

  const write = (event: RolloutEvent): void => {
    const entry = { seq: entries.length + 1, atMs: nowMs, event }
    entries.push(entry)
    rollout = foldRollout(rollout, [entry])
  }

  const drive: World['drive'] = async (deployer, tooOld = []) => {
    let isDead = false
    let looks = 0
    const effect = async <R>(name: string, work: () => R | Promise<R>): Promise<R> => {
      if (isDead) throw new Killed(`${name} after the end`)
      const kill = options.kills?.(name) ?? 'no'
      if (kill === 'before') {
        isDead = true
        throw new Killed(name)
      }
      const result = await work()
      if (kill === 'after') {
        isDead = true
        throw new Killed(name)
      }
      return result
    }
    const driver = {
      epoch: 1,
      beat: () => effect('beat', () => undefined),
      transact: ({ events }: Transaction) =>
        effect('transact', () => {
          for (const event of events) if (event.type === 'rollout') write(event.event)
          return { result: undefined, recorded: [] }
        }),
    }
    const engine = {
      settings: DEFAULT_SETTINGS,
      notify: () => undefined,
      isStopping: () => false,
      driver: driver as unknown as Driver,
      clock: {
        sleep: async (ms: number) => {
          nowMs += ms
          options.onSleep?.(ms)
        },
        random: () => 0.5,
      },
      checks: { ask: async (check: { name: string }) => options.check?.(check.name) ?? PASSED },
      rollouts: {
        look: (_run: number, after: { entry: number; request: number }) =>
          effect('look', () => {
            looks += 1
            if (looks > options.looksMax)
              throw new Error(`no end after ${looks} looks: ${JSON.stringify(entries.slice(-4))}`)
            return {
              nowMs,
              entries: entries.slice(after.entry),
              requests: requests.slice(after.request),
            }
          }),
      },
    } as unknown as Driving
    return await watchRollout(engine, 1, mortal(deployer, effect), tooOld)
  }

  return {
    entries,
    rollout: () => rollout,
    ask: (request) => void requests.push({ seq: requests.length + 1, request, by: 'somebody' }),
    write,
    drive,
  }
}

const PASSED: CheckResult = { outcome: 'pass', because: 'it holds' }

/** A deployer as a process reaches it that can be killed in front of a call, or behind it. */
function mortal(
  deployer: Deployer,
  effect: <R>(name: string, work: () => Promise<R>) => Promise<R>,
): Deployer {
  return {
    fleet: () => effect('fleet', () => deployer.fleet()),
    start: (placement) => effect(`start ${placement.id}`, () => deployer.start(placement)),
    serve: (id) => effect(`serve ${id}`, () => deployer.serve(id)),
    drain: (id) => effect(`drain ${id}`, () => deployer.drain(id)),
    stop: (id) => effect(`stop ${id}`, () => deployer.stop(id)),
    forget: (id) => effect(`forget ${id}`, () => deployer.forget(id)),
    log: (id, lines) => effect(`log ${id}`, () => deployer.log(id, lines)),
  }
}
