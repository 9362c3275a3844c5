import { versionName } from '../plan/change.ts'
import { type Plan, undoSteps } from '../plan/plan.ts'
import { changesOf, PHASES, type Phase, type Step, type TableStep } from '../plan/step.ts'
import { standsBecause } from '../rollout/event.ts'
import { isSameName } from '../schema/model.ts'
import type { Sql } from '../sql.ts'
import type { JournalEntry } from './event.ts'
import { mayEnter, type RunState, STATE_OF_PHASE } from './transitions.ts'

/** One migration on its way, as the fold of its events. */
export interface Run {
  readonly id: number
  readonly plan: Plan
  readonly state: RunState
  /** Ids of the steps that need not be looked at again. */
  readonly done: ReadonlySet<string>
  /** Names of its versions that stand. */
  readonly versions: ReadonlySet<string>
  /** Why the run stands where it stands: the last thing that went wrong or was waited for, if nothing has happened since. */
  readonly standsBecause: string | undefined
  /** When the old shape was hidden, or whatever else can be undone was done; by the clock of the database. */
  readonly retiredAt: string | undefined
  /** Position in the journal of the event that says so. */
  readonly retiredSeq: number | undefined
  /** How long it is hidden before `reap` drops it; undefined when nobody has let it. */
  readonly purgeAfterMs: number | undefined
}

export interface StoredRun {
  readonly id: number
  readonly plan: Plan
}

export function foldRun(stored: StoredRun, entries: readonly JournalEntry[]): Run {
  const start: Run = {
    ...stored,
    state: 'planned',
    done: new Set(),
    versions: new Set(),
    standsBecause: undefined,
    retiredAt: undefined,
    retiredSeq: undefined,
    purgeAfterMs: undefined,
  }
  return entries.filter((entry) => entry.run === stored.id).reduce(after, start)
}

function after(run: Run, { event, at, seq }: JournalEntry): Run {
  switch (event.type) {
    case 'phase_entered':
      return entered(run, STATE_OF_PHASE[event.phase])
    case 'step_started':
      return { ...run, standsBecause: undefined }
    case 'step_done': {
      // A column that is back is no longer hidden: going on passes the gate and hides it anew.
      if (undoSteps(run.plan).some((step) => step.id === event.step))
        return { ...run, done: without(run, ['rollout', 'retire']), standsBecause: undefined }
      return {
        ...run,
        done: new Set([...run.done, event.step]),
        standsBecause: undefined,
        ...(isKept(run.plan, event.step) ? { retiredAt: at, retiredSeq: seq } : {}),
      }
    }
    case 'step_failed':
      return { ...run, standsBecause: event.message }
    case 'verification_failed': {
      const { diverged, unfilled } = event.verdict
      const standsBecause = `the verification found ${diverged} diverged and ${unfilled} unfilled rows`
      // Unfilled rows are filled before anybody compares again, but where a part of the old shape is hidden already.
      return unfilled > 0 && mayEnter(run.state, 'backfilling')
        ? { ...run, state: 'backfilling', done: unfilledAgain(run, event.step), standsBecause }
        : { ...run, standsBecause }
    }
    case 'gate_closed':
      return { ...run, standsBecause: event.because.join('; ') }
    case 'gate_opened':
    case 'gate_overridden':
    case 'brownout':
      return { ...run, standsBecause: undefined }
    case 'version_applied':
      return { ...run, versions: new Set([...run.versions, event.name]) }
    case 'version_withdrawn':
      return withdrawn(run, event.name)
    case 'purge_scheduled':
      return { ...run, purgeAfterMs: event.graceMs }
    case 'rollout':
      return { ...run, standsBecause: standsBecause(event.event) }
    case 'retire_undone':
      return {
        ...entered(run, 'rolling_out'),
        done: without(run, ['rollout', 'retire']),
        retiredAt: undefined,
        retiredSeq: undefined,
        purgeAfterMs: undefined,
      }
    case 'rollback_started':
      return entered(run, 'rolling_back')
    case 'run_rolled_back':
      return entered(run, 'rolled_back')
    case 'run_completed':
      return entered(run, 'completed')
  }
}

/** Is what a step takes away kept for a while, hidden or in any other way that an undo brings back? */
function isKept(plan: Plan, step: string): boolean {
  const { kind, phase } = stepById(plan, step) ?? {}
  return kind === 'retire' || (phase === 'retire' && kind !== 'inspect' && undoSteps(plan).length > 0)
}

/** Reads what is written, whatever it is: that only allowed steps are written is the writer's duty, see `mayEnter`. */
function entered(run: Run, state: RunState): Run {
  return run.state === state ? run : { ...run, state, standsBecause: undefined }
}

/** A version that was taken back makes its phase pending again; what it did to the rows stays. */
function withdrawn(run: Run, name: string): Run {
  const versions = new Set([...run.versions].filter((one) => one !== name))
  const phase = run.plan.steps.find((step) =>
    changesOf(step).some((change) => versionName(change) === name),
  )?.phase
  return {
    ...(phase === 'backfill' && mayEnter(run.state, 'backfilling') ? backToBackfill(run) : run),
    versions,
  }
}

function backToBackfill(run: Run): Run {
  return { ...run, state: 'backfilling', done: without(run, ['backfill', 'verify', 'rollout']) }
}

/** Only the backfill of the same columns: another operation, proved and settled, may have put its own trigger away by now. */
function unfilledAgain(run: Run, verification: string): ReadonlySet<string> {
  const failed = stepById(run.plan, verification)
  const behind = run.plan.steps.filter(
    (step) =>
      step.kind === 'backfill' &&
      failed?.kind === 'verify' &&
      isSameName(step.table, failed.table) &&
      conditionsOf(step).some((one) => conditionsOf(failed).includes(one)),
  )
  return less(run, behind)
}

function conditionsOf({ unfilled, each = [{ unfilled }] }: TableStep): readonly Sql[] {
  return each.map((one) => one.unfilled)
}

function without(run: Run, phases: readonly Phase[]): ReadonlySet<string> {
  return less(
    run,
    run.plan.steps.filter((step) => phases.includes(step.phase)),
  )
}

function less(run: Run, steps: readonly Step[]): ReadonlySet<string> {
  const gone = new Set(steps.map((step) => step.id))
  return new Set([...run.done].filter((id) => !gone.has(id)))
}

export function stepById(plan: Plan, id: string): Step | undefined {
  return plan.steps.find((step) => step.id === id)
}

/** Steps still to be done up to and including a phase, in their order. */
export function stepsLeft(run: Run, until: Phase): readonly Step[] {
  const last = PHASES.indexOf(until)
  return run.plan.steps.filter((step) => PHASES.indexOf(step.phase) <= last && !run.done.has(step.id))
}

/** Is everything of the phase done, and of all phases before it? A gate counts as done when what it guards is. */
export function isThrough(run: Run, phase: Phase): boolean {
  return stepsLeft(run, phase).every((step) => step.kind === 'gate' && run.retiredAt !== undefined)
}

export function isOver(run: Run): boolean {
  return run.state === 'completed' || run.state === 'rolled_back'
}
