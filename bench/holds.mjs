// What each step that stops clients of a partitioned table takes while it holds its locks: the time of the processor that the server
// needs from the moment in which it asks for them to the end of its COMMIT, in milliseconds, so that it does not matter what else runs.
// Only on Linux.
//
//   npm run bench:holds -- [partitions, such as 50,200,1000] [runs]
//   CASE=drop_column STATEMENTS=1 npm run bench:holds     one operation, and what each statement of its steps takes
//   BELLOWS_TEST_MAJOR=14 npm run bench:holds             on another version, see scripts/matrix.mjs
import { readFileSync } from 'node:fs'
import { createJiti } from 'jiti'
import { session } from './sessions.mjs'

// Not for users, so the package does not offer it.
const jiti = createJiti(import.meta.url)
const { loadModule } = await import('libpg-query')
const { startEmbedded } = await jiti.import('../src/adapters/postgres/embedded/start.ts')
const { openBellows } = await jiti.import('../src/compose.ts')
const { isTransaction, LOCK_LEVELS } = await jiti.import('../src/core/plan/step.ts')
const { lit, sql } = await jiti.import('../src/core/sql.ts')
const { undoSteps } = await jiti.import('../src/core/plan/plan.ts')
const { faultyBellows } = await jiti.import('../test/support/faulty-ports.ts')
const { matrixBinaries } = await jiti.import('../test/support/matrix.ts')
await loadModule()

const COUNTS = (process.argv[2] ?? '50,200,1000').split(',').map(Number)
const RUNS = Number(process.argv[3] ?? 3)

const unsafe = 'a benchmark'
const on = { namespace: 'public', table: 'events', unsafe }
const BY_OPERATION = {
  'rename_column, with an index and NOT NULL': [{ kind: 'rename_column', ...on, from: 'name', to: 'title' }],
  'rename_column, nullable': [{ kind: 'rename_column', ...on, from: 'said', to: 'told' }],
  change_type: [{ kind: 'change_type', ...on, column: 'seen', type: 'bigint' }],
  'add_column, NOT NULL, from other columns': [
    {
      kind: 'add_column',
      ...on,
      column: 'slug',
      type: 'text',
      nullable: false,
      up: 'lower(name)',
      default: `'none'`,
    },
  ],
  'add_column, nullable': [{ kind: 'add_column', ...on, column: 'slug', type: 'text', nullable: true }],
  'alter_column, NOT NULL': [{ kind: 'alter_column', ...on, column: 'seen', nullable: false }],
  'alter_column, a check': [
    { kind: 'alter_column', ...on, column: 'seen', check: { constraint: 'seen >= 0' } },
  ],
  'alter_column, a default': [{ kind: 'alter_column', ...on, column: 'seen', default: '7' }],
  drop_column: [{ kind: 'drop_column', ...on, column: 'said' }],
  split_column: [
    {
      kind: 'split_column',
      ...on,
      from: 'said',
      to: [
        { name: 'what', type: 'text', nullable: true, up: `split_part(said, ' ', 1)` },
        { name: 'which', type: 'text', nullable: true, up: `split_part(said, ' ', 2)` },
      ],
      down: `what || ' ' || which`,
    },
  ],
  'add_constraint, a foreign key to a plain table': [
    {
      kind: 'add_constraint',
      ...on,
      foreign_key: {
        columns: ['team'],
        references: { namespace: 'public', table: 'teams', columns: ['id'] },
      },
    },
  ],
  'add_constraint, a foreign key from a plain table': [
    {
      kind: 'add_constraint',
      ...on,
      table: 'notes',
      foreign_key: {
        columns: ['event', 'at'],
        references: { namespace: 'public', table: 'events', columns: ['id', 'at'] },
      },
    },
  ],
  'add_constraint, unique': [{ kind: 'add_constraint', ...on, unique: ['seen', 'at'] }],
  'drop_constraint, a check': [{ kind: 'drop_constraint', ...on, name: 'events_check' }],
  'drop_constraint, a foreign key': [{ kind: 'drop_constraint', ...on, name: 'to_place' }],
  'rename_constraint, a check': [{ kind: 'rename_constraint', ...on, from: 'events_check', to: 'events_ok' }],
  drop_index: [{ kind: 'drop_index', ...on, index: 'events_name_idx' }],
  rename_table: [{ kind: 'rename_table', ...on, to: 'happenings' }],
  drop_table: [{ kind: 'drop_table', ...on }],
  'create_object, a trigger': [
    {
      kind: 'create_object',
      namespace: 'public',
      unsafe,
      definition:
        'create trigger x before insert on events for each row execute function suppress_redundant_updates_trigger()',
    },
  ],
}
const CASES = Object.entries(BY_OPERATION).filter(([name]) => name.startsWith(process.env.CASE ?? ''))

const given = (partitions) => `
create table teams (id int primary key); insert into teams select generate_series(0, 9);
create table notes (event int, at int, said text);
create table events (id int not null, at int not null, name text not null, said text, seen int default 1, team int, place int references teams,
  primary key (id, at)) partition by range (at);
alter table events rename constraint events_place_fkey to to_place;
alter table events add constraint events_check check (seen <> -1);
create index events_name_idx on events (name);
do $$ begin for n in 1..${partitions} loop
  execute format('create table events_%s partition of events for values from (%s) to (%s)', n, n, n + 1);
end loop; end $$;
insert into events (id, at, name, said, team, place) select i, p, 'event ' || i, 'x', i % 10, i % 10 from generate_series(1, ${partitions}) p, generate_series(1, 20) i;
insert into notes select id, at, 'x' from events where at < 10;
create schema held;
create table held.marks (n int generated always as identity, pid int, step text, what text, at float8);
create function held.mark(step text, what text) returns boolean language plpgsql as $$ begin
  insert into held.marks (pid, step, what, at) values (pg_backend_pid(), step, what, split_part(pg_read_file('/proc/self/schedstat', 0, 100), ' ', 1)::float8 / 1e6);
  return true; end $$;`

const binaries = matrixBinaries()
const server = await startEmbedded({
  ...(binaries === undefined ? {} : { binaries }),
  settings: { autovacuum: 'off', max_locks_per_transaction: '8192', shared_buffers: '512MB' },
})
try {
  for (const count of COUNTS) {
    const template = `holds_${count}`
    await asRoot(`create database ${template}`)
    const maker = await session(server.databaseUrl(template))
    await maker.query(given(count))
    await maker.query('vacuum analyze')
    await maker.end()
    for (const [name, operations] of CASES) {
      const runs = []
      for (let at = 0; at < RUNS; at += 1) {
        await asRoot(
          'drop database if exists holds_run with (force)',
          `create database holds_run template ${template}`,
        )
        try {
          runs.push(await lived({ name: '0001_test', operations }))
        } catch (error) {
          console.log(`## ${name}, ${count}: ${error.message}`)
          break
        }
      }
      report(name, count, runs)
    }
  }
} finally {
  await server.stop()
}

/** Each step forth as far as there is a way back, back, and forth to the end. */
async function lived(migration) {
  const settings = {
    holdTimeoutMs: 60_000,
    gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a benchmark' },
  }
  const url = server.databaseUrl('holds_run')
  const planner = await openBellows({ database: url, settings })
  const plan = await planner.plan(migration)
  await planner.close()
  const seen = []
  const reader = await session(url)
  const { bellows } = faultyBellows(
    url,
    {
      after: async ({ kind }) => {
        if (kind !== 'transact') return
        const sent = seen.at(-1)
        const { rows } = await reader.query('select pid from held.marks where step = $1 limit 1', [
          sent.label,
        ])
        if (rows.length > 0) sent.doneAt = processorMs(rows[0].pid)
      },
    },
    {
      settings,
      sent: (transaction) => {
        const event = transaction.events.find(({ type }) => type === 'step_done' || type === 'step_started')
        const label = `${seen.length} ${event?.step ?? '-'}`
        seen.push({ label, step: event?.step, locks: transaction.locks })
        return marked(transaction, label)
      },
    },
  )
  try {
    await bellows.change(async (driver) => {
      const hasUndo = undoSteps(plan).length > 0
      const hasPurge = plan.steps.some(({ phase }) => phase === 'purge')
      if (hasPurge) {
        const { id } = await driver.advance(migration, hasUndo ? 'retire' : 'verify')
        if (hasUndo) await driver.undo(id)
        await driver.rollback(id)
      }
      await driver.advance(migration, 'purge')
    })
  } finally {
    await bellows.close()
  }
  const { rows } = await reader.query('select step, what, at from held.marks order by n')
  await reader.end()
  const steps = [...plan.steps, ...plan.rollback]
  return seen.flatMap(({ label, step, doneAt, locks }) => {
    const found = steps.find(({ id }) => id === step)
    const asked = rows.filter((row) => row.step === label)
    // What is asked under the locks is asked once before them, and that holds nobody up.
    const marks = asked.slice(
      Math.max(
        asked.findLastIndex(({ what }) => what === 'locks'),
        0,
      ),
    )
    const levels = locks.filter(({ level }) => LOCK_LEVELS.indexOf(level) >= LOCK_LEVELS.indexOf('share'))
    if (found === undefined || marks.length === 0 || levels.length === 0) return []
    const all = [...marks, { what: 'committed', at: doneAt }]
    const parts = all.slice(1).map(({ at }, n) => [all[n].what, at - all[n].at])
    const tables = 'locks' in found ? new Set(found.locks.map(({ relation }) => relation.name)).size : 0
    const strongest = LOCK_LEVELS.findLast((one) => levels.some(({ level }) => level === one))
    const count = isTransaction(found) ? found.statements.length : 0
    return [{ step, does: found.does, strongest, tables, statements: count, ms: doneAt - marks[0].at, parts }]
  })
}

/** With a mark in front of each of its parts. */
function marked(transaction, label) {
  const mark = (what) => sql`held.mark(${lit(label)}, ${lit(what.replaceAll(/\s+/g, ' ').slice(0, 90))})`
  const { requires, statements, probe, ahead = [] } = transaction
  const look = (what) => ({ that: mark(what), code: 'drift_found', otherwise: 'never' })
  return {
    ...transaction,
    ahead: [...ahead, sql`select ${mark('locks')}`],
    requires: requires.flatMap((one) => [look(`requires ${one.otherwise}`), one]),
    statements: [
      ...statements.flatMap((one) => [sql`select ${mark(one)}`, one]),
      sql`select ${mark('probe')}`,
    ],
    ...(probe === undefined ? {} : { probe: sql`((${probe}) and ${mark('record and commit')})` }),
  }
}

/** What a process has had of the processors: how long a hold is on a machine on which nobody else has anything to do. */
function processorMs(pid) {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
}

async function asRoot(...statements) {
  const root = await session(server.databaseUrl('postgres'))
  for (const statement of statements) await root.query(statement)
  await root.end()
}

function report(name, count, runs) {
  console.log(
    `\n## ${name}, ${count} partitions, PostgreSQL ${process.env.BELLOWS_TEST_MAJOR ?? 18}, least and median of ${runs.length} runs, ms`,
  )
  const [first] = runs
  // One transaction for each partition says nothing of all of them.
  const shown = new Map()
  for (const [at, one] of (first ?? []).entries()) {
    const same = runs.flatMap((run) => run[at] ?? [])
    const key = `${one.step} ${one.does} ${one.strongest}`
    const ms = same.map(({ ms }) => ms).sort((a, b) => a - b)
    const earlier = shown.get(key)
    if (earlier === undefined || earlier.ms[0] < ms[0])
      shown.set(key, { ...one, ms, same, times: (earlier?.times ?? 0) + 1 })
    else earlier.times += 1
  }
  for (const { step, does, strongest, tables, statements, ms, same, times } of shown.values()) {
    const median = ms[Math.floor(ms.length / 2)]
    console.log(
      `${ms[0].toFixed(0).padStart(6)} ${median.toFixed(0).padStart(6)}  ${statements} statements, ${tables} tables, ${(ms[0] / tables).toFixed(3)} a table, ${(ms[0] / tables / Math.max(statements, 1)).toFixed(3)} a statement, ${times}x  ${strongest}  ${step}: ${does.slice(0, 90)}`,
    )
    if (process.env.STATEMENTS === undefined) continue
    const least = same.toSorted((a, b) => a.ms - b.ms)[0]
    for (const [what, tookMs] of least.parts.filter(([, part]) => part > 0.002 * count))
      console.log(`               ${tookMs.toFixed(1).padStart(7)}  ${what}`)
  }
}
