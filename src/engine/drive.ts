import { assert, BellowsError } from '../core/errors.ts'
import { undoSteps } from '../core/plan/plan.ts'
import type { GateStep, Phase, Step } from '../core/plan/step.ts'
import { dueSteps, gatesBefore, guardedSteps } from '../core/run/due.ts'
import type { Event } from '../core/run/event.ts'
import { isOver, type Run, stepsLeft } from '../core/run/run.ts'
import { mayEnter, STATE_OF_PHASE } from '../core/run/transitions.ts'
import { lit, sql } from '../core/sql.ts'
import { compareAgain } from './backfill/compare-again.ts'
import type { Driving, Engine } from './context.ts'
import { executeStep } from './execute.ts'
import { orOpened, type Passed, passAgain, passGate } from './gate.ts'
import { keepingAccount, recordRun } from './history.ts'
import { note } from './note.ts'
import { readRuns } from './runs.ts'

export async function readRun(engine: Engine, id: number): Promise<Run> {
  const [run] = await readRuns(engine, { id })
  if (run === undefined) throw new BellowsError('run_not_found', `There is no run ${id}.`)
  return run
}

/** Takes a run through its phases up to and including one: read, decide, act, record, until nothing is left to do. */
export async function drive(engine: Driving, id: number, until: Phase): Promise<Run> {
  return await keepingAccount(engine, id, () => goOn(engine, id, until))
}

async function goOn(engine: Driving, id: number, until: Phase): Promise<Run> {
  const standing: Standing[] = []
  for (;;) {
    const run = await readRun(engine, id)
    if (isOver(run)) return await left(engine, run)
    if (run.state === 'rolling_back') throw goesBack(run)
    const next = dueSteps(run, until).find(({ id }) => !standing.some(({ step }) => step.id === id))
    const [first] = standing
    if (first !== undefined && next?.kind !== 'backfill') throw await recorded(engine, run, first)
    if (next === undefined) return await completed(engine, run)
    const gates = gatesBefore(run, next)
    const taken = recordingFailure(engine, run, gates[0] ?? next, async () => {
      if (next.phase === 'purge') await waitOutGrace(engine, run, next)
      if (gates.length > 0) await orOpened(engine, run, gates, () => passGates(engine, run, gates, next))
      else await takeStep(engine, run, next)
    })
    await taken.catch((error: unknown) => {
      if (!(error instanceof BellowsError) || error.code !== 'rows_quarantined') throw error
      standing.push({ step: next, error })
    })
  }
}

/** A backfill that left rows out is not done, and nothing behind it is begun. The other backfills do not wait for it. */
interface Standing {
  readonly step: Step
  readonly error: BellowsError
}

/** Written down last, so that it says why the run stands where it stands. */
async function recorded(engine: Driving, run: Run, { step, error }: Standing): Promise<BellowsError> {
  await noteFailure(engine, run, step, error)
  return error
}

/**
 * What is to be compared again, all gates, and then all columns at once: a run is not half retired because one gate stayed closed. What is dropped without
 * being hidden goes in its turn, through its gate anew.
 */
async function passGates(engine: Driving, run: Run, gates: readonly GateStep[], next: Step): Promise<void> {
  if (mayEnter(run.state, STATE_OF_PHASE.rollout) && !isOfContract(run)) await enter(engine, run, 'rollout')
  await compareAgain(engine, run, gates)
  const passed: PassedGate[] = []
  for (const gate of gates) passed.push({ gate, passed: await passGate(engine, run, gate) })
  const guardedBy = guardedSteps(run)
  const guarded = new Map<Step, readonly PassedGate[]>()
  for (const one of passed) {
    const step = guardedBy(one.gate)
    if (step !== undefined) guarded.set(step, [...(guarded.get(step) ?? []), one])
  }
  const retiring = dueSteps(run, 'retire')
  const last = retiring.findLastIndex((step) => guarded.has(step))
  // What stands between them comes in its turn, such as the look for rows that a rule would refuse.
  const taken = last < 0 ? [next] : retiring.slice(0, last + 1)
  for (const step of taken) {
    const of: Passed[] = []
    for (const { gate, passed } of guarded.get(step) ?? []) {
      // The gates behind its own, and the steps before it, took their time.
      const isFirst = gates.length === 1 && step === taken[0]
      of.push(isFirst ? passed : await passAgain(engine, run, gate, passed))
    }
    await takeStep(engine, await readRun(engine, run.id), step, of.length === 0 ? undefined : allPassed(of))
  }
}

interface PassedGate {
  readonly gate: GateStep
  readonly passed: Passed
}

function isOfContract({ state }: Run): boolean {
  return state === STATE_OF_PHASE.rollout || state === STATE_OF_PHASE.retire || state === STATE_OF_PHASE.purge
}

/** Of the columns that one step hides at once. */
function allPassed(gates: readonly Passed[]): Passed {
  return {
    requires: gates.flatMap(({ requires }) => requires),
    overridden: gates.flatMap(({ overridden }) => overridden),
    lookAgain: async () => {
      for (const gate of gates) await gate.lookAgain()
    },
  }
}

const ENTERED_AHEAD: ReadonlySet<Step['kind']> = new Set([
  'backfill',
  'verify',
  'concurrent_index',
  'outside',
  'index_parts',
  'validate_parts',
  'foreign_key_parts',
])

async function takeStep(engine: Driving, at: Run, step: Step, passed?: Passed): Promise<void> {
  const run = await behindRollout(engine, at, step)
  const isNewPhase = STATE_OF_PHASE[step.phase] !== run.state
  mustBeAllowed(run, step.phase)
  const entering: Event[] = isNewPhase ? [{ type: 'phase_entered', phase: step.phase }] : []
  // What takes long, or shares no transaction with its record, comes behind the entry of its phase: everybody sees it, and from a
  // purge that dropped something and did not live to say so nobody goes back. The others enter with it, or not at all.
  const enteredAhead = ENTERED_AHEAD.has(step.kind)
  const isLast = stepsLeft(run, 'purge').every((left) => left.id === step.id || left.kind === 'gate')
  await executeStep(engine, run, step, {
    ahead: enteredAhead ? entering : [],
    before: enteredAhead ? [] : entering,
    ...(passed === undefined ? {} : { passed }),
    after: isLast ? [{ type: 'run_completed' }] : [],
  })
}

/** Nothing is taken away before the time in which instances are replaced, also where no gate says when that is over. */
async function behindRollout(engine: Driving, run: Run, step: Step): Promise<Run> {
  const takesAway = step.phase === 'retire' || step.phase === 'purge'
  if (!takesAway || mayEnter(run.state, STATE_OF_PHASE[step.phase])) return run
  await enter(engine, run, 'rollout')
  return readRun(engine, run.id)
}

async function enter(engine: Driving, run: Run, phase: Phase): Promise<void> {
  mustBeAllowed(run, phase)
  await note(engine, run.id, [{ type: 'phase_entered', phase }])
}

function mustBeAllowed(run: Run, phase: Phase): void {
  const next = STATE_OF_PHASE[phase]
  assert(mayEnter(run.state, next), `a run does not go from ${run.state} to ${next}`)
}

/** A hidden column can be brought back until its grace is over. */
async function waitOutGrace(engine: Driving, run: Run, step: Step): Promise<void> {
  const leftMs = await graceLeftMs(engine, run)
  if (leftMs <= 0) return
  throw new BellowsError(
    'gate_closed',
    `The old shape is hidden and kept for another ${Math.ceil(leftMs / 1000)} s before it is dropped.`,
    {
      step: step.id,
      facts: { grace_left_ms: leftMs },
      hint: `Contract again after that.${undoSteps(run.plan).length === 0 ? '' : ' Until then "bellows undo" brings it back.'}`,
    },
  )
}

/** How much longer a hidden column is kept, by the clock of the database; 0 or less when its grace is over. */
export async function graceLeftMs({ database, settings }: Engine, { retiredAt }: Run): Promise<number> {
  if (retiredAt === undefined || settings.graceMs === 0) return 0
  const [answer] = await database.read<{ left: number }>(
    sql`select ${lit(settings.graceMs)} - extract(epoch from pg_catalog.clock_timestamp() - ${lit(retiredAt)}::timestamptz) * 1000 as left`,
  )
  return answer?.left ?? 0
}

/** A run all of whose steps were found done by another way, such as one that has none. */
async function completed(engine: Driving, run: Run): Promise<Run> {
  if (dueSteps(run, 'purge').length > 0) return run
  await note(engine, run.id, [{ type: 'run_completed' }])
  return await left(engine, await readRun(engine, run.id))
}

/** A run that is over; the schema that a completed one has left is the one that should be there. */
async function left(engine: Driving, run: Run): Promise<Run> {
  if (run.state === 'completed') await recordRun(engine, run.id)
  return run
}

/** Writes down why a run stands still. When even that fails, the first failure is what the caller must hear of. */
export async function recordingFailure(
  engine: Driving,
  run: Run,
  step: Step,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof BellowsError && isWorthRecording(error)) await noteFailure(engine, run, step, error)
    throw error
  }
}

async function noteFailure(engine: Driving, run: Run, step: Step, error: BellowsError): Promise<void> {
  const failed: Event = { type: 'step_failed', step: step.id, code: error.code, message: error.message }
  await note(engine, run.id, [failed]).catch(() => undefined)
}

/** The gate and the verification have written their own reasons, and rows in quarantine wait for the other backfills; a lost driver may not write at all. */
function isWorthRecording(error: BellowsError): boolean {
  const ownRecord: readonly string[] = [
    'verification_failed',
    'gate_closed',
    'instances_blocking',
    'dependents_found',
    'rows_quarantined',
  ]
  return (
    !ownRecord.includes(error.code) && !['connection_lost', 'driver_lost', 'interrupted'].includes(error.code)
  )
}

function goesBack(run: Run): BellowsError {
  return new BellowsError(
    'run_conflict',
    `The migration "${run.plan.migration.name}" is being rolled back.`,
    {
      hint: `Finish that first: bellows rollback ${run.plan.migration.name}`,
    },
  )
}
