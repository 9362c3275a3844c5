import { BellowsError } from '../errors.ts'
import { canonical, hash } from '../hash.ts'
import { identifierProblem } from '../identifier.ts'
import { specOf } from '../operations/index.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { Context } from '../operations/operation.ts'
import { type Facts, findTable, type QualifiedName, type Schema } from '../schema/model.ts'
import { stepHazards } from './hazards.ts'
import type { Plan } from './plan.ts'
import { backfillFinished } from './probes.ts'
import { companionsOf } from './retire.ts'
import { PHASES, type Step, type StepDraft } from './step.ts'
import { theTable } from './table-checks.ts'

/**
 * Plans a migration on a schema. Pure: the same input gives the same plan, to the byte.
 * @throws BellowsError with every problem of every operation, before anything runs
 */
export function makePlan(migration: Migration, schema: Schema, facts: Facts): Plan {
  refuseIfAny(migrationProblems(migration))
  const contexts = contextsOf(migration, schema, facts)
  const planned = migration.operations.map((op, at) => draftsOf(op, contexts[at] as Context))
  refuseIfAny(oneWayProblems(planned))
  const steps = PHASES.flatMap((phase) =>
    numbered(
      `${migration.name}/${phase}`,
      planned.flatMap(({ forward }) => forward.filter((draft) => draft.phase === phase)),
    ),
  )
  const back = planned.toReversed().flatMap((drafts) => drafts.back)
  const rollback = numbered(`${migration.name}/rollback`, [
    ...back.filter((draft) => draft.phase === 'retire'),
    ...back.filter((draft) => draft.phase !== 'retire'),
  ])
  const content = { format: 1, migration, serverVersion: facts.serverVersion, steps, rollback } as const
  return { ...content, hash: hash(canonical(content)) }
}

/** The schema after the whole migration. */
export function applied(migration: Migration, schema: Schema, facts: Facts): Schema {
  return migration.operations.reduce((before, op) => specOf(op).apply(op, before, facts), schema)
}

/** What each operation sees: the schema that the operations before it leave. */
function contextsOf(migration: Migration, start: Schema, facts: Facts): readonly Context[] {
  const problems: BellowsError[] = [...sharingProblems(migration, start)]
  let schema = start
  const contexts = migration.operations.map((op, at) => {
    const context = { schema, facts, seed: canonical([migration.name, at, op]) }
    const found = specOf(op).check(op, context)
    problems.push(...found)
    if (found.length === 0) schema = specOf(op).apply(op, schema, facts)
    return context
  })
  refuseIfAny(problems)
  return contexts
}

interface Drafts {
  readonly forward: readonly StepDraft[]
  readonly back: readonly StepDraft[]
}

function draftsOf(op: Operation, context: Context): Drafts {
  const spec = specOf(op)
  return {
    forward: [...spec.expand(op, context), ...spec.backfill(op, context), ...spec.contract(op, context)],
    back: spec.rollback(op, context),
  }
}

/** A run is taken back as a whole: where one operation cannot be, taking back the others would lose what was written since. */
function oneWayProblems(planned: readonly Drafts[]): readonly BellowsError[] {
  const hides = (drafts: readonly StepDraft[]) => drafts.some(({ phase }) => phase === 'retire')
  const hiding = planned.filter(({ forward }) => hides(forward))
  const oneWay = hiding.filter(({ back }) => !hides(back))
  if (oneWay.length === 0 || oneWay.length === hiding.length) return []
  return [
    new BellowsError(
      'plan_refused',
      'One operation of the migration has no way back once its column is hidden, and others have.',
      { hint: 'Put them into two migrations.' },
    ),
  ]
}

function numbered(prefix: string, drafts: readonly StepDraft[]): readonly Step[] {
  return drafts.map(byName).map((draft, at) => {
    const id = `${prefix}/${at + 1}`
    const hazards = [...stepHazards(draft), ...draft.hazards]
    const isTableStep = draft.kind === 'backfill' || draft.kind === 'verify'
    // The checkpoint of a step that works through a table says in its last transaction that it is done.
    return isTableStep ? { id, probe: backfillFinished(id), ...draft, hazards } : { id, ...draft, hazards }
  })
}

/** A plan names its tables: how large they were when it was made is no part of it. */
function byName<D extends StepDraft>(draft: D): D {
  return {
    ...draft,
    ...('table' in draft ? { table: nameOf(draft.table) } : {}),
    ...('locks' in draft
      ? { locks: draft.locks.map((lock) => ({ ...lock, relation: nameOf(lock.relation) })) }
      : {}),
    ...('retires' in draft && draft.retires !== undefined
      ? { retires: { ...draft.retires, table: nameOf(draft.retires.table) } }
      : {}),
  }
}

function nameOf({ namespace, name }: QualifiedName): QualifiedName {
  return { namespace, name }
}

/** Operations of one migration must not meet in a column; composing them is for several migrations. */
function migrationProblems(migration: Migration): readonly BellowsError[] {
  const nameProblem = identifierProblem(migration.name)
  const problems =
    nameProblem === undefined
      ? []
      : [new BellowsError('name_invalid', `The migration name "${migration.name}" ${nameProblem}.`)]
  if (migration.operations.length === 0) {
    problems.push(
      new BellowsError('migration_invalid', `The migration "${migration.name}" has no operations.`),
    )
  }
  const seen = new Set<string>()
  for (const op of migration.operations) {
    for (const column of columnsTouched(op)) {
      const key = canonical([op.namespace, op.table, column])
      if (seen.has(key)) problems.push(meeting(op.table, column))
      seen.add(key)
    }
  }
  return problems
}

/** An index or a constraint of two leaving columns would be copied for each, and each copy would need the other column. */
function sharingProblems(migration: Migration, schema: Schema): readonly BellowsError[] {
  const users = new Map<string, number>()
  for (const op of migration.operations) {
    const table = findTable(schema, theTable(op))
    if (table === undefined || op.kind === 'add_column') continue
    for (const name of new Set(companionsOf(table, op.kind === 'drop_column' ? op.column : op.from))) {
      const key = canonical([op.namespace, op.table, name])
      users.set(key, (users.get(key) ?? 0) + 1)
    }
  }
  return [...users]
    .filter(([, count]) => count > 1)
    .map(([key]) => (JSON.parse(key) as readonly string[]).at(-1))
    .map(
      (name) =>
        new BellowsError('plan_refused', `Two operations of the migration take a column of "${name}" away.`, {
          hint: 'Put them into two migrations; the second begins when the first is contracted.',
        }),
    )
}

function columnsTouched(op: Operation): readonly string[] {
  return op.kind === 'rename_column' ? [...new Set([op.from, op.to])] : [op.column]
}

function meeting(table: string, column: string): BellowsError {
  return new BellowsError('plan_refused', `Two operations of the migration touch "${table}"."${column}".`, {
    hint: 'Put them into two migrations; the second begins when the first is contracted.',
  })
}

function refuseIfAny(problems: readonly BellowsError[]): void {
  const [first, ...more] = problems
  if (first === undefined) return
  if (more.length === 0) throw first
  throw new BellowsError(
    first.code,
    `${problems.length} problems:\n${problems.map((one) => `- ${one.message}`).join('\n')}`,
    {
      hint: problems.flatMap((one) => one.hint ?? []).join('\n'),
      facts: { problems: problems.map(({ code, message, hint }) => ({ code, message, hint })) },
    },
  )
}
