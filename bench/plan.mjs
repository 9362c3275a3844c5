// What planning costs in a database of ten thousand tables with a hundred thousand columns: a migration of one table, of some, and of all
// of them, in seconds and memory; and what it takes to record the whole schema, and to hold it against the record.
// Beside it stands what reading the whole schema through information_schema takes, as tools do that plan from the difference of two
// schemas. Each figure is that of a process of its own, as of a command, with its connections; medians of several.
//
//   npm run bench:plan -- [tables] [runs]
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startDemoDatabase } from 'bellows'
import { session } from './sessions.mjs'

const TABLES = Number(process.argv[2] ?? 10_000)
const RUNS = Number(process.argv[3] ?? 3)
const TABLES_A_TRANSACTION = 100
const TARGET_SECONDS = 5
const TARGET_MB = 500
const ONCE = fileURLToPath(new URL('./plan-once.mjs', import.meta.url))

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

const COMPARISON = 'for comparison: read all of `information_schema`'
const WORKS = [
  ['plan a rename in 1 table', 'rename', 1],
  ...[200, 1_000]
    .filter((some) => some < TABLES)
    .map((some) => [`plan renames in ${some} tables`, 'rename', some]),
  [`plan a new column in all ${TABLES} tables`, 'add', TABLES],
  ['record the whole schema', 'record'],
  ['hold the whole schema against the record', 'compare'],
  [COMPARISON, 'information_schema'],
]

const database = await startDemoDatabase({ rows: 1 })
try {
  await make()
  const rows = []
  for (const [what, ...work] of WORKS) rows.push({ what, ...(await measured(work)) })
  report(rows)
} finally {
  await database.stop()
}

async function make() {
  const client = await session(database.url)
  for (let n = 1; n <= TABLES; n += TABLES_A_TRANSACTION)
    await client.query(MAKE(n, Math.min(TABLES, n + TABLES_A_TRANSACTION - 1)))
  await client.query('analyze')
  await client.end()
}

async function measured(work) {
  const figures = []
  for (let at = 0; at < RUNS; at += 1) figures.push(await once(work))
  const of = (figure) => median(figures.map((one) => one[figure]))
  return { seconds: of('seconds'), processor: of('processor'), mb: of('mb') }
}

async function once(work) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [ONCE, database.url, TABLES, ...work].map(String),
  )
  return JSON.parse(stdout)
}

function median(figures) {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)]
}

function report(rows) {
  // The processor time is that of our process, with its start: it says the most where the machine is busy with other work.
  console.log(
    `| median of ${RUNS} processes | seconds | processor, s | most memory, MB | target |\n|---|---:|---:|---:|---:|`,
  )
  for (const { what, seconds, processor, mb } of rows) {
    const missed = seconds > TARGET_SECONDS || mb > TARGET_MB ? ' MISSED' : ''
    const target = what === COMPARISON ? '' : `${TARGET_SECONDS} s, ${TARGET_MB} MB${missed}`
    console.log(
      `| ${what} | ${seconds.toFixed(2)} | ${processor.toFixed(2)} | ${mb.toFixed(0)} | ${target} |`,
    )
  }
}
