import { BellowsError } from '../errors.ts'
import { canonical, hash } from '../hash.ts'
import { identifierProblem } from '../identifier.ts'
import { specOf } from '../operations/index.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { Context } from '../operations/operation.ts'
import { withReliance } from '../operations/rules/reliance.ts'
import type { Facts } from '../schema/facts.ts'
import type { QualifiedName, Schema } from '../schema/model.ts'
import { withReferences } from '../schema/references.ts'
import { sql } from '../sql.ts'
import { dropOrderProblems } from './drop-order.ts'
import { stepHazards } from './hazards.ts'
import { isOnAdded, keyProblems, meetingProblems, sharingProblems } from './meetings.ts'
import type { Plan } from './plan.ts'
import { backfillFinished } from './probes.ts'
import { PHASES, type Step, type StepDraft } from './step.ts'

/**
 * Plans a migration on a schema. Pure: the same input gives the same plan, to the byte.
 * @throws BellowsError with every problem of every operation, before anything runs
 */
export function makePlan(migration: Migration, schema: Schema, facts: Facts): Plan {
  refuseIfAny(migrationProblems(migration))
  const planned = draftsOfAll(migration, schema, facts)
  refuseIfAny(oneWayProblems(planned))
  const forward = inOrder(migration, planned)
  const steps = PHASES.flatMap((phase) =>
    numbered(
      `${migration.name}/${phase}`,
      forward.filter(({ draft }) => draft.phase === phase),
    ),
  )
  const back = planned.map((drafts, of) => placed(drafts.back, of)).toReversed()
  const leaving = planned.map((): string[] => [])
  for (const { step, of } of steps) if (leavesSomething(step)) leaving[of]?.push(step.id)
  const rollback = numbered(`${migration.name}/rollback`, undoFirst(back.flat())).map(({ step, of }) => ({
    ...step,
    undoes: leaving[of] ?? [],
  }))
  const content = {
    format: 1,
    migration,
    serverVersion: facts.serverVersion,
    steps: steps.map(({ step }) => step),
    rollback,
  } as const
  return { ...content, hash: hash(canonical(content)) }
}

/** The schema after the whole migration. */
export function applied(migration: Migration, schema: Schema, facts: Facts): Schema {
  return migration.operations.reduce((before, op) => after(op, before, facts), schema)
}

function after(op: Operation, schema: Schema, facts: Facts): Schema {
  return withReliance(schema, withReferences(schema, specOf(op).apply(op, schema, facts)))
}

/** Each operation sees the schema that the operations before it leave. Of that no more is kept than the steps that come of it. */
function draftsOfAll(migration: Migration, start: Schema, facts: Facts): readonly Drafts[] {
  const problems: BellowsError[] = [
    ...sharingProblems(migration, start),
    ...keyProblems(migration, start),
    ...dropOrderProblems(migration, facts),
  ]
  let schema = start
  const planned = migration.operations.map((op, at): Drafts => {
    const context = { schema, facts, seed: canonical([migration.name, at, op]) }
    const found = specOf(op).check(op, context)
    problems.push(...found)
    if (found.length === 0) schema = after(op, schema, facts)
    return problems.length > 0 ? { forward: [], back: [] } : draftsOf(op, context)
  })
  refuseIfAny(problems)
  return planned
}

/**
 * What looks for rows in the way comes before anything is changed, unless it looks at what the migration adds itself. What
 * replaces a thing that reads columns comes when all of them are proved.
 */
function inOrder(migration: Migration, planned: readonly Drafts[]): readonly Placed[] {
  const touches = migration.operations.map((op) => specOf(op).needs(op).touches)
  const parts = planned.map(({ forward }, of) => {
    const looks = forward.some(({ kind }) => kind === 'inspect')
    // An operation may look at what it adds itself.
    const isOn = looks && isOnAdded(touches.slice(0, of + 1).flat(), touches[of] ?? [])
    const isFirst = ({ draft }: Placed) => draft.kind === 'inspect' && !isOn
    const drafts = placed(isOn ? lookingLate(forward) : forward, of)
    return { first: drafts.filter(isFirst), later: drafts.filter((one) => !isFirst(one)) }
  })
  const later = parts.flatMap((part) => part.later)
  return [
    ...parts.flatMap(({ first }) => first),
    ...later.filter(({ draft }) => !replacesProved(draft)),
    ...later.filter(({ draft }) => replacesProved(draft)),
  ]
}

/**
 * What the migration adds has its values when it is filled, or from new instances alone: a look at the begin finds every row in
 * the way. So nobody looks before the last moment.
 */
function lookingLate(drafts: readonly StepDraft[]): readonly StepDraft[] {
  const looksAgain = drafts.some(({ kind, phase }) => kind === 'inspect' && phase === 'retire')
  return drafts.flatMap((draft) => {
    if (draft.kind !== 'inspect' || draft.phase !== 'expand') return [draft]
    return looksAgain ? [] : [{ ...draft, phase: 'verify' }]
  })
}

function replacesProved(draft: StepDraft): boolean {
  return draft.phase === 'verify' && 'makes' in draft
}

/** A draft, and the place of its operation in the migration. */
interface Placed {
  readonly draft: StepDraft
  readonly of: number
}

function placed(drafts: readonly StepDraft[], of: number): readonly Placed[] {
  return drafts.map((draft) => ({ draft, of }))
}

function undoFirst(back: readonly Placed[]): readonly Placed[] {
  return [
    ...back.filter(({ draft }) => draft.phase === 'retire'),
    ...back.filter(({ draft }) => draft.phase !== 'retire'),
  ]
}

function leavesSomething({ kind }: Step): boolean {
  return kind !== 'inspect' && kind !== 'gate'
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

function numbered(
  prefix: string,
  drafts: readonly Placed[],
): readonly { readonly step: Step; readonly of: number }[] {
  return drafts.map(({ draft, of }, at) => ({ step: asStep(`${prefix}/${at + 1}`, byName(draft)), of }))
}

function asStep(id: string, draft: StepDraft): Step {
  const hazards = [...stepHazards(draft), ...draft.hazards]
  if (draft.kind === 'inspect') return { id, probe: NEVER, ...draft, hazards }
  const isTableStep = draft.kind === 'backfill' || draft.kind === 'verify'
  // The checkpoint of a step that works through a table says in its last transaction that it is done.
  return isTableStep ? { id, probe: backfillFinished(id), ...draft, hazards } : { id, ...draft, hazards }
}

/** What only looks leaves nothing behind by which it could be known; the journal knows it. */
const NEVER = sql`false`

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

function migrationProblems(migration: Migration): readonly BellowsError[] {
  const nameProblem = identifierProblem(migration.name)
  return [
    ...(nameProblem === undefined
      ? []
      : [new BellowsError('name_invalid', `The migration name "${migration.name}" ${nameProblem}.`)]),
    ...(migration.operations.length > 0
      ? []
      : [new BellowsError('migration_invalid', `The migration "${migration.name}" has no operations.`)]),
    ...meetingProblems(migration),
  ]
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
