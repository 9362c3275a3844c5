import type { Migration } from '../../src/core/operations/migration.ts'
import type { Plan } from '../../src/core/plan/plan.ts'
import { undoSteps } from '../../src/core/plan/plan.ts'
import type { Step } from '../../src/core/plan/step.ts'
import type { Changing } from '../../src/engine/bellows.ts'
import { COMPANION } from './companion.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { faultyBellows } from './faulty-ports.ts'
import type { OperationCase } from './operation-case.ts'
import { type Trace, tracing } from './traced.ts'

/** A step of a plan, and what its transactions and statements were seen to do. */
export interface TracedStep {
  readonly step: Step
  readonly way: 'forth' | 'back'
  readonly traces: readonly Trace[]
}

export interface TracedLife {
  readonly steps: readonly TracedStep[]
  /** What belongs to no step: the journal, the gate. */
  readonly others: readonly Trace[]
}

const SETTINGS = {
  batch: { rows: 200, verifyRows: 500 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const

/** Takes a migration forth as far as there is a way back, back, and forth to its end, and looks at every step of it. */
export async function tracedLife(one: OperationCase): Promise<TracedLife> {
  const { database, migration, plan } = await planned(one)
  const { sent, around, traces } = await tracing(database, [...plan.steps, ...plan.rollback])
  const { bellows } = faultyBellows(database.url, around, { settings: SETTINGS, sent })
  await bellows.change((driver) => forthAndBack(driver, migration, plan))
  await bellows.close()
  return sorted(plan, await traces())
}

/** The migration of a case, which can be taken back, on a database of its own. */
export async function planned(
  { given, operations }: OperationCase,
  made: (...setUp: readonly string[]) => Promise<TestDatabase> = testDatabase,
): Promise<{
  readonly database: TestDatabase
  readonly migration: Migration
  readonly plan: Plan
}> {
  const database = await made(given, COMPANION.given)
  const bellows = await database.bellows()
  const alone: Migration = { name: '0001_test', operations }
  const plan = await bellows.plan(alone)
  // A run is over with its last step, and then nothing is taken back.
  if (plan.steps.some(({ phase }) => phase === 'purge')) return { database, migration: alone, plan }
  const migration = { ...alone, operations: [...operations, COMPANION.operation] }
  return { database, migration, plan: await bellows.plan(migration) }
}

/** Every step of a migration, forth and back. */
export async function forthAndBack(driver: Changing, migration: Migration, plan: Plan): Promise<void> {
  const hasUndo = undoSteps(plan).length > 0
  const { id } = await driver.advance(migration, hasUndo ? 'retire' : 'verify')
  if (hasUndo) await driver.undo(id)
  await driver.rollback(id)
  await driver.advance(migration, 'purge')
}

function sorted(plan: Plan, traces: readonly Trace[]): TracedLife {
  const of = (way: TracedStep['way']) => (step: Step) => ({
    step,
    way,
    traces: traces.filter((trace) => trace.step === step.id),
  })
  const steps = [...plan.steps.map(of('forth')), ...plan.rollback.map(of('back'))]
  return {
    steps: steps.filter(({ step }) => !isOfCompanion(step)),
    others: traces.filter(({ step }) => step === null),
  }
}

function isOfCompanion(step: Step): boolean {
  const tables =
    'locks' in step ? step.locks.map(({ relation }) => relation) : 'table' in step ? [step.table] : []
  return tables.length > 0 && tables.every(({ name }) => name === COMPANION.operation.table)
}
