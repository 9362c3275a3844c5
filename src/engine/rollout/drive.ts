import { BellowsError, messageOf } from '../../core/errors.ts'
import type { RolloutWish } from '../../core/rollout/begin.ts'
import { type Decision, decide, type RolloutFacts, type TooOld } from '../../core/rollout/decide.ts'
import type { RolloutEvent } from '../../core/rollout/event.ts'
import { foldRollout } from '../../core/rollout/fold.ts'
import type { Rollout } from '../../core/rollout/rollout.ts'
import type { Driving } from '../context.ts'
import { note } from '../note.ts'
import type { Deployer } from '../ports.ts'
import { act, askChecks, withLogs } from './act.ts'
import { beginRollout, noRollout } from './begin.ts'
import { concluded } from './conclude.ts'
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
  return await concluded(engine, run, await watchRollout(engine, run, deployer, barred))
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
  let sinceMs: number | undefined
  for (;;) {
    stopIfAsked(engine)
    const look = await engine.rollouts.look(run, { entry, request: rollout?.heard ?? 0 })
    sinceMs ??= look.nowMs
    entry = look.entries.at(-1)?.seq ?? entry
    rollout = foldRollout(rollout, look.entries)
    if (rollout === undefined) throw noRollout(run)
    const { heard, rules } = rollout
    const requests = look.requests.filter(({ seq }) => seq > heard)
    const facts = { nowMs: look.nowMs, sinceMs, requests, troubles, tooOld: barred }
    const { events, actions, waitsFor, verdict } = decide(rollout, {
      ...facts,
      fleet: await fleetOf(deployer),
    })
    if (verdict !== undefined) return { rollout, verdict }
    await written(engine, run, await withLogs(deployer, rollout, events))
    await act(engine, deployer, actions, troubles)
    await written(engine, run, await askChecks(engine, rollout, actions))
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

async function written(engine: Driving, run: number, events: readonly RolloutEvent[]): Promise<void> {
  if (events.length === 0) return
  await note(
    engine,
    run,
    events.map((event) => ({ type: 'rollout', event })),
  )
  for (const event of events) engine.notify({ type: 'rollout', event })
}

function stopIfAsked(engine: Driving): void {
  if (!engine.isStopping()) return
  throw new BellowsError('interrupted', 'Stopped as asked; the fleet stays as it is at this moment.', {
    hint: 'Run the same command again, or "bellows deploy resume", to go on from here; "bellows deploy abort" takes it back.',
  })
}
