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
import { type Kills, mortalDeployer, mortalEffects } from './mortal.ts'

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
  readonly kills?: Kills
  readonly check?: (name: string) => CheckResult
  /** What happens while the driver sleeps. */
  readonly onSleep?: (ms: number) => void
  readonly looksMax: number
}

export function simulatedWorld(options: WorldOptions): World {
  const entries: RolloutEntry[] = []
  const requests: RequestEntry[] = []
  let nowMs = 1_000_000
  let folded: Rollout | undefined
  let foldedTo = 0

  const write = (event: RolloutEvent): void => {
    entries.push({ seq: entries.length + 1, atMs: nowMs, event })
  }
  const rollout = (): Rollout | undefined => {
    folded = foldRollout(folded, entries.slice(foldedTo))
    foldedTo = entries.length
    return folded
  }

  const drive: World['drive'] = async (deployer, tooOld = []) => {
    let looks = 0
    const effect = mortalEffects(options.kills)
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
    return await watchRollout(engine, 1, mortalDeployer(deployer, effect), tooOld)
  }

  return {
    entries,
    rollout,
    ask: (request) => void requests.push({ seq: requests.length + 1, request, by: 'somebody' }),
    write,
    drive,
  }
}

const PASSED: CheckResult = { outcome: 'pass', because: 'it holds' }
