import type { Tree } from '../parse.ts'
import { join, lit, regclass, type Sql, sql } from '../sql.ts'
import { partsOf, printedConstraint } from '../statements/statement.ts'
import type { ForeignKeyPartsStep } from './step.ts'

type Key = Pick<ForeignKeyPartsStep, 'table' | 'other' | 'name' | 'definition'>

/** Has neither the table nor a partition of it a constraint of this name that is another one, which somebody has put up meanwhile? */
export function noOtherKey(key: Key): Sql {
  return sql`not exists (select from pg_catalog.pg_partition_tree(${regclass(key.table)}) p join pg_catalog.pg_constraint k on k.conrelid = p.relid where k.conname = ${lit(key.name)} and (${isMeant(key)}) is not true)`
}

/** Does the table have the foreign key that the definition says, proved or not? */
export function keyStands(key: Key): Sql {
  return sql`exists (select from pg_catalog.pg_constraint k where k.conrelid = ${regclass(key.table)} and k.conname = ${lit(key.name)} and ${isMeant(key)})`
}

/** Is constraint `k` what the definition says? What older versions have no column for is asked of the row as a whole. */
export function isMeant({ other, definition }: Pick<Key, 'other' | 'definition'>): Sql {
  const key = printedConstraint(definition)
  const onDelete = key?.fk_del_set_cols ?? []
  const whole = sql`pg_catalog.to_jsonb(k)`
  return join(
    [
      sql`k.contype = 'f' and k.confrelid = ${regclass(other)}`,
      sql`k.conkey = ${numbers(sql`k.conrelid`, key?.fk_attrs)}`,
      ...(key?.pk_attrs === undefined ? [] : [sql`k.confkey = ${numbers(sql`k.confrelid`, key.pk_attrs)}`]),
      sql`k.confmatchtype = ${lit(key?.fk_matchtype ?? 's')}`,
      sql`k.confdeltype = ${lit(key?.fk_del_action ?? 'a')} and k.confupdtype = ${lit(key?.fk_upd_action ?? 'a')}`,
      sql`k.condeferrable = ${lit(key?.deferrable === true)} and k.condeferred = ${lit(key?.initdeferred === true)}`,
      sql`coalesce(${whole} -> 'confdelsetcols', 'null') = ${onDelete.length === 0 ? sql`'null'` : sql`pg_catalog.to_jsonb(${numbers(sql`k.conrelid`, onDelete)})`}`,
      sql`coalesce(${whole} -> 'conenforced', 'true') = 'true'`,
    ],
    ' and ',
  )
}

/** Columns by their numbers, in their order: each partition has its own. */
function numbers(relation: Sql, columns: readonly Tree.Node[] = []): Sql {
  const names = partsOf(columns).map((name, at) => sql`(${lit(name)}::pg_catalog.name, ${lit(at)})`)
  return sql`array(select a.attnum from (values ${join(names)}) as n (name, at) join pg_catalog.pg_attribute a on a.attname = n.name where a.attrelid = ${relation} and not a.attisdropped order by n.at)`
}
