import { type Constraint, pointsAtParts, type QualifiedName } from '../schema/model.ts'
import { join, lit, regclass, type Sql, sql } from '../sql.ts'
import { defaultName } from './names.ts'
import { canBeWhole } from './whole-keys.ts'

/** More foreign keys of one name than there are, in digits. */
const DIGITS_MAX = 6

/** A foreign key that has others under it: of partitions of its table, and to partitions of the other one. */
export function hasKeysUnder(
  table: { readonly kind: string },
  key: Pick<Constraint, 'partnerParts'>,
): boolean {
  return table.kind === 'partitioned' || pointsAtParts(key)
}

/**
 * Gives what is under a foreign key names that nobody else has. It was named while the key had one of ours, and may have the very name
 * that this key, or another one of the table, is to get: so all are put aside before the first gets its name.
 */
export function asideUnderSql(table: QualifiedName, key: string): Sql {
  const body = sql`
declare
  one record;
begin
  for one in ${underSql(table, key)} loop
    execute pg_catalog.format('alter table %s rename constraint %I to %I', one.place, one.conname, 'bellows_key_' || one.oid);
  end loop;
end`
  return sql`do ${lit(body)}`
}

/** Gives what is under a foreign key the names that PostgreSQL gives, when all keys of the table have theirs. */
export function nameUnderSql(table: QualifiedName, key: string, columns: readonly string[]): Sql {
  const before = stems((suffix) => defaultName(table.name, columns, `fkey${suffix}`))
  const since = stems((suffix) => defaultName(key, [], suffix))
  const body = sql`
declare
  one record;
  stems text[] := ${before};
  number text := '';
  wanted text;
begin
  if ${canBeWhole} then
    stems := ${since};
    number := '1';
  end if;
  for one in ${underSql(table, key)} loop
    wanted := ${lit(key)};
    if one.is_here or exists (select from pg_catalog.pg_constraint where conrelid = one.conrelid and conname = wanted) then
      loop
        wanted := stems[pg_catalog.length(number) + 1] || number;
        number := coalesce(nullif(number, '')::integer, 0) + 1;
        exit when not exists (select from pg_catalog.pg_constraint where connamespace = one.connamespace and conname = wanted);
      end loop;
    end if;
    execute pg_catalog.format('alter table %s rename constraint %I to %I', one.place, one.conname, wanted);
  end loop;
end`
  return sql`do ${lit(body)}`
}

/** Those of partitions first, and then those of the table itself to partitions. */
function underSql(table: QualifiedName, key: string): Sql {
  return sql`with recursive tree as (
      select k.oid, k.conrelid as root from pg_catalog.pg_constraint k where k.conrelid = ${regclass(table)} and k.conname = ${lit(key)} and k.contype = 'f'
      union all select c.oid, t.root from pg_catalog.pg_constraint c join tree t on c.conparentid = t.oid)
    select c.oid, c.conrelid, c.conrelid::regclass as place, c.conname, c.connamespace, c.conrelid = t.root as is_here
      from tree t join pg_catalog.pg_constraint c on c.oid = t.oid
      where c.conrelid <> t.root or c.conname <> ${lit(key)} order by is_here, c.oid`
}

/** What stands before a number of so many digits, where the name with it has room in an identifier. */
function stems(nameWith: (suffix: string) => string): Sql {
  const all = Array.from({ length: DIGITS_MAX + 1 }, (_, digits) => {
    const name = nameWith('0'.repeat(digits))
    return lit(digits === 0 ? name : name.slice(0, -digits))
  })
  return sql`array[${join(all)}]`
}
