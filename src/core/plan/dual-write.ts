import { pinned, pinnedType } from '../pin.ts'
import type { Column, QualifiedName } from '../schema/model.ts'
import { id, join, lit, type Sql, sql, trusted } from '../sql.ts'
import { IS_BACKFILL } from './in-backfill.ts'
import type { Mapping, RowMapping } from './mapping.ts'
import type { Chore } from './row-trigger.ts'

/** Two columns of one table that a trigger keeps in step, and how a value goes from one to the other. */
export interface Pair {
  readonly table: QualifiedName
  readonly from: string
  readonly to: string
  readonly mapping: Mapping
  /** Of the old column: decides how an INSERT that gives only the new column is told from one that gives both. */
  readonly fromColumn: Pick<Column, 'default' | 'defaultText' | 'defaultVolatility' | 'type' | 'identity'>
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
  return relationOf(lifted(mapping), [from], [to])
}

/** R between two sets of columns of a row: every new one is what comes of the old ones, or every old one what comes of the new. */
export function relationOf(mapping: RowMapping, olds: readonly Sql[], news: readonly Sql[]): Sql {
  const forward = forwardOf(mapping, olds, news)
  const backward = mapping.down === undefined ? undefined : same(join(olds), join(mapping.down(news)))
  return backward === undefined || mapping.isIdentity ? forward : sql`(${forward} or ${backward})`
}

/** The first half of R: every new column is what comes of the old ones. */
export function forwardOf(mapping: RowMapping, olds: readonly Sql[], news: readonly Sql[]): Sql {
  return same(join(news), join(mapping.up(olds)))
}

/** Consistent by the second half of R only. Never true when the mapping loses nothing. */
export function lossy(mapping: Mapping, from: Sql, to: Sql): Sql {
  return lossyOf(lifted(mapping), [from], [to])
}

export function lossyOf(mapping: RowMapping, olds: readonly Sql[], news: readonly Sql[]): Sql {
  return mapping.isIdentity ? trusted('false') : sql`not ${same(join(news), join(mapping.up(olds)))}`
}

export function unfilled(mapping: Mapping, from: Sql, to: Sql): Sql {
  return unfilledOf(lifted(mapping), [from], [to])
}

/** All new columns are filled at once, so a part that is NULL was written so. */
export function unfilledOf(mapping: RowMapping, olds: readonly Sql[], news: readonly Sql[]): Sql {
  const some = mapping.up(olds).map((value) => sql`${value} is not null`)
  const waits = some.length === 1 ? join(some) : sql`(${join(some, ' or ')})`
  return sql`(${areNull(news)} and ${waits})`
}

function areNull(columns: readonly Sql[]): Sql {
  return join(
    columns.map((column) => sql`${column} is null`),
    ' and ',
  )
}

export function isIdentity(mapping: Mapping): boolean {
  const probe = id('x')
  return mapping.up(probe) === probe && mapping.down?.(probe) === probe
}

/** A mapping of one column to one, as one of sets. */
export function lifted(mapping: Mapping): RowMapping {
  const { up, down } = mapping
  return {
    up: (olds) => olds.map(up),
    down: down === undefined ? undefined : (news) => news.map(down),
    isIdentity: isIdentity(mapping),
  }
}

/** Columns of one table that a trigger keeps in step with other ones. */
export interface Sides {
  readonly table: QualifiedName
  readonly olds: readonly string[]
  readonly news: readonly string[]
  readonly mapping: RowMapping
  /** Of the old columns, in their order: see `Pair`. */
  readonly oldColumns: readonly Pair['fromColumn'][]
}

export function dualWrite({ from, to, mapping, fromColumn, table }: Pair): Chore {
  return rowWrite({
    table,
    olds: [from],
    news: [to],
    mapping: lifted(mapping),
    oldColumns: [fromColumn],
  })
}

/**
 * What the trigger does. It looks at what changed in the row, never at who writes. Everything that it names is qualified,
 * because it runs with the writer's `search_path` and rights.
 */
export function rowWrite(sides: Sides): Chore {
  const { mapping } = sides
  const [olds, news] = [columnsOf('new', sides.olds), columnsOf('new', sides.news)]
  const before = { olds: columnsOf('old', sides.olds), news: columnsOf('old', sides.news) }
  const [oldsBefore, newsBefore] = [join(before.olds), join(before.news)]
  const waits = unfilledOf(mapping, olds, news)
  const fill = assigned(news, mapping.up(olds))
  const carryBack =
    mapping.down === undefined ? refusal(sides, 'no way back') : assigned(olds, mapping.down(news))
  const isChange = sql`not ${same(join(olds), oldsBefore)} and ${same(join(news), newsBefore)}`
  // What an old writer changes arrives, also where the new value would come back as the same: then it stands for another one.
  const arrives =
    mapping.isIdentity || mapping.down === undefined
      ? sql``
      : sql` and (tg_op operator(pg_catalog.=) 'INSERT' or not (${isChange}) or ${forwardOf(mapping, olds, news)})`
  // A trigger of the user that tidies up the old value does so with any write of the row, also with the one that fills it.
  const isTidied = sql`(${IS_BACKFILL} and ${areNull(before.news)} and ${forwardOf(mapping, before.olds, news)})`
  return {
    // Nothing is to be done where both sides are the same, and a condition costs a small part of what a call does.
    ...(mapping.isIdentity ? { when: sql`not ${same(join(news), join(olds))}` } : {}),
    lines: (leave) => sql`  if ${relationOf(mapping, olds, news)} and not ${waits}${arrives} then
    ${leave};
  end if;
  if tg_op operator(pg_catalog.=) 'INSERT' then
    if ${areNull(news)} then
      ${fill}
    elsif ${areOmitted(sides, olds)} then
      ${carryBack}
    else
      ${refusal(sides, 'two values')}
    end if;
  elsif ${same(join(olds), oldsBefore)} then
    if not ${same(join(news), newsBefore)} then
      ${carryBack}
    elsif ${waits} then
      ${fill}
    end if;
  elsif ${same(join(news), newsBefore)} or ${isTidied} then
    ${fill}
  else
    ${refusal(sides, 'two values')}
  end if;`,
  }
}

function columnsOf(row: 'new' | 'old', names: readonly string[]): readonly Sql[] {
  return names.map((name) => sql`${trusted(row)}.${id(name)}`)
}

/** No value is made of one that has just been set: what is assigned is of the other side. */
function assigned(columns: readonly Sql[], values: readonly Sql[]): Sql {
  return join(
    columns.map((column, at) => sql`${column} := ${values[at] ?? trusted('null')};`),
    '\n      ',
  )
}

/**
 * Was the old column left out of an INSERT? A trigger sees the default either way, so a value that equals the default counts
 * as left out. Where the default differs each time, or cannot be told by every writer alike, any value does.
 */
export function omitted({ fromColumn }: Pick<Pair, 'fromColumn'>, newFrom: Sql): Sql {
  const { default: expression, defaultVolatility, defaultText, type, identity } = fromColumn
  if (identity !== 'no') return trusted('true')
  if (expression === null) return sql`${newFrom} is null`
  if (defaultVolatility === 'volatile') return trusted('true')
  const [value, cast] = [pinned(trusted(expression)), pinnedType(type)]
  if (value !== undefined && cast !== undefined)
    return sql`${newFrom} is null or ${same(newFrom, sql`(${value})::${cast}`)}`
  // A type of the user cannot be named, because a writer may lack the right to its namespace; its text form can.
  if (defaultText === null) return trusted('true')
  return sql`${newFrom} is null or ${newFrom}::pg_catalog.text operator(pg_catalog.=) ${lit(defaultText)}`
}

/** Were all of them left out? */
export function areOmitted({ oldColumns }: Sides, olds: readonly Sql[]): Sql {
  const each = oldColumns.map((column, at) => omitted({ fromColumn: column }, olds[at] ?? trusted('null')))
  return each.length === 1
    ? join(each)
    : join(
        each.map((one) => sql`(${one})`),
        ' and ',
      )
}

function refusal({ table, olds, news }: Sides, why: 'two values' | 'no way back'): Sql {
  const written = (names: readonly string[]) => names.map((name) => `"${name}"`).join(' and ')
  const both = `columns ${written([...olds, ...news])} of table "${table.name}"`
  const [message, hint] =
    why === 'two values'
      ? [
          `${both} were given values that do not agree`,
          olds.length + news.length === 2
            ? 'Write one of the two; the database fills the other.'
            : `Write ${written(olds)}, or ${written(news)}; the database fills the rest.`,
        ]
      : [
          `a value of ${both} cannot be taken back from the second to the first`,
          `Write ${written(olds)} until it is removed.`,
        ]
  return sql`raise exception using errcode = 'integrity_constraint_violation', message = ${lit(message)}, hint = ${lit(hint)},
        schema = ${lit(table.namespace)}, table = ${lit(table.name)}, column = ${lit(news.join(', '))};`
}
