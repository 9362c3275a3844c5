import type { Facts } from '../../schema/facts.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { id, regclass, type Sql, sql, trusted } from '../../sql.ts'

/** Moves a column to another table, whose every row belongs to one row of the first, and no two to the same. */
export interface MoveColumn {
  readonly kind: 'move_column'
  readonly from: Place
  readonly to: Place
  /** Columns of a foreign key of the target, each with the column of the source that it points at. */
  readonly on: readonly Pairing[]
}

export interface Place {
  readonly namespace: string
  readonly table: string
  readonly column: string
}

export interface Pairing {
  readonly target: string
  readonly source: string
}

export function sourceOf({ from }: MoveColumn): QualifiedName {
  return { namespace: from.namespace, name: from.table }
}

export function targetOf({ to }: MoveColumn): QualifiedName {
  return { namespace: to.namespace, name: to.table }
}

/** A foreign key from the target to the source, and what holds for its columns. */
export interface Link {
  readonly name: string
  readonly definition: string
  readonly validated: boolean
  readonly deferrable: boolean
  /** An index by which no two rows of the target have the same values there; absent where there is none. */
  readonly unique: string | null
  readonly pairs: readonly (Pairing & {
    /** By which PostgreSQL itself compares them, the source first. */
    readonly operator: { readonly namespace: string; readonly name: string }
  })[]
}

/** All foreign keys from the target to the source. */
export function linksQuestion(op: MoveColumn): Sql {
  const relation = (of: QualifiedName) => regclass(of)
  return sql`
select c.conname as name, pg_catalog.pg_get_constraintdef(c.oid) as definition, c.convalidated as validated, c.condeferrable as deferrable,
    (select x.relname from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
      where i.indrelid = c.conrelid and i.indisunique and i.indimmediate and i.indisvalid and i.indpred is null and i.indexprs is null
        and i.indnkeyatts = pg_catalog.cardinality(c.conkey)
        and c.conkey operator(pg_catalog.<@) (i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]
      order by 1 limit 1) as ${id('unique')},
    (select pg_catalog.json_agg(pg_catalog.json_build_object('target', t.attname, 'source', s.attname,
        'operator', pg_catalog.json_build_object('namespace', n.nspname, 'name', o.oprname)) order by k.at)
      from rows from (pg_catalog.unnest(c.conkey), pg_catalog.unnest(c.confkey), pg_catalog.unnest(c.conpfeqop)) with ordinality k (target, source, operator, at)
      join pg_catalog.pg_attribute t on t.attrelid = c.conrelid and t.attnum = k.target
      join pg_catalog.pg_attribute s on s.attrelid = c.confrelid and s.attnum = k.source
      join pg_catalog.pg_operator o on o.oid = k.operator join pg_catalog.pg_namespace n on n.oid = o.oprnamespace) as pairs
  from pg_catalog.pg_constraint c
  where c.contype = 'f' and c.conrelid = ${relation(targetOf(op))} and c.confrelid = ${relation(sourceOf(op))} order by 1`
}

/** The foreign keys on just the columns that the operation names; such as could serve before such as could not. */
export function linksOf(op: MoveColumn, facts: Facts): readonly Link[] {
  const answer = facts.answers[linksQuestion(op)] ?? []
  const links = 'problem' in answer ? [] : (answer as unknown as readonly Link[])
  const isAsked = ({ target, source }: Pairing) =>
    op.on.some((one) => one.target === target && one.source === source)
  return links
    .filter(({ pairs }) => pairs.length === op.on.length && pairs.every(isAsked))
    .toSorted((a, b) => Number(isUsable(b)) - Number(isUsable(a)))
}

export function isUsable({ validated, deferrable, unique }: Link): boolean {
  return validated && !deferrable && unique !== null
}

/** Does a row of the source belong to one of the target? Given how the columns of each are written: `s."id"`, `t."user_id"`. */
export function joined(
  { pairs }: Pick<Link, 'pairs'>,
  source: (column: string) => Sql,
  target: (column: string) => Sql,
): Sql {
  const each = pairs.map(
    ({ operator, ...pair }) =>
      sql`${source(pair.source)} operator(${id(operator.namespace)}.${trusted(operator.name)}) ${target(pair.target)}`,
  )
  return trusted(each.join(' and '))
}
