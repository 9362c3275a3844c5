import { same } from '../../plan/dual-write.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { id, join, lit, OWN_MARK, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { joined, type Link } from './move.ts'

/** Two columns of two tables that triggers keep equal, row by row of the target. */
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
}

/** Whose is the value? Until the old column is hidden the source says what it is, and the target afterwards. */
export type Truth = 'source' | 'target'

/** So long a writer of the target lets others end who have its row of the source, before it looks whether they wait for it. */
const PATIENCE_MS = 200
const PAUSE_MS = 5

const EQUAL = trusted('operator(pg_catalog.=)')

/**
 * All names are qualified, and no function has settings of its own: the triggers of users on both tables fire within these
 * functions, and are to find what they always find.
 */
function of({ source, target, link }: Ends) {
  return {
    sourceRow: sql`${qualified(source)} s`,
    targetRow: sql`${qualified(target)} t`,
    isPair: joined(
      link,
      (column) => sql`s.${id(column)}`,
      (column) => sql`t.${id(column)}`,
    ),
    /** Of a row of the target, as a trigger has it. */
    isOf: (row: 'new' | 'old') =>
      joined(
        link,
        (column) => sql`s.${id(column)}`,
        (column) => sql`${trusted(row)}.${id(column)}`,
      ),
    targetKey: (row: 'new' | 'old') =>
      join(link.pairs.map((pair) => sql`${trusted(row)}.${id(pair.target)}`)),
  }
}

/**
 * Before a row of the target is written. One that nobody sees yet under its key is not found by whoever writes the source, so its
 * row there is locked; for any other the lock of the row itself keeps the two apart.
 */
export function fillBody(ends: Ends, truth: Truth): Sql {
  if (truth === 'target')
    return sql`
begin
  return new;
end`
  const { sourceRow, isOf, targetKey } = of(ends)
  const [from, to] = [id(ends.from), id(ends.to)]
  return sql`
declare
  held record;
begin
  if tg_op ${EQUAL} 'UPDATE' and ${same(targetKey('new'), targetKey('old'))} then
    if new.${to} is null and old.${to} is null then
      select ${OWN_MARK} s.${from} into new.${to} from ${sourceRow} where ${isOf('new')};
    end if;
    return new;
  end if;
  select ${OWN_MARK} s.${from} as value into held from ${sourceRow} where ${isOf('new')} for no key update;
  if new.${to} is null or (tg_op ${EQUAL} 'UPDATE' and ${same(sql`new.${to}`, sql`old.${to}`)}) then
    new.${to} := held.value;
  end if;
  return new;
end`
}

/** Behind a write of the source: its row of the target follows. What the rows hold by now counts, not what they held as they were written. */
export function pushBody(ends: Ends, truth: Truth): Sql {
  const { sourceRow, targetRow, isPair } = of(ends)
  const [from, to] = [id(ends.from), id(ends.to)]
  const isNew = joined(
    ends.link,
    (column) => sql`new.${id(column)}`,
    (column) => sql`t.${id(column)}`,
  )
  const differ = sql`not ${same(sql`t.${to}`, sql`s.${from}`)}`
  const isGiven = truth === 'source' ? sql`t.${to} is not null and ` : sql``
  const follow =
    truth === 'source'
      ? sql`
  update ${OWN_MARK} ${targetRow} set ${to} = s.${from} from ${sourceRow} where ${isNew} and ${isPair} and ${differ};`
      : sql``
  return sql`
begin
  -- The same statement may have written the row of the target first.
  if tg_op ${EQUAL} 'INSERT' then
    perform pg_catalog.set_config(${lit(ends.carried)}, 'yes', true);
    update ${OWN_MARK} ${sourceRow} set ${from} = t.${to} from ${targetRow} where ${isNew} and ${isPair} and ${isGiven}${differ};
    perform pg_catalog.set_config(${lit(ends.carried)}, '', true);
  end if;${follow}
  return null;
end`
}

/** Behind a write of the target: its row of the source follows, also that of a row which is gone, once the source is hidden. */
export function carryBody(ends: Ends, truth: Truth): Sql {
  const { targetKey } = of(ends)
  const isLeft = sql`tg_op ${EQUAL} 'DELETE' or (tg_op ${EQUAL} 'UPDATE' and not ${same(targetKey('new'), targetKey('old'))})`
  const left =
    truth === 'source'
      ? sql``
      : sql`
`
  // An INSERT that leaves it out was given the value of the source, unless that comes later in the same statement.
  const isGiven =
    truth === 'source' ? sql` and (tg_op ${EQUAL} 'UPDATE' or new.${id(ends.to)} is not null)` : sql``
  return sql`
declare
  began pg_catalog.timestamptz := pg_catalog.clock_timestamp();
begin
  if tg_op operator(pg_catalog.<>) 'DELETE'${isGiven} then${settled(ends, 'new', truth)}
  end if;${left}
  return null;
end`
}

/**
 * The row of the target is locked by now. Whoever has the one of the source may wait for it, and would do so for ever if this
 * waited, too: the server would end one of the two, whichever. So this asks again and again without standing in line, and gives way.
 */
function settled(ends: Ends, row: 'new' | 'old', truth: Truth): Sql {
  const { sourceRow, targetRow, isPair, isOf } = of(ends)
  const from = id(ends.from)
  const held = sql`(select t.${id(ends.to)} from ${targetRow} where ${isPair})`
  const value = ends.vacant === undefined ? held : sql`coalesce(${held}, ${ends.vacant})`
  const isThere = truth === 'source' ? sql` and exists (select from ${targetRow} where ${isPair})` : sql``
  const differs = sql`${isOf(row)} and not ${same(sql`s.${from}`, value)}${isThere}`
  const [message, hint] = [
    `somebody else is writing the row of "${ends.source.name}" that this row of "${ends.target.name}" belongs to, and waits for it`,
    'Run the transaction again.',
  ]
  return sql`
    if exists (select ${OWN_MARK} from ${sourceRow} where ${differs}) then
      loop
        perform ${OWN_MARK} from ${sourceRow} where ${isOf(row)} for no key update skip locked;
        exit when found;
        if pg_catalog.clock_timestamp() operator(pg_catalog.>) (began operator(pg_catalog.+) ${lit(`${PATIENCE_MS} milliseconds`)}::pg_catalog.interval)
            and exists (select from pg_catalog.pg_locks w where not w.granted
              and pg_catalog.pg_backend_pid() operator(pg_catalog.=) any (pg_catalog.pg_blocking_pids(w.pid))) then
          raise exception using errcode = 'serialization_failure', message = ${lit(message)}, hint = ${lit(hint)};
        end if;
        perform pg_catalog.pg_sleep(${trusted(String(PAUSE_MS / 1000))});
      end loop;
      perform pg_catalog.set_config(${lit(ends.carried)}, 'yes', true);
      update ${OWN_MARK} ${sourceRow} set ${from} = ${value} where ${differs};
      perform pg_catalog.set_config(${lit(ends.carried)}, '', true);
    end if;`
}
