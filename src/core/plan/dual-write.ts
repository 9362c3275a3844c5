import { pinned, pinnedType } from '../pin.ts'
import type { Column, QualifiedName } from '../schema/model.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../sql.ts'
import type { Mapping } from './mapping.ts'

/** Two columns of one table that a trigger keeps in step, and how a value goes from one to the other. */
export interface Pair {
  readonly table: QualifiedName
  readonly from: string
  readonly to: string
  readonly mapping: Mapping
  /** Of the old column: decides how an INSERT that gives only the new column is told from one that gives both. */
  readonly fromColumn: Pick<Column, 'default' | 'defaultText' | 'defaultVolatility' | 'type'>
}

/**
 * Are two values the same to the last bit? Not `=`: that is found through the writer's `search_path`, does not exist for
 * json, and takes 'A' for 'a' in citext and 1.0 for 1.00 in numeric, so that a change would go unnoticed.
 */
export function same(a: Sql, b: Sql): Sql {
  return sql`pg_catalog.record_image_eq(row(${a}), row(${b}))`
}

/** The relation R between the columns, given how each is written at the place (`"name"`, `new."name"`). */
export function relation(mapping: Mapping, from: Sql, to: Sql): Sql {
  const forward = same(to, mapping.up(from))
  const backward = mapping.down === undefined ? undefined : same(from, mapping.down(to))
  return backward === undefined || isIdentity(mapping) ? forward : sql`(${forward} or ${backward})`
}

/** Consistent by the second half of R only. Never true when the mapping loses nothing. */
export function lossy(mapping: Mapping, from: Sql, to: Sql): Sql {
  return isIdentity(mapping) ? trusted('false') : sql`not ${same(to, mapping.up(from))}`
}

export function unfilled(mapping: Mapping, from: Sql, to: Sql): Sql {
  return sql`(${to} is null and ${mapping.up(from)} is not null)`
}

export function isIdentity(mapping: Mapping): boolean {
  const probe = id('x')
  return mapping.up(probe) === probe && mapping.down?.(probe) === probe
}

/**
 * The body of the trigger function. It looks at what changed in the row, never at who writes. Everything that it names is
 * qualified, because it runs with the writer's `search_path` and rights.
 */
export function dualWriteBody(pair: Pair): Sql {
  const { mapping } = pair
  const [newFrom, newTo] = [sql`new.${id(pair.from)}`, sql`new.${id(pair.to)}`]
  const [oldFrom, oldTo] = [sql`old.${id(pair.from)}`, sql`old.${id(pair.to)}`]
  const waits = unfilled(mapping, newFrom, newTo)
  const fill = sql`${newTo} := ${mapping.up(newFrom)};`
  const carryBack =
    mapping.down === undefined ? refusal(pair, 'no way back') : sql`${newFrom} := ${mapping.down(newTo)};`
  return sql`
begin
  if ${relation(mapping, newFrom, newTo)} and not ${waits} then
    return new;
  end if;
  if tg_op operator(pg_catalog.=) 'INSERT' then
    if ${newTo} is null then
      ${fill}
    elsif ${omitted(pair, newFrom)} then
      ${carryBack}
    else
      ${refusal(pair, 'two values')}
    end if;
  elsif ${same(newFrom, oldFrom)} then
    if not ${same(newTo, oldTo)} then
      ${carryBack}
    elsif ${waits} then
      ${fill}
    end if;
  elsif ${same(newTo, oldTo)} then
    ${fill}
  else
    ${refusal(pair, 'two values')}
  end if;
  return new;
end`
}

/**
 * The body where writers know but one of the two columns: the other one follows it, whatever it was given, and no write is
 * refused. What a row holds that agrees is left alone, so that a mapping that loses something does not eat what it came from.
 */
export function followBody(pair: Pair, follower: 'old' | 'new'): Sql {
  const { mapping } = pair
  const [newFrom, newTo] = [sql`new.${id(pair.from)}`, sql`new.${id(pair.to)}`]
  const agrees = relation(mapping, newFrom, newTo)
  const { keeps, follows } =
    follower === 'new' || mapping.down === undefined
      ? {
          keeps: sql`${agrees} and not ${unfilled(mapping, newFrom, newTo)}`,
          follows: sql`${newTo} := ${mapping.up(newFrom)};`,
        }
      : {
          // An INSERT leaves it out, and where it is NOT NULL that it agrees as NULL is not enough.
          keeps: sql`${agrees} and (tg_op operator(pg_catalog.=) 'UPDATE' or ${newFrom} is not null)`,
          follows: sql`${newFrom} := ${mapping.down(newTo)};`,
        }
  return sql`
begin
  if not (${keeps}) then
    ${follows}
  end if;
  return new;
end`
}

/**
 * Was the old column left out of an INSERT? A trigger sees the default either way, so a value that equals the default counts
 * as left out. Where the default differs each time, or cannot be told by every writer alike, any value does.
 */
export function omitted({ fromColumn }: Pair, newFrom: Sql): Sql {
  const { default: expression, defaultVolatility, defaultText, type } = fromColumn
  if (expression === null) return sql`${newFrom} is null`
  if (defaultVolatility === 'volatile') return trusted('true')
  const [value, cast] = [pinned(trusted(expression)), pinnedType(type)]
  if (value !== undefined && cast !== undefined)
    return sql`${newFrom} is null or ${same(newFrom, sql`(${value})::${cast}`)}`
  // A type of the user cannot be named, because a writer may lack the right to its namespace; its text form can.
  if (defaultText === null) return trusted('true')
  return sql`${newFrom} is null or ${newFrom}::pg_catalog.text operator(pg_catalog.=) ${lit(defaultText)}`
}

function refusal(pair: Pair, why: 'two values' | 'no way back'): Sql {
  const both = `columns "${pair.from}" and "${pair.to}" of table "${pair.table.name}"`
  const [message, hint] =
    why === 'two values'
      ? [`${both} were given values that do not agree`, 'Write one of the two; the database fills the other.']
      : [
          `a value of ${both} cannot be taken back from the second to the first`,
          `Write "${pair.from}" until it is removed.`,
        ]
  return sql`raise exception using errcode = 'integrity_constraint_violation', message = ${lit(message)}, hint = ${lit(hint)},
        schema = ${lit(pair.table.namespace)}, table = ${lit(pair.table.name)}, column = ${lit(pair.to)};`
}

export interface Installed {
  readonly table: QualifiedName
  readonly trigger: string
  readonly function: string
  readonly body: Sql
}

export function functionSql(installed: Installed): Sql {
  return sql`create or replace function bellows.${id(installed.function)}() returns trigger language plpgsql as ${lit(installed.body)}`
}

/** Creates the function and the trigger. ALWAYS, because loaders and replication set `session_replication_role`. */
export function installSql(installed: Installed): readonly Sql[] {
  const table = qualified(installed.table)
  return [
    functionSql(installed),
    sql`create trigger ${id(installed.trigger)} before insert or update on ${table} for each row execute function bellows.${id(installed.function)}()`,
    sql`alter table ${table} enable always trigger ${id(installed.trigger)}`,
  ]
}

export function uninstallSql(installed: Omit<Installed, 'body'>): readonly Sql[] {
  return [
    sql`drop trigger if exists ${id(installed.trigger)} on ${qualified(installed.table)}`,
    sql`drop function if exists bellows.${id(installed.function)}()`,
  ]
}
