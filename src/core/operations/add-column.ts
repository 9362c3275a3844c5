import { assert, BellowsError } from '../errors.ts'
import { columnNameProblem } from '../identifier.ts'
import { readExpression, readType } from '../parse.ts'
import { columnAbsent, columnExists } from '../plan/probes.ts'
import { columnSlotProblems, tableProblems, theTable } from '../plan/table-checks.ts'
import { expressionKey, type Facts, type TypeFacts } from '../schema/facts.ts'
import { type Column, findColumn, findTable, type Table, withTable } from '../schema/model.ts'
import { id, qualified, type Sql, sql, trusted } from '../sql.ts'
import type { Context, OperationSpec } from './operation.ts'
import { withNotNull } from './rules/schema.ts'

/** Adds a column that old writers need not know: nullable, or NOT NULL with a default. */
export interface AddColumn {
  readonly kind: 'add_column'
  readonly namespace: string
  readonly table: string
  readonly column: string
  /** As in SQL, such as `varchar(20)`. */
  readonly type: string
  readonly nullable: boolean
  /** An SQL expression that is not volatile; PostgreSQL evaluates it once for all rows that are there. */
  readonly default?: string
}

export const addColumn: OperationSpec<AddColumn> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [] }],
    types: [op.type],
    expressions: op.default === undefined ? [] : [{ expression: op.default, type: op.type }],
    touches: [{ table: theTable(op), column: op.column, how: 'adds' }],
    adds: [{ table: theTable(op), column: op.column, type: op.type }],
  }),

  check: (op, context) => {
    const table = findTable(context.schema, theTable(op))
    const problems = tableProblems(op, table)
    if (table === undefined || problems.length > 0) return problems
    return [
      ...nameProblems(op, table),
      ...columnSlotProblems(table),
      ...typeProblems(op, context),
      ...defaultProblems(op, context),
    ]
  },

  apply: (op, schema, facts) => {
    const table = findTable(schema, theTable(op))
    if (table === undefined) return schema
    const added = {
      ...table,
      columns: [...table.columns, addedColumn(op, facts)],
      columnSlots: table.columnSlots + 1,
    }
    return withTable(schema, op.nullable ? added : withNotNull(added, op.column, facts))
  },

  expand: (op) => [
    {
      kind: 'ddl',
      phase: 'expand',
      does: `add the column "${op.column}" to "${op.table}"`,
      hazards: [],
      probe: columnExists(theTable(op), op.column),
      changes: { kind: 'added', column: op.column },
      locks: [{ relation: theTable(op), level: 'access_exclusive' }],
      requires: [],
      statements: [addColumnSql(op)],
      cost: 'instant',
    },
  ],

  backfill: () => [],

  contract: () => [],

  rollback: (op) => [
    {
      kind: 'ddl',
      phase: 'expand',
      does: `drop the column "${op.column}" of "${op.table}" again`,
      hazards: [
        { code: 'drops_values', because: `The values written to "${op.column}" so far are dropped with it.` },
      ],
      probe: columnAbsent(theTable(op), op.column),
      locks: [{ relation: theTable(op), level: 'access_exclusive' }],
      requires: [],
      statements: [sql`alter table ${qualified(theTable(op))} drop column ${id(op.column)} restrict`],
      cost: 'instant',
      retires: { table: theTable(op), column: op.column },
    },
  ],
}

function addColumnSql(op: AddColumn): Sql {
  const notNull = op.nullable ? sql`` : sql` not null`
  const byDefault = op.default === undefined ? sql`` : sql` default (${trusted(op.default)})`
  return sql`alter table ${qualified(theTable(op))} add column ${id(op.column)} ${trusted(op.type)}${notNull}${byDefault}`
}

function addedColumn(op: AddColumn, facts: Facts): Column {
  const type = facts.types[op.type]
  assert(type !== undefined, 'apply comes after check')
  const known = op.default === undefined ? undefined : facts.expressions[expressionKey(op.default, op.type)]
  const { volatility = null, text = null } = known === undefined || 'problem' in known ? {} : known
  return {
    ...type,
    name: op.column,
    storage: type.typeStorage,
    collation: null,
    nullable: true,
    default: op.default ?? null,
    defaultText: text,
    defaultVolatility: volatility,
    generated: 'no',
    identity: 'no',
    comment: null,
    statisticsTarget: -1,
    options: [],
    compression: null,
    grants: [],
    sequences: [],
  }
}

function nameProblems(op: AddColumn, table: Table): readonly BellowsError[] {
  const problem = columnNameProblem(op.column)
  if (problem !== undefined)
    return [new BellowsError('name_invalid', `The column name "${op.column}" ${problem}.`)]
  if (findColumn(table, op.column) === undefined) return []
  return [
    new BellowsError('column_exists', `The table "${op.table}" already has a column "${op.column}".`, {
      hint: 'Choose another name, or drop the operation if that column is the one you mean.',
    }),
  ]
}

function typeProblems(op: AddColumn, { facts }: Context): readonly BellowsError[] {
  const problem = typeProblem(readType(op.type), facts.types[op.type])
  if (problem === undefined) return []
  return [
    new BellowsError(
      'migration_invalid',
      `The type "${op.type}" of the column "${op.column}" cannot be used: ${problem}.`,
      {
        hint: 'Write one type as in CREATE TABLE, such as text, varchar(20) or my_schema.my_type.',
      },
    ),
  ]
}

function typeProblem(read: ReturnType<typeof readType>, type: TypeFacts | undefined): string | undefined {
  if (typeof read !== 'string') return read.problem
  if (type === undefined) return 'there is no such type'
  return type.typeConstrained
    ? 'it is a domain with constraints, and adding it rewrites the whole table'
    : undefined
}

function withoutDefault(op: AddColumn): BellowsError {
  return new BellowsError(
    'plan_refused',
    `The column "${op.column}" is NOT NULL and has no default: an old writer would fail.`,
    {
      hint: 'Give it a default, or add it as nullable.',
    },
  )
}

function defaultProblems(op: AddColumn, { facts }: Context): readonly BellowsError[] {
  if (op.default === undefined) {
    if (op.nullable) return []
    return [withoutDefault(op)]
  }
  const read = readExpression(op.default)
  const known = facts.expressions[expressionKey(op.default, op.type)]
  if (!op.nullable && /^\s*null\b/i.test(op.default)) return [withoutDefault(op)]
  const problem =
    typeof read !== 'string'
      ? read.problem
      : known !== undefined && 'problem' in known
        ? known.problem
        : undefined
  if (problem !== undefined) {
    return [
      new BellowsError(
        'migration_invalid',
        `The default ${op.default} of "${op.column}" cannot be used: ${problem}.`,
      ),
    ]
  }
  if (known === undefined || !('volatility' in known) || known.volatility !== 'volatile') return []
  return [
    new BellowsError(
      'plan_refused',
      `The default ${op.default} of "${op.column}" is volatile: adding it rewrites the whole table under a lock.`,
      {
        hint: 'Add the column without the default, set the default for new rows, and fill the old ones in batches.',
      },
    ),
  ]
}
