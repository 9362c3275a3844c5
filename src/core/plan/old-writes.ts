import type { QualifiedName } from '../schema/model.ts'
import { id, join, lit, qualified, regclass, type Sql, sql, trusted } from '../sql.ts'
import { counterSql, dropCounterSql, isOnTrial, nextNumber, settingsOf, tellSql, WHO } from './counter.ts'
import {
  areOmitted,
  forwardOf,
  lifted,
  omitted,
  type Pair,
  type Sides,
  same,
  unfilledOf,
} from './dual-write.ts'
import { ownersOnlySql } from './row-trigger.ts'

/** Where writes through the old shape are counted, and by which triggers of its table. */
export interface Counting {
  readonly table: QualifiedName
  /** The old one. */
  readonly column: string
  /** Name of everything that counts: the function, the table of who, and the settings by which a session knows what it has told. */
  readonly counter: string
  /** Absent where a trigger could not tell who gives a new row a value from who leaves it out. */
  readonly onInsert?: Trigger
  readonly onUpdate: Trigger
}

interface Trigger {
  readonly name: string
  /** Only of statements that name this column. */
  readonly of?: string
  /**
   * May a row be written through the old shape? Read before the dual write fills the new one. Every statement on the table reads
   * the text of it anew, so that each part of it costs all writers. Absent where every row counts.
   */
  readonly when?: Sql
  /** Is it not, although it may be? */
  readonly unless?: Sql
}

/**
 * @param dualWrite name of the trigger that keeps the pair in step; those that count sort right before it
 */
export function countingFor(
  { from, to, mapping, fromColumn, table }: Pair,
  counter: string,
  dualWrite: string,
): Counting {
  const sides = { table, olds: [from], news: [to], mapping: lifted(mapping), oldColumns: [fromColumn] }
  return rowCountingFor(sides, counter, dualWrite)
}

export function rowCountingFor(sides: Sides, counter: string, dualWrite: string): Counting {
  const at = (row: 'old' | 'new', names: readonly string[]) =>
    names.map((name) => sql`${trusted(row)}.${id(name)}`)
  const [olds, news] = [at('new', sides.olds), at('new', sides.news)]
  const isSame = (names: readonly string[]) => same(join(at('new', names)), join(at('old', names)))
  const named = namedBy(dualWrite)
  return {
    table: sides.table,
    column: sides.olds.join('" and "'),
    counter,
    // A default is what the old column gets from a writer that knows the new one only, too.
    onInsert: {
      name: named('insert'),
      when: sql`${unfilledOf(sides.mapping, olds, news)} and not (${areOmitted(sides, olds)})`,
    },
    onUpdate: {
      name: named('update'),
      when: sql`not ${isSame(sides.olds)}`,
      unless: sql`not ${isSame(sides.news)} or ${forwardOf(sides.mapping, olds, news)}`,
    },
  }
}

/**
 * Of a column that goes without another one in its place. Whoever gives it its default cannot be told from whoever leaves it out, nor can
 * anybody where each row has another one, or where a row comes from another partition by an UPDATE; whoever names it in an UPDATE can, be it
 * with the value that is there.
 * @param dualWrite what the trigger is called that fills it, or would be
 */
export function leavingCountingFor(
  {
    table,
    fromColumn,
    isPartitioned,
  }: Pick<Pair, 'table' | 'fromColumn'> & {
    readonly fromColumn: { readonly name: string }
    readonly isPartitioned: boolean
  },
  counter: string,
  dualWrite: string,
): Counting {
  const { name: column } = fromColumn
  const named = namedBy(dualWrite)
  const left = omitted({ fromColumn }, sql`new.${id(column)}`)
  return {
    table,
    column,
    counter,
    ...(isPartitioned || left === 'true'
      ? {}
      : { onInsert: { name: named('insert'), when: sql`not (${left})` } }),
    onUpdate: { name: named('update'), of: column },
  }
}

/** Right before the trigger that keeps the columns in step. */
function namedBy(dualWrite: string): (word: string) => string {
  return (word) => dualWrite.replace('_dual_write_', `_count_${word}_`)
}

/** All triggers are there, and nobody has switched one of them off. */
export function counterStands({ table, counter, ...counting }: Counting): Sql {
  const each = triggersOf(counting).map(({ name }) => lit(name))
  return sql`(select count(*) = ${lit(each.length)} from pg_catalog.pg_trigger where tgrelid = ${regclass(table)} and tgname in (${join(each)}) and tgenabled = 'A' and tgfoid = ${functionOf(counter)})`
}

export function counterAbsent({ counter }: Counting): Sql {
  return sql`${functionOf(counter)} is null`
}

function functionOf(counter: string): Sql {
  return sql`pg_catalog.to_regprocedure(${lit(`bellows.${id(counter)}()`)})`
}

/**
 * Counting makes no writer wait and none fail: the number comes from a sequence, and of each session and minute there is at most
 * one row, in a table without a unique index. A writer needs no right for it, not even on the namespace: a trigger calls a
 * function of the owner, which does this and nothing else. One statement counts once, however many rows it writes.
 */
export function installCounterSql(counting: Counting): readonly Sql[] {
  const { table, counter } = counting
  return [
    ...counterSql(counter),
    sql`create function bellows.${id(counter)}() returns trigger language plpgsql security definer as ${lit(bodyOf(counting))}`,
    // Whoever could put it on a table of their own could tell of writes that nobody made.
    ...ownersOnlySql({ table, function: counter }),
    ...triggersOf(counting).flatMap(({ event, name, when }) => [
      sql`create trigger ${id(name)} before ${event} on ${qualified(table)} for each row${when === undefined ? sql`` : sql` when (${when})`} execute function bellows.${id(counter)}()`,
      sql`alter table ${qualified(table)} enable always trigger ${id(name)}`,
    ]),
  ]
}

function triggersOf({ onInsert, onUpdate }: Pick<Counting, 'onInsert' | 'onUpdate'>) {
  const { of } = onUpdate
  const update = of === undefined ? sql`update` : sql`update of ${id(of)}`
  return [
    ...(onInsert === undefined ? [] : [{ event: sql`insert`, ...onInsert }]),
    { event: update, ...onUpdate },
  ]
}

export function uninstallCounterSql({ table, counter, ...counting }: Counting): readonly Sql[] {
  return [
    ...triggersOf(counting).map(({ name }) => sql`drop trigger if exists ${id(name)} on ${qualified(table)}`),
    sql`drop function if exists bellows.${id(counter)}()`,
    ...dropCounterSql(counter),
  ]
}

/**
 * A row that is taken back leaves its number behind, and the next statement of the session tells who it is anew. Everything is qualified,
 * because a search path of the function's own would be set and reset for every row; and assigned where it could be performed, which is
 * a query of its own.
 */
function bodyOf({ counter, table, column, onInsert, onUpdate }: Counting): Sql {
  const { counted, told } = settingsOf(counter)
  const unless = (event: 'INSERT' | 'UPDATE', condition: Sql | undefined) =>
    condition === undefined
      ? sql``
      : sql`
  if tg_op operator(pg_catalog.=) ${lit(event)} then
    if ${condition} then
      return new;
    end if;
  end if;`
  return sql`
declare
  moment pg_catalog.text := pg_catalog.statement_timestamp()::pg_catalog.text;
  me pg_catalog.text;
  number pg_catalog.int8;
begin${unless('INSERT', onInsert?.unless)}${unless('UPDATE', onUpdate.unless)}
  if coalesce(pg_catalog.current_setting(${lit(counted)}, true), '') operator(pg_catalog.=) moment then
    return new;
  end if;
  number := ${nextNumber(counter)};
  moment := pg_catalog.set_config(${lit(counted)}, moment, false);
  if ${isOnTrial(counter)} then
    raise exception using errcode = 'undefined_column', message = ${lit(`"${column}" of "${table.name}" is about to be removed, and on trial nobody can write it now`)},
      hint = 'The trial ends by itself; then the column can be written again until it is removed for good.';
  end if;
  me := ${WHO};
  if coalesce(pg_catalog.current_setting(${lit(told)}, true), '') operator(pg_catalog.<>) me then
    ${tellSql(counter)};
    me := pg_catalog.set_config(${lit(told)}, me, false);
  end if;
  return new;
end`
}
