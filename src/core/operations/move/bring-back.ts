import { same } from '../../plan/dual-write.ts'
import { id, join, lit, OWN_MARK, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { type Ends, EQUAL, of, pairOf, valueAtSource } from './bodies.ts'

/** Rows of the source, by what was noted of those of the target. */
function broughtBackSql(ends: Ends, noted?: Sql): Sql {
  const { sourceRow } = of(ends)
  const [from, value] = [id(ends.from), valueAtSource(ends)]
  // A key may have the name of a variable.
  const keys = join(ends.link.pairs.map((pair) => sql`n.${id(pair.target)}`))
  const which = noted === undefined ? sql`` : sql` where ${noted}`
  return sql`update ${OWN_MARK} ${sourceRow} set ${from} = ${value} from (select distinct ${keys} from ${qualified(ends.journal)} n${which}) j where ${pairOf(ends.link, 's', 'j')} and not ${same(sql`s.${from}`, value)}`
}

/**
 * Of what was noted by now, while writers go on: there may be more than can be brought back while they wait. They note only, so a
 * batch meets none but those who write other columns of the source, and it gives way to these.
 */
export function bringBackAheadSql(ends: Ends): Sql {
  const isAmong = sql`n.ctid ${EQUAL} any (bringing.notes)`
  const body = sql`
<<bringing>>
declare
  notes pg_catalog.tid[];
  misses pg_catalog.int4 := 0;
begin
  loop
    begin
      perform pg_catalog.set_config('lock_timeout', '${trusted(String(LOCK_TIMEOUT_MS))}', true), pg_catalog.set_config(${lit(ends.carried)}, 'yes', true);
      notes := array(select n.ctid from ${qualified(ends.journal)} n limit ${lit(NOTES_AT_ONCE)});
      ${broughtBackSql(ends, isAmong)};
      delete from ${qualified(ends.journal)} n where ${isAmong};
    exception when lock_not_available then
      misses := misses operator(pg_catalog.+) 1;
      perform pg_catalog.pg_sleep(0.05);
    end;
    commit;
    exit when misses operator(pg_catalog.>) ${lit(MISSES_MAX)} or pg_catalog.cardinality(notes) operator(pg_catalog.<) ${lit(NOTES_AT_ONCE)};
  end loop;
end`
  return sql`do ${lit(body)}`
}

const NOTES_AT_ONCE = 1_000
/** Then the transaction behind it tries, and says who holds the rows. */
const MISSES_MAX = 100
/** Less than after what the server looks for a deadlock: it is never the application that loses one. */
const LOCK_TIMEOUT_MS = 300

/** What was noted, in the source again: nothing that was written to the target is lost with its column. */
export function bringBackSql(ends: Ends): readonly Sql[] {
  return [
    sql`select pg_catalog.set_config(${lit(ends.carried)}, 'yes', true)`,
    broughtBackSql(ends),
    sql`drop table ${qualified(ends.journal)}`,
    // Nothing may wait for the end of the transaction: it would be in the way of whatever alters the table next.
    sql`set constraints all immediate`,
  ]
}
