import { BellowsError } from '../errors.ts'
import { notTold } from '../plan/identity.ts'
import { aloneLock } from '../plan/locks.ts'
import { all } from '../plan/probes.ts'
import type { Lock, Requirement, StepDraft, TransactionStep } from '../plan/step.ts'
import { tableProblems, theTable } from '../plan/table-checks.ts'
import type { Facts } from '../schema/facts.ts'
import { findTable, type Table, withTable } from '../schema/model.ts'
import { id, join, lit, qualified, type Sql, sql, trusted } from '../sql.ts'
import type { Context, OperationSpec } from './operation.ts'
import { changedTable, isBare, isPublished, settingProblems, wholeRowsHazard } from './set-table/changed.ts'
import { knownOptions, optionSql } from './set-table/option.ts'
import { nameOfOption, STORAGE_PARAMETERS } from './set-table/parameters.ts'
import { settingsHold } from './set-table/probe.ts'
import { parametersOf, type SetTable, type Settings } from './set-table/set-table.ts'

export const setTable: OperationSpec<SetTable> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [] }],
    options: knownOptions(op.set),
    touches: [{ table: theTable(op), how: 'uses' }],
  }),

  check: (op, context): readonly BellowsError[] => {
    const table = findTable(context.schema, theTable(op))
    const problems = tableProblems(op, table, ['table', 'partitioned', 'partition'])
    if (table === undefined || problems.length > 0) return problems
    return [...settingProblems(op, table), ...valueProblems(op, context.facts)]
  },

  apply: (op, schema) => {
    const table = findTable(schema, theTable(op))
    return table === undefined ? schema : withTable(schema, changedTable(op, table))
  },

  expand: (op, context) => [
    {
      ...setStep(op, context, 'forward'),
      does: `set ${spoken(op)} of "${op.table}"`,
      hazards: hazardsOf(op, context),
    },
  ],

  backfill: () => [],

  contract: () => [],

  rollback: (op, context) => [
    { ...setStep(op, context, 'back'), does: `set ${spoken(op)} of "${op.table}" as before` },
  ],
}

function setStep(op: SetTable, { schema }: Context, way: 'forward' | 'back'): Omit<TransactionStep, 'id'> {
  const before = findTable(schema, theTable(op)) as Table
  const after = changedTable(op, before)
  const [has, wants] = way === 'forward' ? [before, after] : [after, before]
  return {
    kind: 'ddl',
    phase: 'expand',
    does: '',
    hazards: [],
    probe: all(settingsHold(op, wants)),
    locks: [lockOf(op, before)],
    requires: staysTold(op, wants, before),
    statements: statements(op, has, wants),
    cost: 'instant',
  }
}

/** A publication may have come since the plan was made, and a primary key come or gone. */
function staysTold(op: SetTable, { replicaIdentity }: Settings, table: Table): readonly Requirement[] {
  if (op.replicaIdentity === undefined || replicaIdentity === 'full' || replicaIdentity === 'index') return []
  // What was so before comes back as it was.
  if (isPublished(table) && isBare(replicaIdentity, table)) return []
  return [notTold(theTable(op), replicaIdentity)]
}

/** One lock for all of it; the weaker one, which stops neither readers nor writers, where that is enough. */
function lockOf(op: SetTable, table: Table): Lock {
  const names = parametersOf(op)
  const isStrong =
    op.replicaIdentity !== undefined ||
    names.some((name) => STORAGE_PARAMETERS.get(name) === 'access_exclusive')
  return aloneLock(table, isStrong ? 'access_exclusive' : 'share_update_exclusive')
}

function statements(op: SetTable, has: Settings, wants: Settings): readonly Sql[] {
  const table = qualified(theTable(op))
  const gone = has.options.map(nameOfOption).filter((name) => !wants.options.map(nameOfOption).includes(name))
  const changed = wants.options.filter((option) => !has.options.includes(option))
  const actions = [
    ...(changed.length === 0 ? [] : [sql`set (${join(changed.map(asSql))})`]),
    ...(gone.length === 0 ? [] : [sql`reset (${join(gone.map(trusted))})`]),
    ...(op.replicaIdentity === undefined ? [] : [sql`replica identity ${identitySql(wants)}`]),
  ]
  return [
    ...(actions.length === 0 ? [] : [sql`alter table ${table} ${join(actions)}`]),
    ...(op.comment === undefined ? [] : [sql`comment on table ${table} is ${lit(wants.comment)}`]),
  ]
}

function asSql(option: string): Sql {
  const name = nameOfOption(option)
  return optionSql(name, option.slice(name.length + 1))
}

/** What the server does not take, such as a value that is out of its bounds, or a parameter that a later version has. */
function valueProblems(op: SetTable, { options }: Facts): readonly BellowsError[] {
  return knownOptions(op.set).flatMap((option) => {
    const problem = options[option]
    return problem === undefined
      ? []
      : [
          new BellowsError(
            'migration_invalid',
            `The server does not take ${option} for "${op.table}": ${problem}`,
            {
              hint: 'Say a value that this version of PostgreSQL takes.',
            },
          ),
        ]
  })
}

function identitySql({ replicaIdentity, indexes }: Settings): Sql {
  const index = indexes.find((one) => one.replicaIdentity)
  return replicaIdentity === 'index' && index !== undefined
    ? sql`using index ${id(index.name)}`
    : trusted(replicaIdentity)
}

function spoken(op: SetTable): string {
  const names = parametersOf(op)
  return [
    ...names,
    ...(op.replicaIdentity === undefined ? [] : ['the replica identity']),
    ...(op.comment === undefined ? [] : ['the comment']),
  ].join(', ')
}

function hazardsOf(op: SetTable, { schema }: Context): StepDraft['hazards'] {
  const table = findTable(schema, theTable(op))
  if (op.replicaIdentity === undefined || table === undefined) return []
  if (table.kind === 'partitioned')
    return [
      {
        code: 'stays',
        because: `Each partition of "${op.table}" keeps its own replica identity, by which its rows are told; this one is for publications with publish_via_partition_root. Set that of each partition, too.`,
      },
    ]
  if (op.replicaIdentity !== 'full' || !isPublished(table)) return []
  return [wholeRowsHazard(op.table)]
}
