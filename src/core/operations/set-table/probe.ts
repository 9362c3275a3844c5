import { theTable } from '../../plan/table-checks.ts'
import { lit, qualified, type Sql, sql } from '../../sql.ts'
import { nameOfOption } from './parameters.ts'
import { parametersOf, type SetTable, type Settings } from './set-table.ts'

const CODES = { default: 'd', nothing: 'n', full: 'f', index: 'i' } as const

/** Is everything that the operation names as it is wanted? What it does not name does not matter. */
export function settingsHold(op: SetTable, wants: Settings): readonly Sql[] {
  const table = sql`pg_catalog.to_regclass(${lit(qualified(theTable(op)))})`
  const index = wants.indexes.find((one) => one.replicaIdentity)?.name
  return [
    ...parametersOf(op).map((name) => optionHolds(table, name, wants)),
    ...(op.replicaIdentity === undefined
      ? []
      : [
          sql`exists (select from pg_catalog.pg_class where oid = ${table} and relreplident = ${lit(CODES[wants.replicaIdentity])})`,
        ]),
    ...(op.replicaIdentity === undefined || wants.replicaIdentity !== 'index' || index === undefined
      ? []
      : [
          sql`exists (select from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid where i.indrelid = ${table} and i.indisreplident and c.relname = ${lit(index)})`,
        ]),
    ...(op.comment === undefined
      ? []
      : [sql`pg_catalog.obj_description(${table}, 'pg_class') is not distinct from ${lit(wants.comment)}`]),
  ]
}

function optionHolds(table: Sql, name: string, { options }: Settings): Sql {
  const wanted = options.find((option) => nameOfOption(option) === name)
  const isToast = name.startsWith('toast.')
  const bare = isToast ? name.slice('toast.'.length) : name
  const has = sql`exists (select from pg_catalog.pg_class t join pg_catalog.pg_class c on c.oid = ${isToast ? sql`t.reltoastrelid` : sql`t.oid`} cross join pg_catalog.pg_options_to_table(c.reloptions) o where t.oid = ${table} and o.option_name = ${lit(bare)}`
  return wanted === undefined
    ? sql`not ${has})`
    : sql`${has} and o.option_value = ${lit(wanted.slice(name.length + 1))})`
}
