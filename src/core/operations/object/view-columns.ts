import type { BellowsError } from '../../errors.ts'
import { type DatabaseObject, shownObject } from '../../objects/database-object.ts'
import type { Tree } from '../../parse.ts'
import { refused } from '../../plan/table-checks.ts'
import { definitionKey } from '../../schema/definitions.ts'
import { findTable, type QualifiedName, type Schema, type Table } from '../../schema/model.ts'
import { lit, regclass, type Sql, sql } from '../../sql.ts'
import type { Context } from '../operation.ts'

const WHY =
  'PostgreSQL replaces a view only by one with the same columns, and with more of them there would be no way back'
const INSTEAD = 'Make a view of another name with create_object, and drop the old one with drop_object.'

/** Has the new definition of a view the same columns? Where neither the server nor its text told, the transaction does. */
export function viewProblems(
  object: DatabaseObject,
  statement: Tree.Node,
  { schema, facts }: Pick<Context, 'schema' | 'facts'>,
  tried: Parameters<typeof definitionKey>[0],
): readonly BellowsError[] {
  const old = object.kind === 'view' ? findTable(schema, object.name) : undefined
  if (old === undefined || !('ViewStmt' in statement)) return []
  const differ = (now: readonly string[], before: readonly string[]) =>
    now.length === before.length && now.every((one, at) => one === before[at])
      ? []
      : [
          refused(
            `The ${shownObject(object)} would have the columns ${now.join(', ')} and not ${before.join(', ')}: ${WHY}.`,
            INSTEAD,
          ),
        ]
  const names = columnNames(statement.ViewStmt)
  const byName =
    names === undefined
      ? []
      : differ(
          names,
          old.columns.map(({ name }) => name),
        )
  const known = facts.definitions[definitionKey(tried)]
  if (byName.length > 0 || known === undefined || !('columns' in known)) return byName
  return differ(known.columns ?? [], shownColumns(old))
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
  const [now, before] = [viewColumnsSql(object.name), shownColumns(old).join(', ')]
  return [
    sql`select bellows.require(pg_catalog.array_to_string(${now}, ', ') = ${lit(before)}, 'plan_refused', ${lit(`the columns of the ${shownObject(object)} would change: ${WHY}`)})`,
  ]
}

function shownColumns({ columns }: Table): readonly string[] {
  return columns.map(({ name, type }) => `${name} ${type}`)
}

/** The columns of a view, each with its type. */
export function viewColumnsSql(view: QualifiedName): Sql {
  return sql`(select pg_catalog.array_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) order by a.attnum) from pg_catalog.pg_attribute a where a.attrelid = ${regclass(view)} and a.attnum > 0 and not a.attisdropped)`
}
