import { BellowsError } from '../../core/errors.ts'
import {
  beginning,
  numberOf,
  openIn,
  type RolloutHistory,
  type RolloutWish,
} from '../../core/rollout/begin.ts'
import type { RolloutRequest, RolloutStarted, RollStarted } from '../../core/rollout/event.ts'
import type { FleetInstance } from '../../core/rollout/fleet.ts'
import { rulesProblems } from '../../core/rollout/rules.ts'
import { tooOld } from '../../core/rollout/too-old.ts'
import type { TooOld } from '../../core/rollout/way-back.ts'
import type { Event } from '../../core/run/event.ts'
import { isThrough, type Run } from '../../core/run/run.ts'
import type { RunState } from '../../core/run/transitions.ts'
import type { Driving, Engine } from '../context.ts'
import { readRun } from '../drive.ts'
import { note } from '../note.ts'
import type { Deployer } from '../ports.ts'
import { readRuns } from '../runs.ts'
import { readRollout } from './look.ts'

export async function askRollout(engine: Engine, run: number, request: RolloutRequest): Promise<void> {
  const rollout = await readRollout(engine, run)
  if (rollout === undefined || rollout.outcome !== undefined) throw noRollout(run)
  await engine.rollouts.ask(run, request)
}

export function noRollout(run: number): BellowsError {
  return new BellowsError('run_not_found', `No rollout of the run ${run} is under way.`, {
    hint: 'Begin one: bellows deploy --to <version>',
  })
}

/** Somebody's wish for a rollout, of whatever kind. */
export interface Beginning {
  readonly version: string
  /** Is a rollout that is not over of the kind that is wanted? */
  readonly isOfKind: (begun: Begun) => boolean
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
  let gone: readonly FleetInstance[] = []
  await beginOnce(engine, id, {
    version: wish.version,
    isOfKind: (begun) => !('workloads' in begun),
    start: async (history, heard) => {
      refuseUnfit(wish)
      const fleet = await deployer.fleet()
      gone = fleet.filter(({ state }) => state === 'gone')
      return beginning(wish, fleet, history, heard)
    },
  })
  // What is remembered of the fleet before is of no use any more; that it stays would do no harm.
  for (const { id } of gone) await deployer.forget(id).catch(() => undefined)
}

/**
 * Writes the beginning of a rollout, unless the one that is wanted was begun and is not over.
 * @throws BellowsError `phase_order` before the schema is ready, `run_conflict` while another rollout is under way,
 *   `not_reversible` for a version that the database cannot serve any more
 */
export async function beginOnce(
  engine: Driving,
  id: number,
  { version, isOfKind, start }: Beginning,
): Promise<void> {
  const run = await readRun(engine, id)
  const history = await engine.rollouts.history()
  const begun = engine.begun?.get(id)
  if (history.some((entry) => entry.run === id && numberOf(entry) === begun)) return
  const open = openIn(history)
  if (open?.event.kind === 'rollout_started') {
    const { event } = open
    if (open.run !== id || event.version !== version || !isOfKind(event)) throw notOver(event)
    return
  }
  refuseUnready(run)
  refuseTooOld(version, await versionsTooOld(engine, history))
  const { requests } = await engine.rollouts.look(id, { entry: 0, request: 0 })
  const started = await start(history, requests.at(-1)?.seq ?? 0)
  engine.begun?.set(id, started.number)
  const entering: readonly Event[] = AHEAD.includes(run.state)
    ? [{ type: 'phase_entered', phase: 'rollout' }]
    : []
  await note(engine, id, [...entering, { type: 'rollout', event: started }])
}

/** From here a run goes on to its rollout; later, or when it is over, it stays where it is. */
const AHEAD: readonly RunState[] = ['planned', 'expanding', 'backfilling', 'verifying']

/** Versions that cannot be brought back, by what the journal says of contracts. */
export async function versionsTooOld(engine: Engine, history: RolloutHistory): Promise<readonly TooOld[]> {
  const runs = await readRuns(engine, 'all')
  return tooOld(
    history,
    runs.map(({ id, plan, retiredAt }) => ({
      run: id,
      migration: plan.migration.name,
      isRetired: retiredAt !== undefined,
    })),
  )
}

function notOver({ version }: Begun): BellowsError {
  return new BellowsError('run_conflict', `The rollout of "${version}" is not over.`, {
    hint: 'See "bellows deploy status". Finish it (bellows deploy resume) or take it back (bellows deploy abort) first.',
  })
}

function refuseUnready(run: Run): void {
  const { name } = run.plan.migration
  if (run.state === 'rolling_back' || run.state === 'rolled_back') {
    throw new BellowsError('run_conflict', `The migration "${name}" is ${run.state.replace('_', ' ')}.`, {
      hint: `Nothing is to be rolled out for it. Begin it anew: bellows expand ${name}`,
    })
  }
  if (isThrough(run, 'verify')) return
  throw new BellowsError('phase_order', `The migration "${name}" is not ready for a new version yet.`, {
    hint: `First: bellows verify ${name}`,
  })
}

function refuseTooOld(version: string, old: readonly TooOld[]): void {
  const barred = old.find((one) => one.version === version)
  if (barred === undefined) return
  throw new BellowsError('not_reversible', `"${version}" cannot be rolled out: ${barred.because}.`, {
    hint: 'Roll out a version that was built for the schema as it is.',
  })
}

function refuseUnfit({ rules, roles }: RolloutWish): void {
  const [problem] = rulesProblems(rules, roles)
  if (problem === undefined) return
  throw new BellowsError('config_invalid', `The rules of the rollout cannot work out: ${problem}.`, {
    hint: 'docs/deploy.md explains every parameter.',
  })
}
