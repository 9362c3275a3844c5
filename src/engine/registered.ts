import type { LeaseFacts } from '../core/gate/leases.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { join, lit, type Sql, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'
import type { Gated } from './gated.ts'

/**
 * Does whoever uses it register? Somebody did who ever said that it uses anything of the table; of what is on no table, whoever
 * registered for anything. One that is gone counts, too. See decision 0080.
 */
export async function readRegistered(
  { database }: Engine,
  { table, thing }: Gated,
  run: Run | undefined,
): Promise<Pick<LeaseFacts, 'everRegistered' | 'registeredElsewhere'>> {
  const isOnTable = thing === undefined || thing.reach === 'table'
  const [seen] = await database.read<{ anybody: boolean; users: boolean }>(
    sql`select anybody, ${isOnTable ? usersOf(table, run) : sql`anybody`} as users from (select exists (select from bellows.instance) as anybody) i`,
  )
  const { anybody = false, users = false } = seen ?? {}
  return { everRegistered: users, ...(anybody && !users ? { registeredElsewhere: true } : {}) }
}

/**
 * Whoever works on a partition uses the table, and the other way round; so does who knows it by the name that it is about to get. Found
 * without a lock on any of them: see decision 0082.
 */
function usersOf(table: QualifiedName, run: Run | undefined): Sql {
  const names = namesOf(table, run).map(({ namespace, name }) => sql`(${lit(namespace)}, ${lit(name)})`)
  return sql`exists (
    select from bellows.instance_use u where (u.namespace, u."table") in (${join(names)})
    union all
    select from bellows.relation_of(${lit(table.namespace)}, ${lit(table.name)}) one (oid)
      join pg_catalog.pg_class c on c.oid = coalesce(pg_catalog.pg_partition_root(one.oid), one.oid)
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      cross join lateral bellows.names_of(n.nspname, c.relname, '') called
      join bellows.instance_use u on (u.namespace, u."table") = (called.space, called.relation))`
}

function namesOf(table: QualifiedName, run: Run | undefined): readonly QualifiedName[] {
  const renamed = (run?.plan.migration.operations ?? []).flatMap((op) =>
    op.kind === 'rename_table' && op.namespace === table.namespace && op.table === table.name ? [op.to] : [],
  )
  return [table, ...renamed.map((name) => ({ namespace: table.namespace, name }))]
}
