import { defaultName } from '../../plan/names.ts'
import type { Facts } from '../../schema/facts.ts'
import type { Index } from '../../schema/indexes.ts'
import { type Constraint, findColumn, type Table } from '../../schema/model.ts'
import { id, qualified, sql } from '../../sql.ts'
import { readExclusion } from './read.ts'
import type { Rule } from './rule.ts'
import { columnsOf, deferrableSql, definitionSql, ids, keyIndexSql } from './words.ts'

/** NOT NULL became a constraint with a name in PostgreSQL 18. */
const NAMED_NOT_NULL_SINCE = 180_000

/** The table with a rule on it, proved. */
export function withRule(table: Table, rule: Rule, name: string, facts: Facts): Table {
  const isKey = rule.kind === 'primary_key'
  const filled = isKey
    ? rule.columns.reduce((before, column) => withNotNull(before, column, facts), table)
    : table
  const index = indexFor(table, rule, name)
  return {
    ...filled,
    constraints: [...filled.constraints, constraintFor(table, rule, name)],
    indexes: [...filled.indexes, ...index],
  }
}

export function withNotNull(table: Table, name: string, { serverVersion }: Facts): Table {
  const column = findColumn(table, name)
  if (column === undefined || !column.nullable) return table
  return {
    ...table,
    columns: table.columns.map((one) => (one === column ? { ...one, nullable: false } : one)),
    constraints: [...table.constraints, ...notNullConstraint(table.name, name, serverVersion)],
  }
}

/** Since PostgreSQL 18 a NOT NULL is a constraint with a name. */
export function notNullConstraint(
  table: string,
  column: string,
  serverVersion: number,
): readonly Constraint[] {
  if (serverVersion < NAMED_NOT_NULL_SINCE) return []
  return [
    {
      ...PLAIN_CONSTRAINT,
      name: defaultName(table, [column], 'not_null'),
      kind: 'not_null',
      columns: [column],
      definition: `NOT NULL ${id(column)}`,
    },
  ]
}

/** What a constraint has unless it is said otherwise. */
export const PLAIN_CONSTRAINT = {
  validated: true,
  deferrable: false,
  comment: null,
  index: null,
  references: null,
  setsDefault: false,
  dependents: [],
} as const

/** The same of the index that carries a key. */
export const PLAIN_KEY_INDEX = {
  unique: true,
  valid: true,
  comment: null,
  tablespace: null,
  replicaIdentity: false,
  clustered: false,
  foreignKeys: [],
} as const

function constraintFor(table: Table, rule: Rule, name: string): Constraint {
  const columns = columnsOf(rule).filter((column) => findColumn(table, column) !== undefined)
  const plain = { ...PLAIN_CONSTRAINT, name, kind: rule.kind, columns }
  switch (rule.kind) {
    case 'check':
      return { ...plain, definition: `CHECK (${rule.expression})` }
    case 'foreign_key':
      return {
        ...plain,
        definition: definitionSql(rule),
        deferrable: rule.deferrable !== undefined,
        references: rule.other,
        setsDefault: rule.onDelete === 'set_default' || rule.onUpdate === 'set_default',
      }
    case 'exclusion':
      return {
        ...plain,
        definition: definitionSql(rule),
        deferrable: rule.deferrable !== undefined,
        index: name,
      }
    default: {
      const words = rule.kind === 'unique' ? 'UNIQUE' : 'PRIMARY KEY'
      const nulls = rule.nullsNotDistinct ? ' NULLS NOT DISTINCT' : ''
      const include = rule.include.length === 0 ? '' : ` INCLUDE (${ids(rule.include)})`
      return {
        ...plain,
        definition: `${words}${nulls} (${ids(rule.columns)})${include}${deferrableSql(rule.deferrable)}`,
        deferrable: rule.deferrable !== undefined,
        index: name,
      }
    }
  }
}

function indexFor(table: Table, rule: Rule, name: string): readonly Index[] {
  const plain = { ...PLAIN_KEY_INDEX, name, constraint: name }
  switch (rule.kind) {
    case 'unique':
    case 'primary_key': {
      const columns = [...rule.columns, ...rule.include]
      const definition = sql`create unique index ${id(name)} on ${qualified(table)} ${keyIndexSql(rule)}`
      return [{ ...plain, columns, nameParts: columns, definition }]
    }
    case 'exclusion': {
      const read = readExclusion(rule.elements)
      if ('problem' in read) return []
      const definition = `CREATE INDEX ${id(name)} ON ${qualified(table)} ${read.text}`
      return [{ ...plain, unique: false, columns: read.uses, nameParts: read.nameParts, definition }]
    }
    default:
      return []
  }
}
