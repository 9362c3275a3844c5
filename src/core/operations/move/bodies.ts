import { same } from '../../plan/dual-write.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { id, join, lit, OWN_MARK, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { joined, type Link } from './move.ts'

/** Two columns of two tables, the second of which has what the first has, row by row of the target. */
export interface Ends {
  readonly source: QualifiedName
  readonly target: QualifiedName
  readonly from: string
  readonly to: string
  readonly link: Link
  /** What the source has where the target has no row; absent where that is NULL. */
  readonly vacant: Sql | undefined
  /** A setting that says, within a transaction, that what is being written to the source comes from the target. */
  readonly carried: string
  /** A setting that says, within a transaction, of which row of the target it has locked the one of the source first. */
  readonly held: string
  /** The table of what was written to the target since the source is hidden. */
  readonly journal: QualifiedName
}

/** Whose is the value? Until the old column is hidden the source says what it is, and the target afterwards. */
export type Truth = 'source' | 'target'

export const EQUAL = trusted('operator(pg_catalog.=)')
const DIFFERENT = trusted('operator(pg_catalog.<>)')
const IDLE = sql`
begin
  return new;
end`

/**
 * All names are qualified, and no function has settings of its own: the triggers of users on both tables fire within these
 * functions, and are to find what they always find.
 */
export function of({ source, target, link, held }: Ends) {
  const targetKey = (row: 'new' | 'old') =>
    join(link.pairs.map((pair) => sql`${trusted(row)}.${id(pair.target)}`))
  const key = sql`row(${targetKey('new')})::pg_catalog.text`
  return {
    sourceRow: sql`${qualified(source)} s`,
    targetRow: sql`${qualified(target)} t`,
    isPair: pairOf(link, 's', 't'),
    /** Of a row of the target, as a trigger has it. */
    isOf: pairOf(link, 's', 'new'),
    /** Of a row of the source, as a trigger has it. */
    isNew: pairOf(link, 'new', 't'),
    targetKey,
    key,
    isHeld: sql`coalesce(pg_catalog.current_setting(${lit(held)}, true), '') ${EQUAL} ${key}`,
    isKept: sql`tg_op ${EQUAL} 'UPDATE' and ${same(targetKey('new'), targetKey('old'))}`,
  }
}

export function pairOf(link: Link, source: string, target: string): Sql {
  return joined(
    link,
    (column) => sql`${trusted(source)}.${id(column)}`,
    (column) => sql`${trusted(target)}.${id(column)}`,
  )
}

/**
 * Before a row of the target is written. Everybody locks the row of the source first, and then the one of the target. An INSERT can,
 * also one that becomes an UPDATE; a plain UPDATE has locked the row of the target by now, and two such orders are a deadlock.
 */
export function fillBody(ends: Ends, truth: Truth): Sql {
  if (truth === 'target') return IDLE
  const { sourceRow, targetRow, isOf, isKept, isHeld, key } = of(ends)
  const [from, to] = [id(ends.from), id(ends.to)]
  const isThere = join(
    ends.link.pairs.map(({ target }) => same(sql`t.${id(target)}`, sql`new.${id(target)}`)),
    ' and ',
  )
  const columns = join(ends.link.pairs.map((pair) => id(pair.target)))
  const [message, hint] = [
    `a plain UPDATE cannot change "${ends.to}" of "${ends.target.name}" as long as "${ends.source.name}"."${ends.from}" is there`,
    `Write it with INSERT ... ON CONFLICT (${columns}) DO UPDATE, which locks the row of "${ends.source.name}" first.`,
  ]
  return sql`
declare
  found_there record;
begin
  if ${isKept} then
    if new.${to} is null and old.${to} is null then
      select ${OWN_MARK} s.${from} into new.${to} from ${sourceRow} where ${isOf};
    elsif not ${same(sql`new.${to}`, sql`old.${to}`)} and not ${isHeld}
        and not exists (select ${OWN_MARK} from ${sourceRow} where ${isOf} and ${same(sql`s.${from}`, sql`new.${to}`)}) then
      raise exception using errcode = 'object_not_in_prerequisite_state', message = ${lit(message)}, hint = ${lit(hint)};
    end if;
    return new;
  end if;
  select ${OWN_MARK} s.${from} as value into found_there from ${sourceRow} where ${isOf} for no key update;
  perform pg_catalog.set_config(${lit(ends.held)}, case when found then ${key} else '' end, true);
  -- Where there is a row already it is about to become an UPDATE, which may mean the NULL.
  if (tg_op ${EQUAL} 'INSERT' and new.${to} is null and not exists (select from ${targetRow} where ${isThere}))
      or (tg_op ${EQUAL} 'UPDATE' and (new.${to} is null or ${same(sql`new.${to}`, sql`old.${to}`)})) then
    new.${to} := found_there.value;
  end if;
  return new;
end`
}

/**
 * Behind a write of the source: its row of the target follows. That is locked before it is compared: somebody may be filling it with
 * what was there before. What the rows hold by now counts, not what they held as they were written.
 */
export function pushBody(ends: Ends, truth: Truth): Sql {
  if (truth === 'target') return IDLE
  const { sourceRow, targetRow, isPair, isNew } = of(ends)
  const [from, to] = [id(ends.from), id(ends.to)]
  const differ = sql`not ${same(sql`t.${to}`, sql`s.${from}`)}`
  const taken = sql`update ${OWN_MARK} ${sourceRow} set ${from} = t.${to} from ${targetRow} where ${isNew} and ${isPair} and t.${to} is not null and ${differ};`
  return sql`
begin
  perform ${OWN_MARK} from ${targetRow} where ${isNew} for no key update;
  if not found then
    return null;
  end if;
  -- The same statement may have written the row of the target first.
  if tg_op ${EQUAL} 'INSERT' then
    ${carrying(ends, taken)}
  end if;
  update ${OWN_MARK} ${targetRow} set ${to} = s.${from} from ${sourceRow} where ${isNew} and ${isPair} and ${differ};
  return null;
end`
}

/**
 * Behind a write of the target: its row of the source, which is locked by now, follows. Once the source is hidden nobody reads it
 * there: what was written is only noted, because writers of the two tables have no business with one another any more.
 */
export function carryBody(ends: Ends, truth: Truth): Sql {
  return truth === 'source' ? carriedBody(ends) : notedBody(ends)
}

function carriedBody(ends: Ends): Sql {
  const { sourceRow, targetRow, isPair, isOf, isHeld } = of(ends)
  const [from, to] = [id(ends.from), id(ends.to)]
  const value = valueAtSource(ends)
  const differs = sql`${isOf} and exists (select from ${targetRow} where ${isPair}) and not ${same(sql`s.${from}`, value)}`
  return sql`
begin
  if tg_op ${EQUAL} 'DELETE' then
    return null;
  end if;
  if tg_op ${EQUAL} 'INSERT' and new.${to} is null then
    -- It was given the value of the source, unless the row there came later, or another one of the target went.
    if not ${isHeld} then
      perform ${OWN_MARK} from ${sourceRow} where ${isOf} for no key update;
    end if;
    update ${OWN_MARK} ${targetRow} set ${to} = s.${from} from ${sourceRow} where ${isOf} and ${isPair} and not ${same(sql`t.${to}`, sql`s.${from}`)};
    return null;
  end if;
  if exists (select ${OWN_MARK} from ${sourceRow} where ${differs}) then
    ${carrying(ends, sql`update ${OWN_MARK} ${sourceRow} set ${from} = ${value} where ${differs};`)}
  end if;
  return null;
end`
}

function notedBody(ends: Ends): Sql {
  const { targetKey, isKept } = of(ends)
  const note = (row: 'new' | 'old') => sql`insert into ${qualified(ends.journal)} values (${targetKey(row)});`
  return sql`
begin
  if tg_op ${DIFFERENT} 'DELETE' then
    ${note('new')}
  end if;
  if tg_op ${EQUAL} 'DELETE' or (tg_op ${EQUAL} 'UPDATE' and not (${isKept})) then
    ${note('old')}
  end if;
  return null;
end`
}

/** What a row of the source, called `s`, has to hold by its row of the target. */
export function valueAtSource(ends: Ends): Sql {
  const { targetRow, isPair } = of(ends)
  const held = sql`(select t.${id(ends.to)} from ${targetRow} where ${isPair})`
  return ends.vacant === undefined ? held : sql`coalesce(${held}, ${ends.vacant})`
}

/** The write is none of an old writer. */
function carrying({ carried }: Ends, statement: Sql): Sql {
  return sql`perform pg_catalog.set_config(${lit(carried)}, 'yes', true);
    ${statement}
    perform pg_catalog.set_config(${lit(carried)}, '', true);`
}

export function journalSql({ journal, target, link }: Ends): Sql {
  const keys = join(link.pairs.map((pair) => id(pair.target)))
  return sql`create table ${qualified(journal)} as select ${keys} from ${qualified(target)} with no data`
}

/** Of a row of the source, called `s`: was its row of the target written, or taken away, since the source is hidden? */
export function isNoted({ journal, link }: Ends): Sql {
  return sql`exists (select from ${qualified(journal)} j where ${pairOf(link, 's', 'j')})`
}
