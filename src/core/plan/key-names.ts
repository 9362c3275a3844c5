import { type Constraint, pointsAtParts, type QualifiedName } from '../schema/model.ts'
import { join, lit, regclass, type Sql, sql } from '../sql.ts'
import { defaultName } from './names.ts'

/** More foreign keys of one name than there are, in digits. */
const DIGITS_MAX = 6

/** Before this PostgreSQL names a foreign key to a partition after its table and columns, and from it on after the key of the table. */
const NAMED_AFTER_KEY_SINCE = 180_000

/** A foreign key that has others under it: of partitions of its table, and to partitions of the other one. */
export function hasKeysUnder(
  table: { readonly kind: string },
  key: Pick<Constraint, 'partnerParts'>,
): boolean {
  return table.kind === 'partitioned' || pointsAtParts(key)
}

/**
 * Gives a foreign key its name, and those under it the ones that PostgreSQL gives: they were named while it had one of ours. In two
 * rounds, because one may have the name that another is to get.
 */
export function nameKeySql(
  table: QualifiedName,
  { from, to, columns }: { readonly from: string; readonly to: string; readonly columns: readonly string[] },
): readonly Sql[] {
  return [sql`do ${lit(body({ table, from, to, columns }))}`]
}

function body(key: {
  readonly table: QualifiedName
  readonly from: string
  readonly to: string
  readonly columns: readonly string[]
}): Sql {
  const { table, from, to, columns } = key
  const before = stems((suffix) => defaultName(table.name, columns, `fkey${suffix}`))
  const since = stems((suffix) => defaultName(to, [], suffix))
  return sql`
declare
  key pg_catalog.pg_constraint;
  under oid[];
  one record;
  stems text[] := ${before};
  number text := '';
  wanted text;
begin
  if pg_catalog.current_setting('server_version_num')::integer >= ${lit(NAMED_AFTER_KEY_SINCE)} then
    stems := ${since};
    number := '1';
  end if;
  select * into strict key from pg_catalog.pg_constraint where conrelid = ${regclass(table)} and conname = ${lit(from)} and contype = 'f';
  with recursive tree as (select key.oid as oid union all select c.oid from pg_catalog.pg_constraint c join tree t on c.conparentid = t.oid)
    select pg_catalog.array_agg(oid) into under from tree;
  for one in select c.oid, c.conrelid::regclass as place, c.conname from pg_catalog.pg_constraint c where c.oid = any (under) loop
    execute pg_catalog.format('alter table %s rename constraint %I to %I', one.place, one.conname, 'bellows_key_' || one.oid);
  end loop;
  execute pg_catalog.format('alter table %s rename constraint %I to %I', key.conrelid::regclass, 'bellows_key_' || key.oid, ${lit(to)});
  for one in select c.oid, c.conrelid, c.conrelid::regclass as place, c.connamespace from pg_catalog.pg_constraint c
      where c.oid = any (under) and c.oid <> key.oid order by c.conrelid = key.conrelid, c.oid loop
    wanted := ${lit(to)};
    if one.conrelid = key.conrelid or exists (select from pg_catalog.pg_constraint where conrelid = one.conrelid and conname = wanted) then
      loop
        wanted := stems[pg_catalog.length(number) + 1] || number;
        number := coalesce(nullif(number, '')::integer, 0) + 1;
        exit when not exists (select from pg_catalog.pg_constraint where connamespace = one.connamespace and conname = wanted);
      end loop;
    end if;
    execute pg_catalog.format('alter table %s rename constraint %I to %I', one.place, 'bellows_key_' || one.oid, wanted);
  end loop;
end`
}

/** What stands before a number of so many digits, where the name with it has room in an identifier. */
function stems(nameWith: (suffix: string) => string): Sql {
  const all = Array.from({ length: DIGITS_MAX + 1 }, (_, digits) => {
    const name = nameWith('0'.repeat(digits))
    return lit(digits === 0 ? name : name.slice(0, -digits))
  })
  return sql`array[${join(all)}]`
}
