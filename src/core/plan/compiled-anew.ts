import type { QualifiedName } from '../schema/model.ts'
import { join, lit, pattern, regclass, type Sql, sql } from '../sql.ts'
import { treeOf } from './tree.ts'

/**
 * A session keeps a function of PL/pgSQL as it was compiled, with the types of the columns that it reads, and does not look at
 * them again: with another type under the same name it fails, and as a trigger it fails each write with it. A function that was
 * altered is compiled anew in every session. So each that fires on the tables, or names them or `types`, gets what it has.
 */
export function compileAnewSql(tables: readonly QualifiedName[], types: readonly QualifiedName[] = []): Sql {
  // One of no relation, too: a type may be of no table.
  const trees = [
    sql`select null::pg_catalog.oid`,
    ...tables.map((table) => sql`select relid from ${treeOf(regclass(table))} tree`),
  ]
  const names = [...new Set([...tables, ...types].map(({ name }) => pattern(name)))]
  const fires = sql`p.oid in (select g.tgfoid from pg_catalog.pg_trigger g where g.tgrelid in (${join(trees, ' union all ')}))`
  const isNamed = sql`pg_catalog.concat(p.prosrc, ' ', pg_catalog.pg_get_function_arguments(p.oid)) operator(pg_catalog.~*) ${lit(`(?<!\\w)(${names.join('|')})(?!\\w)`)}`
  return sql`do ${lit(sql`
declare
  one record;
begin
  for one in select p.oid::pg_catalog.regprocedure as called, p.prosecdef as definer
    -- By its language first: the texts of thousands of functions of the server would be looked through, under the lock.
    from (select * from pg_catalog.pg_proc where prolang = (select oid from pg_catalog.pg_language where lanname = 'plpgsql')
      and pronamespace is distinct from pg_catalog.to_regnamespace('bellows') offset 0) p
    where pg_catalog.pg_has_role(p.proowner, 'USAGE') and (${fires} or ${isNamed})
    order by p.oid
  loop
    execute pg_catalog.format('alter routine %s security %s', one.called, case when one.definer then 'definer' else 'invoker' end);
  end loop;
end`)}`
}
