import type { QualifiedName } from '../schema/model.ts'
import { id, join, lit, OWN_MARK, regclass, type Sql, sql, trusted } from '../sql.ts'
import type { BackfillStep } from './step.ts'
import type { Tried } from './tried.ts'

/** What a trial found. */
export interface Trial {
  /** Of the table and its partitions, and those of which every row was tried. */
  readonly pages: number
  readonly seen: number
  readonly found: readonly BadRow[]
}

/** A row that cannot have what it is to get, by its key and by what that would be made of. */
export interface BadRow {
  readonly row: Readonly<Record<string, unknown>>
  readonly because: string
}

/** So long it looks, and one row more. */
export const TRIAL_MS = 2_000
const ROWS_SHOWN = 5
const VALUE_CHARACTERS = 100
/** Read one after the other. */
const STRETCH_PAGES = 16
/** Stretches are taken in an order in which they lie far apart from the first ones on: see Weyl's sequence of the golden ratio. */
const GOLDEN = '0.618'
/** What a row causes: two answers to a lookup, data exceptions, broken rules, what a function raises. Source: appendix A of the manual. */
const OF_ROWS = '^(21|22|23|54|P0)'
const RESULT = 'bellows.trial'
const PLACE = id('bellows place')

/** Those of one table. */
export type Filling = Pick<BackfillStep, 'id' | 'table' | 'key' | 'tries'>

/** Where rows that fail are left out by the backfill only a NULL is in the way. */
export interface Rules {
  readonly leavesOut: boolean
}

/** Is there anything that a row could break? */
export function isWorthTrying({ tries = [] }: Filling, { leavesOut }: Rules): boolean {
  return leavesOut ? tries.some(({ notNull }) => notNull) : tries.length > 0
}

/**
 * Gives each row what the trigger would, in a variable: what fails fails as it would there, and no row is written. It reads stretches of
 * pages all over the table until its time is over or all are read, so it needs no estimate of how long that takes.
 */
export function trialSql({ table, key, tries = [] }: Filling, { leavesOut }: Rules): Sql {
  const sources = tries.flatMap(({ from, column, type }) => (type === undefined ? [...from, column] : from))
  const made = tries.flatMap(({ column, type }) =>
    type === undefined ? [] : [sql`null::${type} as ${id(column)}`],
  )
  const fields = [sql`ctid as ${PLACE}`, ...unique(sources).map(id), ...made]
  const shown = unique([...key, ...tries.flatMap(({ from }) => from)])
  const leaf = sql`leaves[leaf]::regclass::text`
  const rows = sql`${lit(sql`select ${OWN_MARK} ${join(fields)} from only `)} || ${leaf} || ' where ctid > $1 and ctid < $2'`
  const row = sql`${lit(sql`select ${OWN_MARK} ${shownSql(key, shown)} from only `)} || ${leaf} || ' where ctid = $1'`
  const body = sql`
declare
  until timestamptz := clock_timestamp() + interval '${lit(TRIAL_MS)} ms';
  leaves oid[]; sizes bigint[]; starts bigint[]; pages bigint; stretches bigint; step bigint;
  at bigint; leaf integer; first bigint; behind bigint; place tid; before tid; is_through boolean;
  new record; because text; shown jsonb; seen bigint := 0; bad jsonb := '[]';
begin
${stretchesSql(table)}
  <<stretch>>
  for n in 0 .. coalesce(stretches, 0) - 1 loop
    exit when clock_timestamp() > until;
    at := (n * step) % stretches;
    leaf := width_bucket(at, starts);
    first := (at - starts[leaf]) * ${lit(STRETCH_PAGES)};
    behind := least(first + ${lit(STRETCH_PAGES)}, sizes[leaf]);
    place := format('(%s,0)', first)::tid;
    loop
      before := place;
      because := null;
      is_through := true;
      begin
        for new in execute ${rows} using place, format('(%s,1)', behind)::tid loop
          exit stretch when clock_timestamp() > until;
          place := new.${PLACE};
${join(tries.map(linesOf), '\n')}
          is_through := because is null;
          exit when not is_through;
        end loop;
      exception when others then
        -- Without a row that was come to it is not of a row.
        if sqlstate !~ ${lit(OF_ROWS)} or place = before then raise; end if;
        is_through := false;
        because := ${leavesOut ? sql`null` : sql`sqlerrm`};
      end;
      if because is not null then
        execute ${row} into shown using place;
        -- Not of a row that somebody has changed meanwhile.
        if shown is not null then
          bad := bad || jsonb_build_object('row', shown, 'because', because);
        end if;
        exit stretch when jsonb_array_length(bad) >= ${lit(ROWS_SHOWN)};
      end if;
      exit when is_through;
    end loop;
    seen := seen + behind - first;
  end loop;
  perform set_config(${lit(RESULT)}, jsonb_build_object('pages', coalesce(pages, 0), 'seen', seen, 'found', bad)::text, true);
end`
  return sql`do ${lit(body)}`
}

/** The pages of all partitions, numbered by stretches one behind the other, and how far it is from each stretch to the next one. */
function stretchesSql(table: QualifiedName): Sql {
  return sql`  select array_agg(oid order by oid), array_agg(size order by oid), array_agg(total - own order by oid), sum(size), sum(own)
    into leaves, sizes, starts, pages, stretches
    from (select oid, size, own, sum(own) over (order by oid) as total
      from (select c.oid, s.size, (s.size + ${lit(STRETCH_PAGES - 1)}) / ${lit(STRETCH_PAGES)} as own
        from (select relid from pg_partition_tree(${regclass(table)}) union select ${regclass(table)}) part
        join pg_class c on c.oid = part.relid and c.relkind = 'r'
        cross join lateral (select pg_relation_size(c.oid) / current_setting('block_size')::bigint as size) s) sized
      where size > 0) summed;
  step := greatest(1, round(stretches * ${trusted(GOLDEN)}));
  while gcd(step, stretches) > 1 loop
    step := step + 1;
  end loop;`
}

/** What it found. */
export const TRIAL: Sql = sql`select t.* from pg_catalog.jsonb_to_record(pg_catalog.current_setting(${lit(RESULT)})::pg_catalog.jsonb) as t (pages bigint, seen bigint, found jsonb)`

function linesOf({ column, called, values, notNull }: Tried): Sql {
  const field = sql`new.${id(column)}`
  const filled = values.map((value) => sql`          if ${field} is null then ${field} := ${value}; end if;`)
  const missing = notNull
    ? [
        sql`          if ${field} is null then because := ${lit(`"${called}" would be NULL, and is to be NOT NULL`)}; end if;`,
      ]
    : []
  return join([...filled, ...missing], '\n')
}

/** In a table without a key a row is known by its place. */
function shownSql(key: readonly string[], names: readonly string[]): Sql {
  const place = key.length === 0 ? [sql`'ctid', ctid::text`] : []
  const pairs = names.map((name) =>
    key.includes(name)
      ? sql`${lit(name)}, ${id(name)}`
      : sql`${lit(name)}, left(${id(name)}::text, ${lit(VALUE_CHARACTERS)})`,
  )
  return sql`jsonb_build_object(${join([...place, ...pairs])})`
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
}
