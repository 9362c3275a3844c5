import { BellowsError } from '../errors.ts'
import { hashOf } from '../hash.ts'
import { identifierProblem } from '../identifier.ts'
import { specOf } from '../operations/index.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { Context } from '../operations/operation.ts'
import { withReliance } from '../operations/rules/reliance.ts'
import type { Facts } from '../schema/facts.ts'
import type { Schema } from '../schema/model.ts'
import { type Changed, changedTables, withReferences } from '../schema/references.ts'
import { arranged } from './arranged.ts'
import { besideProblems, mindingBothNames, phasesOn } from './both-names.ts'
import { computedProblems, dropOrderProblems } from './drop-order.ts'
import { earlyProblems } from './early-problems.ts'
import { comingProblems, followedProblems } from './followed.ts'
import { groupsOf } from './groups.ts'
import { joined, type Placed } from './joining.ts'
import { beginOf, begunLate, type Copied, copiedBy, copiedFor, lateProblems, withoutCopied } from './late.ts'
import { leftKeyProblems } from './left-keys.ts'
import { hidingHazards, hidingProblems, holdProblems, withHoldHazards } from './long-holds.ts'
import { keyProblems, meetingProblems, sharingProblems } from './meetings.ts'
import { movedLinkProblems } from './moved-links.ts'
import { numbered } from './numbered.ts'
import { type Drafts, oneWayProblems, withoutVainUndo } from './one-way.ts'
import { inOrder, inReverse, undoFirst } from './order.ts'
import { overPartitions } from './over-partitions.ts'
import { ownProblems } from './own-problems.ts'
import { type Own, ownOf, underNewName } from './own-work.ts'
import { placesOf } from './place.ts'
import type { Plan } from './plan.ts'
import { policyProblems } from './policies.ts'
import { readColumnProblems } from './read-columns.ts'
import { removedValueProblems } from './removed-values.ts'
import { renamedValueProblems } from './renamed-values.ts'
import { mayLackRights, rightProblems } from './rights.ts'
import type { Duty } from './row-trigger.ts'
import { standInProblems } from './stand-ins.ts'
import { PHASES, type Step, type StepDraft } from './step.ts'
import { theTable } from './table-checks.ts'
import { toldLate } from './told-late.ts'
import { typedTableProblems } from './typed-tables.ts'

/**
 * Plans a migration on a schema. Pure: the same input gives the same plan, to the byte.
 * @throws BellowsError with every problem of every operation, before anything runs
 */
export function makePlan(written: Migration, schema: Schema, facts: Facts): Plan {
  const migration = arranged(written)
  refuseIfAny(migrationProblems(migration))
  const planned = withoutVainUndo(together(migration, schema, facts))
  refuseIfAny(oneWayProblems(planned))
  const told = (steps: readonly Placed[]) => withHoldHazards(migration, steps, facts.serverVersion)
  const forward = told(joined(inOrder(migration, planned), 'first'))
  const steps = PHASES.flatMap((phase) =>
    numbered(
      `${migration.name}/${phase}`,
      forward.filter(({ draft }) => draft.phase === phase),
    ),
  )
  const back = told(joined(inReverse(planned), 'last'))
  refuseIfAny(holdProblems(migration, [...forward, ...back], facts.serverVersion))
  const leaving = planned.map((): string[] => [])
  for (const { step, of } of steps)
    if (leavesSomething(step)) for (const one of of) leaving[one]?.push(step.id)
  const rollback = numbered(`${migration.name}/rollback`, undoFirst(back)).map(({ step, of }) => ({
    ...step,
    undoes: [...new Set(of.flatMap((one) => leaving[one] ?? []))],
  }))
  return hashed({
    format: 1,
    migration: written,
    serverVersion: facts.serverVersion,
    steps: steps.map(({ step }) => step),
    rollback,
  })
}

/** The plan of a migration that is done: there is no step, and no way back. */
export function nothingLeft({ format, migration, serverVersion }: Plan): Plan {
  return hashed({ format, migration, serverVersion, steps: [], rollback: [] })
}

function hashed(content: Omit<Plan, 'hash'>): Plan {
  return { ...content, hash: hashOf(content) }
}

/** The schema after the whole migration. */
export function applied(migration: Migration, schema: Schema, facts: Facts): Schema {
  return arranged(migration).operations.reduce((before, op) => after(op, before, facts).schema, schema)
}

function after(
  op: Operation,
  before: Schema,
  facts: Facts,
): { readonly schema: Schema; readonly changed: Changed } {
  const result = specOf(op).apply(op, before, facts)
  const changed = changedTables(before, result)
  return { schema: withReliance(withReferences(result, changed), changed), changed }
}

/** Operations that are done together are planned once more: each with the trigger that it has in common with the others. */
function together(migration: Migration, schema: Schema, facts: Facts): readonly Drafts[] {
  const alone = draftsOfAll(migration, schema, facts, () => undefined)
  const groups = groupsOf(alone)
  const duties = new Map<number, Duty[]>()
  for (const [at, { forward }] of alone.entries()) {
    const mine = forward.flatMap(({ shares }) => (shares?.at === 'install' ? shares.duty : []))
    const group = groups[at] ?? at
    duties.set(group, [...(duties.get(group) ?? []), ...mine])
  }
  refuseIfAny([...missingRights(migration, alone, { schema, facts }), ...hidingProblems(migration, alone)])
  const isShared = [...duties.values()].some(({ length }) => length > 1)
  const planned = isShared
    ? draftsOfAll(migration, schema, facts, (at) => duties.get(groups[at] ?? at))
    : alone
  return planned.map(({ forward, back, ...drafts }, at) => {
    const ofGroup = (draft: StepDraft): StepDraft =>
      draft.shares === undefined ? draft : { ...draft, shares: { ...draft.shares, group: groups[at] ?? at } }
    return { ...drafts, forward: forward.map(ofGroup), back: back.map(ofGroup) }
  })
}

function missingRights(
  { operations }: Migration,
  planned: readonly Drafts[],
  known: Pick<Context, 'schema' | 'facts'>,
): readonly BellowsError[] {
  if (!mayLackRights(known)) return []
  return planned.flatMap(({ forward, back }, at) => {
    const op = operations[at]
    const namespace = op !== undefined && 'namespace' in op ? op.namespace : 'public'
    return rightProblems([...forward, ...back], namespace, known)
  })
}

/** Each operation sees the schema that the operations before it leave. Of that no more is kept than the steps that come of it. */
function draftsOfAll(
  migration: Migration,
  start: Schema,
  facts: Facts,
  shared: (at: number) => readonly Duty[] | undefined,
): readonly Drafts[] {
  const problems: BellowsError[] = [
    ...sharingProblems(migration, start),
    ...keyProblems(migration, start),
    ...dropOrderProblems(migration, facts),
    ...computedProblems(migration, start),
    ...followedProblems(migration, start),
    ...movedLinkProblems(migration, facts),
    ...leftKeyProblems(migration, start),
    ...typedTableProblems(migration, start),
    ...policyProblems(migration, facts),
    ...removedValueProblems(migration, facts),
    ...renamedValueProblems(migration, start, facts),
  ]
  const placeOf = placesOf(migration)
  let schema = start
  let copied: readonly Copied[] = []
  let own: readonly Own[] = []
  const before: Drafts[] = []
  const planned = migration.operations.map((op, at): Drafts => {
    const others = shared(at)
    const on = copiedFor(op, copied)
    const begin = on.length === 0 ? undefined : beginOf(op, on)
    const context: Context = {
      schema,
      given: withoutCopied(start, on),
      facts,
      ...placeOf(at),
      ...(others === undefined ? {} : { shared: others }),
      ...(op.kind === 'rename_table' ? { worked: phasesOn(theTable(op), before) } : {}),
    }
    const said = [
      ...lateProblems(op, on, context),
      ...besideProblems(op, copied, before),
      ...specOf(op).check(op, context),
    ]
    const earlier = () => migration.operations.slice(0, at)
    const found = [...ownProblems(op, own, context), ...toldLate(said, op, earlier)]
    copied = [...copied, ...copiedBy(op, context)]
    if (found.length === 0) {
      const done = after(op, schema, facts)
      schema = done.schema
      const made = ownOf(op, context, done.changed, begin)
      found.push(...earlyProblems(op, made, own, schema))
      own = [...underNewName(own, op), ...made]
    }
    problems.push(...found)
    if (problems.length > 0) return { touches: [], forward: [], back: [] }
    const drafts = begin === undefined ? draftsOf(op, context) : begunLate(draftsOf(op, context), begin)
    before.push(drafts)
    return drafts
  })
  refuseIfAny([...problems, ...comingProblems(migration, start, schema)])
  refuseIfAny([...readColumnProblems(migration, start, facts), ...standInProblems(migration)])
  return mindingBothNames(migration.operations, planned)
}

function leavesSomething({ kind }: Step): boolean {
  return kind !== 'inspect' && kind !== 'gate'
}

function draftsOf(op: Operation, context: Context): Drafts {
  const spec = specOf(op)
  const whole = (given: StepDraft): StepDraft => {
    const draft = overPartitions(given, context.schema)
    const more = hidingHazards(draft, op)
    return more.length === 0 ? draft : { ...draft, hazards: [...draft.hazards, ...more] }
  }
  return {
    touches: spec.needs(op).touches,
    forward: [...spec.expand(op, context), ...spec.backfill(op, context), ...spec.contract(op, context)].map(
      whole,
    ),
    back: spec.rollback(op, context).map(whole),
  }
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
