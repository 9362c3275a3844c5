// What planning costs in a database of ten thousand tables with a hundred thousand columns: a migration of one table, of two hundred,
// and of all of them, in seconds and memory of this process; and what it takes to record the whole schema, and to hold it against the record.
// Beside it stands what reading the whole schema through information_schema takes, as tools do that plan from the difference of two
// schemas. Medians of several runs.
//
//   npm run bench:plan -- [tables] [runs]
import { openBellows, startDemoDatabase } from 'bellows'
import pg from 'pg'

const TABLES = Number(process.argv[2] ?? 10_000)
const RUNS = Number(process.argv[3] ?? 3)
const SOME = 200
const TABLES_A_TRANSACTION = 100
const TARGET_SECONDS = 5
const TARGET_MB = 500

/** Ten columns each, with what a table has: a serial, defaults, a CHECK, a foreign key, two indexes; and a view and a function of some. */
const MAKE = (from, to) => `do $$ begin for n in ${from}..${to} loop
  execute format('create table t_%1$s (id bigserial primary key, name text not null default ''none'', email varchar(80) unique, age integer check (age > 0),
    parent bigint references t_%2$s, created timestamptz not null default now(), updated timestamptz default now(), price numeric(10, 2) default 0,
    kind text not null default ''plain'', note text)', n, greatest(n / 2, 1));
  execute format('create index on t_%s (parent)', n);
  if n % 20 = 0 then
    execute format('create view v_%1$s as select id, name from t_%1$s', n);
    execute format('create function f_%1$s() returns text language sql as ''select note from t_%1$s limit 1''', n);
  end if;
end loop; end $$`

const adding = (n) => ({
  kind: 'add_column',
  namespace: 'public',
  table: `t_${n}`,
  column: 'slug',
  type: 'text',
  nullable: true,
  default: "'x'",
})
const renaming = (n) => ({
  kind: 'rename_column',
  namespace: 'public',
  table: `t_${n}`,
  from: 'name',
  to: 'full_name',
})
const numbers = (count) => Array.from({ length: count }, (_, at) => 1 + Math.floor((at * TABLES) / count))

const MIGRATIONS = [
  ['rename in 1 table', [renaming(7)]],
  [`rename in ${SOME} tables`, numbers(SOME).map(renaming)],
]

const database = await startDemoDatabase({ rows: 1 })
const client = new pg.Client({ connectionString: database.url, application_name: 'bellows/bench' })
const bellows = await openBellows({ database: database.url })
try {
  await client.connect()
  for (let n = 1; n <= TABLES; n += TABLES_A_TRANSACTION)
    await client.query(MAKE(n, Math.min(TABLES, n + TABLES_A_TRANSACTION - 1)))
  await client.query('analyze')
  await bellows.plan({ name: '0001_warm', operations: [renaming(1)] })
  const rows = []
  for (const [what, operations] of MIGRATIONS)
    rows.push(await planned(what, { name: '0001_test', operations }))
  await bellows.change(async (driver) => {
    rows.push(await measured('record the whole schema', () => driver.setBaseline({})))
  })
  rows.push(await measured('hold the whole schema against the record', () => bellows.drift()))
  rows.push(
    await planned(`add to all ${TABLES} tables`, {
      name: '0001_test',
      operations: numbers(TABLES).map(adding),
    }),
  )
  rows.push(await measured('information_schema, the whole of it', () => informationSchema()))
  report(rows)
} finally {
  await bellows.close()
  await client.end()
  await database.stop()
}

async function planned(what, migration) {
  return measured(what, () => bellows.plan(migration))
}

async function measured(what, work) {
  const seconds = []
  for (let at = 0; at < RUNS; at += 1) {
    const began = performance.now()
    await work()
    seconds.push((performance.now() - began) / 1000)
  }
  const median = seconds.sort((a, b) => a - b)[Math.floor(RUNS / 2)]
  return { what, seconds: median, mb: process.resourceUsage().maxRSS / 1024 }
}

async function informationSchema() {
  for (const view of [
    'columns',
    'table_constraints',
    'key_column_usage',
    'constraint_column_usage',
    'check_constraints',
  ])
    await client.query(
      `select * from information_schema.${view} where ${view === 'check_constraints' ? 'constraint_schema' : 'table_schema'} = 'public'`,
    )
  await client.query(`select * from pg_indexes where schemaname = 'public'`)
}

function report(rows) {
  console.log(`| median of ${RUNS} runs | seconds | most memory so far, MB | target |\n|---|---:|---:|---:|`)
  // The most memory so far: whatever needs much comes last.
  for (const { what, seconds, mb } of rows) {
    const missed = seconds > TARGET_SECONDS || mb > TARGET_MB ? ' MISSED' : ''
    console.log(
      `| ${what} | ${seconds.toFixed(2)} | ${mb.toFixed(0)} | ${TARGET_SECONDS} s, ${TARGET_MB} MB${missed} |`,
    )
  }
}
