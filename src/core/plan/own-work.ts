import { sourcesOf } from '../operations/add/sources.ts'
import { isFilled } from '../operations/add/values.ts'
import { isReliedOn } from '../operations/drop-constraint/relied-on.ts'
import type { Operation } from '../operations/migration.ts'
import type { Context } from '../operations/operation.ts'
import { isAwaited } from '../operations/rules/index-time.ts'
import { phaseOf } from '../operations/rules/put-up.ts'
import { timeOf } from '../operations/rules/rule.ts'
import { type Constraint, isSameName, type QualifiedName, type Table } from '../schema/model.ts'
import type { Changed } from '../schema/references.ts'
import { isSound, readIndexOf } from './index-checks.ts'
import { findIndex } from './index-leaving.ts'
import { PHASES, type Phase } from './step.ts'
import { theTable } from './table-checks.ts'

/**
 * What a migration makes, or takes away, itself. The model of an operation has all that those in front of it do, and says nothing of
 * when: what comes up in the contract is not there yet for one that works in expand.
 */
export interface Own {
  readonly table: QualifiedName
  /** `filled`: a column, row by row. `source`: a column by whose NOT NULL another one is so, that is filled from it. */
  readonly what:
    | 'table'
    | 'constraint'
    | 'index'
    | 'not_null'
    | 'default'
    | 'filled'
    | 'source'
    | 'gone constraint'
  /** Of the constraint, the index or the column. */
  readonly name?: string
  /** From this phase on it is so. */
  readonly since: Phase
  /** From when on a constraint stands that has its name only later: the twin that a copy makes. */
  readonly stands?: Phase
}

export type Before = Pick<Context, 'schema' | 'facts'>

/** What an operation makes of which it matters when. */
export function ownOf(
  op: Operation,
  context: Context,
  [were, are]: Changed,
  begin: Phase = 'expand',
): readonly Own[] {
  if (op.kind === 'rename_table') return []
  return are.flatMap((is) => {
    const was = were.find((one) => isSameName(one, is))
    return changesOf(op, was, is, context).map((one) => ({
      ...one,
      table: { namespace: is.namespace, name: is.name },
      since: isBefore(one.since, begin) ? begin : one.since,
    }))
  })
}

function changesOf(
  op: Operation,
  was: Table | undefined,
  is: Table,
  context: Context,
): readonly Omit<Own, 'table'>[] {
  const { facts } = context
  const kept = new Set(was?.columns.flatMap(({ nullable, name }) => (nullable ? [] : [name])))
  const filled = is.columns.filter(({ nullable, name }) => !nullable && !kept.has(name))
  // Under its new name it is what it was.
  const rules = op.kind === 'rename_constraint' ? [] : rulesBeside(was, is)
  return [
    ...(op.kind === 'create_table' && was === undefined ? [{ what: 'table', since: 'expand' } as const] : []),
    ...rules.map(
      ({ name }) =>
        ({
          what: 'constraint',
          name,
          since: rulesSince(op),
          ...(op.kind === 'rename_column' ? { stands: 'verify' as const } : {}),
        }) as const,
    ),
    ...indexesOf(op, was, is, context),
    ...filled.map(({ name }) => ({ what: 'not_null', name, since: filledSince(op, facts) }) as const),
    ...fillings(op, facts),
    ...rulesBeside(is, was).map((one) => ({
      what: 'gone constraint' as const,
      name: one.name,
      since: goneSince(op, one),
    })),
  ]
}

/** What carries a constraint is there with that. One that is replaced has its name all the time, and is another one from then on. */
function indexesOf(
  op: Operation,
  was: Table | undefined,
  is: Table,
  context: Context,
): readonly Omit<Own, 'table'>[] {
  if (op.kind !== 'create_index' && op.kind !== 'replace_index') return []
  const known = new Set(was?.indexes.map(({ definition }) => definition))
  return is.indexes
    .filter(({ definition }) => !known.has(definition))
    .map(({ name }) => ({ what: 'index', name, since: indexSince(op, context) }))
}

/** A default that nothing stands in front of is there with its column, also where it is volatile. */
function fillings(op: Operation, facts: Context['facts']): readonly Omit<Own, 'table'>[] {
  if (op.kind !== 'add_column' || !isFilled(op, facts)) return []
  const isDefaulted = op.up !== undefined && op.default !== undefined
  return [
    { what: 'filled', name: op.column, since: 'backfill' },
    ...(isDefaulted ? [{ what: 'default', name: op.column, since: 'purge' } as const] : []),
    ...sourcesOf(op).map((name) => ({ what: 'source', name, since: 'expand' }) as const),
  ]
}

/** Constraints of the second that the first does not have. A NOT NULL is told by its column. */
function rulesBeside(one: Table | undefined, other: Table | undefined): readonly Constraint[] {
  const known = new Set(one?.constraints.map(({ name }) => name))
  return (other?.constraints ?? []).filter(({ kind, name }) => kind !== 'not_null' && !known.has(name))
}

/** When rules come up that an operation states; those of a copy have their names in the purge. */
function rulesSince(op: Operation): Phase {
  return op.kind === 'create_table' ? 'expand' : (ruledSince(op) ?? 'purge')
}

/** A copy is proved to be filled as what is added is. */
function filledSince(op: Operation, facts: Context['facts']): Phase {
  if (op.kind === 'create_table') return 'expand'
  if (op.kind === 'add_column') return isFilled(op, facts) ? 'verify' : 'expand'
  return ruledSince(op) ?? 'verify'
}

function indexSince(
  op: Extract<Operation, { kind: 'create_index' | 'replace_index' }>,
  { schema, facts, given }: Context,
): Phase {
  const index = readIndexOf(op.definition, schema, facts)
  if (!isSound(index)) return 'expand'
  const name = index.text.name ?? ''
  const old = op.kind === 'replace_index' ? findIndex(index.table, name) : undefined
  return isAwaited({ index, name, old, when: op.when, given }) ? 'retire' : 'expand'
}

function ruledSince(op: Operation): Phase | undefined {
  if (op.kind !== 'add_constraint' && op.kind !== 'alter_column' && op.kind !== 'add_column') return undefined
  return phaseOf({ time: timeOf(op) })
}

/** Until when a constraint that goes has its name. */
function goneSince(op: Operation, constraint: Constraint): Phase {
  if (op.kind === 'rename_constraint') return 'retire'
  return op.kind === 'drop_constraint' && !isReliedOn(constraint) ? 'expand' : 'purge'
}

/** What gets another name is what it was. */
export function underNewName(own: readonly Own[], op: Operation): readonly Own[] {
  if (op.kind === 'rename_table') {
    const to = { namespace: op.namespace, name: op.to }
    return own.map((one) => (isSameName(one.table, theTable(op)) ? { ...one, table: to } : one))
  }
  if (op.kind !== 'rename_constraint') return own
  const isRenamed = ({ table, what, name }: Own) =>
    what === 'constraint' && name === op.from && isSameName(table, theTable(op))
  return own.map((one) => (isRenamed(one) ? { ...one, name: op.to } : one))
}

/** The last that was done, which holds. */
export function findOwn(
  own: readonly Own[],
  table: QualifiedName,
  what: Own['what'],
  name?: string,
): Own | undefined {
  return own.findLast((one) => one.what === what && one.name === name && isSameName(one.table, table))
}

export function isBefore(a: Phase, b: Phase): boolean {
  return PHASES.indexOf(a) < PHASES.indexOf(b)
}
