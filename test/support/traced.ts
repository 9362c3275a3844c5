import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { lockMode } from '../../src/core/plan/locks.ts'
import { isTransaction, LOCK_LEVELS, type LockLevel, type Step } from '../../src/core/plan/step.ts'
import type { QualifiedName } from '../../src/core/schema/model.ts'
import { lit, sql, trusted } from '../../src/core/sql.ts'
import type { Transaction } from '../../src/engine/ports.ts'
import type { TestDatabase } from './database.ts'
import { type Around, described } from './faulty-ports.ts'

/** What one transaction of the driver did to the tables of the user, or one statement outside of any. */
export interface Trace {
  /** Of a step; null for what the engine does around them. */
  readonly step: string | null
  readonly locks: readonly { readonly relation: QualifiedName; readonly level: LockLevel }[]
  /** Tables that were there at the start and were read from one end to the other, in the order of their names. */
  readonly scanned: readonly string[]
  /** Tables that were there at the start and whose file is another one afterwards. */
  readonly rewritten: readonly string[]
}

export interface Tracing {
  readonly sent: (transaction: Transaction) => Transaction
  readonly around: Around
  readonly traces: () => Promise<readonly Trace[]>
}

/**
 * Relations that a lock is counted for, by what it is taken on. An index counts for its table, because every statement on the table
 * is planned with a lock on each of its indexes; so does the sequence of an identity, which only the rows of the table take numbers
 * from, and a TOAST table. Left out are the catalogs, which no statement of an application keeps locked, and the namespace of
 * Bellows, in which no application has a table; whatever a transaction makes itself, as nobody can see it before it ends; and an
 * index that is on its way out and dead already, which no statement is planned with.
 */
const COUNTED = `
  select c.oid as relation, n.nspname as namespace, s.relname as name, s.oid as subject
    from pg_class c left join pg_index i on i.indexrelid = c.oid
    left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i' and c.relkind = 'S'
    left join pg_class toasted on toasted.reltoastrelid = coalesce(i.indrelid, c.oid)
    join pg_class s on s.oid = coalesce(toasted.oid, i.indrelid, d.refobjid, c.oid)
    join pg_namespace n on n.oid = s.relnamespace
    where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'bellows', 'traced')`

const SET_UP = `
create schema traced;
create table traced.given as select o.relation from (${COUNTED}) o where o.relation = o.subject;
create table traced.before (relation oid, namespace text, name text, subject oid, scans bigint, file oid);
create table traced.transaction (at integer generated always as identity, step text, locks json, scanned json, rewritten json);
create function traced.begins() returns void language sql as $$
  delete from traced.before;
  insert into traced.before
    select o.*, pg_stat_get_xact_numscans(o.relation), pg_relation_filenode(o.relation) from (${COUNTED}) o $$;
create function traced.locks(of integer) returns json language sql as $$
  select coalesce(json_agg(distinct jsonb_build_object('namespace', b.namespace, 'name', b.name, 'mode', l.mode)), '[]')
    from pg_locks l join traced.before b on b.relation = l.relation
    where l.pid = of and l.database = (select oid from pg_database where datname = current_database())
      and not exists (select from pg_index i where i.indexrelid = l.relation and not i.indislive) $$;
create function traced.names(of oid[]) returns json language sql as $$
  select coalesce(json_agg(distinct b.name order by b.name), '[]') from traced.before b where b.relation = any (of) $$;
create function traced.ends() returns trigger language plpgsql as $$ begin
  update traced.transaction t set locks = traced.locks(pg_backend_pid()),
      scanned = traced.names(array(select relation from traced.before where relation in (select relation from traced.given) and pg_stat_get_xact_numscans(relation) > scans)),
      rewritten = traced.names(array(select relation from traced.before b where relation in (select relation from traced.given) and exists (select from pg_class where oid = relation and relkind in ('r', 'm'))
        and pg_relation_filenode(relation) is distinct from file))
    where t.at = new.at;
  return null; end $$;
-- Deferred, so that it sees what the transaction holds when it is about to end.
create constraint trigger ends after insert on traced.transaction deferrable initially deferred for each row execute function traced.ends()`

/** Has every transaction of a driver on the database write down, right before its COMMIT, which locks it holds and what it read. */
export async function tracing(database: TestDatabase, steps: readonly Step[]): Promise<Tracing> {
  await database.query(SET_UP)
  const samples: Traced[] = []
  const ids = steps.map(({ id }) => id)
  let started: string | null = null
  let stop: () => Promise<void> = async () => undefined
  return {
    sent: (transaction) => {
      for (const event of transaction.events) if (event.type === 'step_started') started = event.step
      return { ...transaction, ...traced(transaction, stepOf(transaction, ids)) }
    },
    around: {
      before: async ({ kind, what }) => {
        if (kind !== 'outside') return
        await database.query('select traced.begins()')
        const step = aheadOf(steps, what) ?? started
        stop = await sampling(database, (locks) => samples.push({ step, locks, scanned: [], rewritten: [] }))
      },
      after: async ({ kind }) => {
        if (kind === 'outside') await stop()
      },
    },
    traces: async () => {
      const ended = await database.query<Traced>(
        'select step, locks, scanned, rewritten from traced.transaction order by at',
      )
      return [...ended, ...samples].map((trace) => ({ ...trace, locks: trace.locks.map(levelled) }))
    },
  }
}

type Locks = readonly (QualifiedName & { readonly mode: string })[]
type Traced = Omit<Trace, 'locks'> & { readonly locks: Locks }

function levelled({ mode, ...relation }: Locks[number]): Trace['locks'][number] {
  const level = LOCK_LEVELS.find((one) => lockMode(one) === mode)
  if (level === undefined) throw new Error(`${mode} is the mode of no table lock`)
  return { relation, level }
}

function traced(
  { ahead = [], statements }: Transaction,
  step: string | null,
): Pick<Transaction, 'ahead' | 'statements'> {
  const label = step === null ? trusted('null') : lit(step)
  return {
    ahead: [sql`select traced.begins()`, ...ahead],
    statements: [...statements, sql`insert into traced.transaction (step) values (${label})`],
  }
}

/** A transaction records that its step is done, or goes on, or moves the checkpoint of its step on. */
function stepOf({ events, statements }: Transaction, steps: readonly string[]): string | null {
  const own = events.find((event) => event.type === 'step_done' || event.type === 'step_started')
  if (own !== undefined) return own.step
  return steps.find((step) => statements.some((statement) => statement.includes(lit(step)))) ?? null
}

/** What a transaction has brought about before it begins says nothing of its step. */
function aheadOf(steps: readonly Step[], what: string): string | undefined {
  return steps.find((step) => isTransaction(step) && step.ahead?.some((one) => described([one]) === what))?.id
}

const PAUSE_MS = 2

/**
 * Looks again and again at the locks of the session that has the driver's lock, until it is stopped. So that nothing that a
 * statement does is too short to be seen, a writer is in its way: when the statement waits it is looked at, and the writer makes
 * room for another one, who is in the way of what comes next.
 */
async function sampling(database: TestDatabase, seen: (locks: Locks) => void): Promise<() => Promise<void>> {
  const looking = await database.session('a look at locks')
  let writer = await writing(database)
  let isGoingOn = true
  const look = async (): Promise<void> => {
    while (isGoingOn) {
      const { rows } = await looking.query(DRIVER)
      for (const { locks, waits } of rows) {
        seen(locks)
        if (waits !== 'none') writer = await relieved(database, writer, waits)
      }
      await sleep(PAUSE_MS)
    }
    await writer.end()
    await looking.end()
  }
  const looked = look()
  return async () => {
    isGoingOn = false
    await looked
  }
}

const DRIVER = `
select traced.locks(l.pid), case when bool_or(w.locktype = 'relation') then 'table' when count(w) > 0 then 'writer' else 'none' end as waits
  from pg_locks l left join pg_locks w on w.pid = l.pid and not w.granted
  where l.locktype = 'advisory' and (l.classid, l.objid) = (1650814060, 1870099200) and l.granted
    and l.database = (select oid from pg_database where datname = current_database())
  group by l.pid`

/** Behind one who waits for the table itself nobody gets a lock any more, so there the writer goes first. */
async function relieved(database: TestDatabase, writer: Client, waits: 'table' | 'writer'): Promise<Client> {
  if (waits === 'table') await writer.end()
  const next = await writing(database)
  if (waits === 'writer') await writer.end()
  return next
}

async function writing(database: TestDatabase): Promise<Client> {
  const writer = await database.session('a writer')
  const { rows } = await writer.query(
    `select string_agg(format('%I.%I', namespace, name), ', ') as tables from traced.before
      where relation = subject and exists (select from pg_class where oid = relation and relkind in ('r', 'p'))`,
  )
  await writer.query(`begin; lock table ${rows[0].tables} in row exclusive mode`)
  return writer
}
