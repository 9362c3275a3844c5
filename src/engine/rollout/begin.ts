import { BellowsError } from '../../core/errors.ts'
import {
  beginning,
  forgettable,
  numberOf,
  openIn,
  type RolloutHistory,
  type RolloutWish,
} from '../../core/rollout/begin.ts'
import type { RolloutRequest, RolloutStarted, RollStarted } from '../../core/rollout/event.ts'
import type { FleetInstance } from '../../core/rollout/fleet.ts'
import type { Event } from '../../core/run/event.ts'
import type { RunState } from '../../core/run/transitions.ts'
import type { Driving, Engine } from '../context.ts'
import { readRun } from '../drive.ts'
import { note } from '../note.ts'
import type { Deployer } from '../ports.ts'
import { readRollout } from './look.ts'
import {
  refuseOther,
  refuseTooOld,
  refuseUnfit,
  refuseUnready,
  refuseUnseen,
  versionsTooOld,
  type Wanted,
} from './refuse.ts'

export async function askRollout(engine: Engine, run: number, request: RolloutRequest): Promise<void> {
  const rollout = await readRollout(engine, run)
  if (rollout === undefined || rollout.outcome !== undefined) throw await noRollout(engine, run)
  await engine.rollouts.ask(run, request)
}

export async function noRollout(engine: Engine, run: number): Promise<BellowsError> {
  const { name } = (await readRun(engine, run)).plan.migration
  return new BellowsError('run_not_found', `No rollout for "${name}" is under way.`, {
    hint: `Begin one: bellows deploy ${name} --to <version>`,
  })
}

/** Somebody's wish for a rollout, of whatever kind. */
export interface Beginning extends Wanted {
  /** Looks at what runs, and refuses what cannot work out, before anything is written. */
  readonly start: (history: RolloutHistory, heard: number) => Promise<Begun>
}

type Begun = RolloutStarted | RollStarted

/**
 * Begins a rollout of instances, or finds the one that was begun and is not over. Whatever speaks against it is said before
 * anything happens.
 * @throws BellowsError as `beginOnce`, and `config_invalid` for rules that cannot work out
 */
export async function beginRollout(
  engine: Driving,
  id: number,
  wish: RolloutWish,
  deployer: Deployer,
): Promise<void> {
  let forgotten: readonly FleetInstance[] = []
  await beginOnce(engine, id, {
    version: wish.version,
    ofWorkloads: false,
    behind: wish.behind,
    start: async (history, heard) => {
      refuseUnfit(wish)
      const fleet = await deployer.fleet()
      const started = beginning(wish, fleet, history, heard)
      forgotten = forgettable(fleet, started)
      return started
    },
  })
  // That it stays would do no harm.
  for (const { id } of forgotten) await deployer.forget(id).catch(() => undefined)
}

/**
 * Writes the beginning of a rollout, unless the one that is wanted was begun and is not over.
 * @throws BellowsError `phase_order` before the schema is ready, `run_conflict` while another rollout is under way,
 *   `not_reversible` for a version that the database cannot serve any more
 */
export async function beginOnce(engine: Driving, id: number, wanted: Beginning): Promise<void> {
  const run = await readRun(engine, id)
  const history = await engine.rollouts.history()
  const begun = engine.begun?.get(id)
  if (history.some((entry) => entry.run === id && numberOf(entry) === begun)) return
  const open = openIn(history)
  if (open !== undefined) {
    refuseOther(open, id, wanted)
    return
  }
  refuseUnready(run)
  refuseTooOld(wanted.version, await versionsTooOld(engine, history))
  const { requests } = await engine.rollouts.look(id, { entry: 0, request: 0 })
  const started = await wanted.start(history, requests.at(-1)?.seq ?? 0)
  refuseUnseen(history, started, wanted)
  engine.begun?.set(id, started.number)
  const entering: readonly Event[] = AHEAD.includes(run.state)
    ? [{ type: 'phase_entered', phase: 'rollout' }]
    : []
  await note(engine, id, [...entering, { type: 'rollout', event: started }])
}

/** From here a run goes on to its rollout; later, or when it is over, it stays where it is. */
const AHEAD: readonly RunState[] = ['planned', 'expanding', 'backfilling', 'verifying']
