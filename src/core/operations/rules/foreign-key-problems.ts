import { BellowsError } from '../../errors.ts'
import { parsed, visit } from '../../parse.ts'
import { columnMissing, refused, tableProblems } from '../../plan/table-checks.ts'
import type { Index } from '../../schema/indexes.ts'
import { type Column, findColumn, findTable, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import type { Context } from '../operation.ts'
import type { ForeignKeyRule } from './rule.ts'

/** What is wrong with where a foreign key points to. */
export function foreignKeyProblems(
  rule: ForeignKeyRule,
  table: Table,
  { schema, facts }: Context,
): readonly BellowsError[] {
  const other = findTable(schema, rule.other)
  const at = { namespace: rule.other.namespace, table: rule.other.name }
  // The other table need not be ours, but it must be a table with all its rows in it.
  const problems = tableProblems(
    at,
    other === undefined
      ? undefined
      : {
          ...other,
          owned: true,
          inherits: false,
          typed: false,
          parts: other.parts.map((part) => ({ ...part, owned: true })),
        },
    ['table', 'partitioned'],
  )
  if (other === undefined || problems.length > 0) return problems
  const missing = rule.otherColumns.flatMap((name) => columnMissing({ table: other.name }, other, name))
  if (missing.length > 0) return missing
  if (rule.columns.length !== rule.otherColumns.length)
    return [
      new BellowsError(
        'migration_invalid',
        `The foreign key has ${rule.columns.length} columns and refers to ${rule.otherColumns.length}.`,
        { hint: 'Name as many columns of the other table, in the same order.' },
      ),
    ]
  return [
    ...rightProblems(rule, other),
    ...keyedProblems(rule, other),
    ...typeProblems(rule, table, other, facts.casts),
    ...actionProblems(rule, table),
    ...virtualProblems(rule, table),
  ]
}

function rightProblems({ otherColumns }: ForeignKeyRule, other: Table): readonly BellowsError[] {
  const closed = otherColumns.filter((name) => other.closed.includes(name))
  if (closed.length === 0) return []
  const name = `${shown(other.namespace)}.${shown(other.name)}`
  return [
    refused(
      `The connected role may not refer to ${closed.map((one) => `"${one}"`).join(', ')} of ${name}, or not read it.`,
      `Let it: grant references, select on ${name} to <role>. Where row security hides rows of that table, connect as a role that it hides none from.`,
    ),
  ]
}

function keyedProblems({ otherColumns }: ForeignKeyRule, other: Table): readonly BellowsError[] {
  if (other.indexes.some((index) => isKey(index, otherColumns, other))) return []
  const columns = otherColumns.map((name) => `"${name}"`).join(', ')
  return [
    refused(
      `No unique constraint of "${other.name}" is on exactly ${columns}, so no row there is the one that is meant.`,
      'Add one first, with add_constraint, or refer to the primary key.',
    ),
  ]
}

/** Can a foreign key stand on the index: unique over these columns, at any time and for all rows? */
export function isKey(index: Index, columns: readonly string[], table: Table): boolean {
  if (!index.unique || !index.valid) return false
  const constraint = table.constraints.find(({ name }) => name === index.constraint)
  if (constraint !== undefined) return !constraint.deferrable && isSameSet(constraint.columns, columns)
  return isSameSet(plainKey(index.definition), columns)
}

/** The columns of an index without expressions and without a condition; none for another one. */
function plainKey(definition: string): readonly string[] {
  const columns: string[] = []
  let isPlain = true
  visit(parsed(definition), (kind, node) => {
    if (kind !== 'IndexStmt') return
    isPlain &&= node.whereClause === undefined
    for (const one of node.indexParams as { IndexElem: { name?: string } }[]) {
      if (one.IndexElem.name === undefined) isPlain = false
      else columns.push(one.IndexElem.name)
    }
  })
  return isPlain ? columns : []
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one))
}

/** Types of one family are compared as they are; beyond it PostgreSQL converts the referring side, or refuses. */
const FAMILIES: readonly ReadonlySet<string>[] = [
  new Set(['smallint', 'integer', 'bigint']),
  new Set(['date', 'timestamp without time zone', 'timestamp with time zone']),
  new Set(['real', 'double precision']),
  new Set(['text', 'character varying', 'name']),
]

function typeProblems(
  rule: ForeignKeyRule,
  table: Table,
  other: Table,
  casts: Context['facts']['casts'],
): readonly BellowsError[] {
  return rule.columns.flatMap((name, at) => {
    const [from, to] = [findColumn(table, name), findColumn(other, rule.otherColumns[at] ?? '')]
    if (from === undefined || to === undefined || areComparable(from, to, casts)) return []
    return [
      refused(
        `"${table.name}"."${name}" is of type ${from.type} and "${other.name}"."${to.name}" of type ${to.type}: a foreign key cannot compare them.`,
        'Give both columns one type first.',
      ),
    ]
  })
}

/** Can the referring column be compared with the key? PostgreSQL converts the one to the type of the other, never back. */
export function areComparable(from: Column, to: Column, casts: Context['facts']['casts']): boolean {
  const [a, b] = [from.baseType, to.baseType]
  if (a === b || from.typeKind === 'domain' || to.typeKind === 'domain') return true
  if (FAMILIES.some((family) => family.has(a) && family.has(b))) return true
  return casts[`${a} -> ${b}`] === 'implicit'
}

/** Actions that could only fail the statement that they are meant to follow. */
export function actionProblems(
  rule: Pick<ForeignKeyRule, 'columns' | 'onDelete' | 'onUpdate'>,
  table: Table,
): readonly BellowsError[] {
  if (rule.onDelete !== 'set_null' && rule.onUpdate !== 'set_null') return []
  return rule.columns
    .filter((name) => findColumn(table, name)?.nullable === false)
    .map((name) =>
      refused(
        `The action set_null would fail every time: "${table.name}"."${name}" is NOT NULL.`,
        'Choose another action, or let the column be NULL first.',
      ),
    )
}

function virtualProblems({ columns }: ForeignKeyRule, table: Table): readonly BellowsError[] {
  return columns
    .filter((name) => findColumn(table, name)?.generated === 'virtual')
    .map((name) =>
      refused(`"${table.name}"."${name}" is a virtual generated column, which cannot be a foreign key.`),
    )
}
