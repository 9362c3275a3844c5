import type { BellowsError } from '../../errors.ts'
import { type DatabaseObject, shownObject } from '../../objects/database-object.ts'
import type { Tree } from '../../parse.ts'
import { refused } from '../../plan/table-checks.ts'
import { findTable, type Schema } from '../../schema/model.ts'
import { lit, regclass, type Sql, sql } from '../../sql.ts'

const WHY =
  'PostgreSQL replaces a view only by one with the same columns, and with more of them there would be no way back'
const INSTEAD = 'Make a view of another name with create_object, and drop the old one with drop_object.'

/** Has the new definition of a view the same columns? Where its text does not tell, the transaction does. */
export function viewProblems(
  object: DatabaseObject,
  statement: Tree.Node,
  schema: Schema,
): readonly BellowsError[] {
  const old = object.kind === 'view' ? findTable(schema, object.name) : undefined
  const names = 'ViewStmt' in statement ? columnNames(statement.ViewStmt) : undefined
  if (old === undefined || names === undefined) return []
  const before = old.columns.map(({ name }) => name)
  if (before.length === names.length && before.every((name, at) => name === names[at])) return []
  return [
    refused(
      `The ${shownObject(object)} would have the columns ${names.join(', ')} and not ${before.join(', ')}: ${WHY}.`,
      INSTEAD,
    ),
  ]
}

/** Nothing where a star or an expression leaves them open. */
function columnNames({ aliases, query }: Tree.ViewStmt): readonly string[] | undefined {
  if (aliases !== undefined && aliases.length > 0)
    return aliases.flatMap((one) => ('String' in one ? [one.String.sval ?? ''] : []))
  const targets = query !== undefined && 'SelectStmt' in query ? query.SelectStmt.targetList : undefined
  const names = targets?.map((one) => ('ResTarget' in one ? targetName(one.ResTarget) : undefined))
  const known = names?.filter((name) => name !== undefined)
  return known?.length === names?.length ? known : undefined
}

function targetName({ name, val }: Tree.ResTarget): string | undefined {
  if (name !== undefined) return name
  const last = val !== undefined && 'ColumnRef' in val ? val.ColumnRef.fields?.at(-1) : undefined
  return last !== undefined && 'String' in last ? last.String.sval : undefined
}

/** For the transaction that replaces a view: it fails where the columns are others than before. */
export function keepsColumnsSql(object: DatabaseObject, schema: Schema): readonly Sql[] {
  const old = object.kind === 'view' ? findTable(schema, object.name) : undefined
  if (old === undefined) return []
  const columns = old.columns.map(({ name, type }) => `${name} ${type}`).join(', ')
  return [
    sql`select bellows.require((select pg_catalog.string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum) from pg_catalog.pg_attribute a where a.attrelid = ${regclass(object.name)} and a.attnum > 0 and not a.attisdropped) = ${lit(columns)}, 'plan_refused', ${lit(`the columns of the ${shownObject(object)} would change: ${WHY}`)})`,
  ]
}
