import { messageOf } from '../../core/errors.ts'
import type { RolloutWish } from '../../core/rollout/begin.ts'
import { type Decision, decide, type RolloutFacts } from '../../core/rollout/decide.ts'
import { foldRollout } from '../../core/rollout/fold.ts'
import type { Rollout } from '../../core/rollout/rollout.ts'
import { type Watch, watching } from '../../core/rollout/watch.ts'
import type { TooOld } from '../../core/rollout/way-back.ts'
import type { Driving } from '../context.ts'
import type { Deployer } from '../ports.ts'
import { stopRolloutIfAsked } from '../stop.ts'
import { act, askChecks, withLogs } from './act.ts'
import { beginRollout, noRollout } from './begin.ts'
import { conclude } from './conclude.ts'
import { noted } from './noted.ts'
import { versionsTooOld } from './refuse.ts'

/**
 * Brings a version of the application into every slot, or goes on with that where it was left.
 * @throws BellowsError `rollout_failed` when it was taken back or abandoned, `rollout_paused` when it waits for somebody
 */
export async function rollOut(
  engine: Driving,
  run: number,
  wish: RolloutWish,
  deployer: Deployer,
): Promise<Rollout> {
  await beginRollout(engine, run, wish, deployer)
  return await driveRollout(engine, run, deployer)
}

/** Goes on with the rollout of a run until it is over, or stands still for somebody. */
export async function driveRollout(engine: Driving, run: number, deployer: Deployer): Promise<Rollout> {
  const barred = await versionsTooOld(engine, await engine.rollouts.history())
  const { rollout, verdict } = await watchRollout(engine, run, deployer, barred)
  await conclude(engine, run, rollout, verdict)
  return rollout
}

export interface Watched {
  readonly rollout: Rollout
  readonly verdict: NonNullable<Decision['verdict']>
}

/** Look, decide, write, act; again and again. Nothing is remembered that matters: who takes over looks for himself. */
export async function watchRollout(
  engine: Driving,
  run: number,
  deployer: Deployer,
  barred: readonly TooOld[],
): Promise<Watched> {
  const troubles = new Map<string, string>()
  let rollout: Rollout | undefined
  let entry = 0
  let watch: Watch | undefined
  for (;;) {
    stopRolloutIfAsked(engine, 'the fleet stays as it is at this moment')
    const look = await engine.rollouts.look(run, { entry, request: rollout?.heard ?? 0 })
    entry = look.entries.at(-1)?.seq ?? entry
    rollout = foldRollout(rollout, look.entries)
    if (rollout === undefined) throw await noRollout(engine, run)
    const { heard, rules } = rollout
    const requests = look.requests.filter(({ seq }) => seq > heard)
    const { nowMs } = look
    const fleet = await fleetOf(deployer)
    watch = watching(watch, { nowMs, movedAtMs: rollout.movedAtMs, isBlind: 'unreadable' in fleet })
    const { events, actions, waitsFor, verdict } = decide(rollout, {
      nowMs,
      sinceMs: watch.sinceMs,
      fleet,
      requests,
      troubles,
      tooOld: barred,
    })
    if (verdict !== undefined) return { rollout, verdict }
    await noted(engine, run, await withLogs(deployer, rollout, events))
    await act(engine, deployer, actions, troubles)
    await noted(engine, run, await askChecks(engine, rollout, actions))
    engine.notify({ type: 'waiting_for_rollout', waitsFor })
    if (events.length === 0) await engine.clock.sleep(rules.pollMs)
  }
}

async function fleetOf(deployer: Deployer): Promise<RolloutFacts['fleet']> {
  try {
    return await deployer.fleet()
  } catch (error) {
    return { unreadable: messageOf(error) }
  }
}
