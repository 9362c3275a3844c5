// How long clients wait while the keys of all partitions of a table go over at once: the longest wait of a reader and of a writer, in
// milliseconds, at each of the steps that lock every partition. Nobody else is there, so nobody is waited for: what they see is the hold.
//
//   npm run bench:keys -- [partitions] [rows a partition] [runs]
//   BELLOWS_TEST_MAJOR=14 npm run bench:keys         on another version, see scripts/matrix.mjs
import { createJiti } from 'jiti'
import { session } from './sessions.mjs'

// Not for users, so the package does not offer it.
const jiti = createJiti(import.meta.url)
const { openBellows } = await jiti.import('../src/compose.ts')
const { startEmbedded } = await jiti.import('../src/adapters/postgres/embedded/start.ts')
const { matrixBinaries } = await jiti.import('../test/support/matrix.ts')

const PARTITIONS = Number(process.argv[2] ?? 50)
const ROWS = Number(process.argv[3] ?? 1_000)
const RUNS = Number(process.argv[4] ?? 3)
const DAYS = 400_000

const on = { namespace: 'public', table: 'events' }
const unsafe = 'a benchmark'
const CHANGE = { kind: 'change_type', ...on, column: 'id', type: 'bigint', unsafe }
const RENAME = { kind: 'rename_column', ...on, from: 'id', to: 'number', unsafe }
const KEY = {
  kind: 'add_constraint',
  namespace: 'public',
  table: 'logs',
  name: 'logs_event_at_fkey',
  unsafe,
  foreign_key: { columns: ['event', 'at'], references: { ...on, columns: ['id', 'at'] } },
}

const partitioned = (table, columns) => `
create table ${table} (${columns}) partition by range (at);
do $$ begin for n in 1..${PARTITIONS} loop
  execute format('create table ${table}_%s partition of ${table} for values from (%s) to (%s)', n, n * ${DAYS}, (n + 1) * ${DAYS});
end loop; end $$;`
const filled = (table, columns) =>
  `insert into ${table} (${columns}) select i, p * ${DAYS} + i, 'x' from generate_series(1, ${PARTITIONS}) p, generate_series(1, ${ROWS}) i;`
const EVENTS = `${partitioned('events', 'id int not null, at int not null, name text, primary key (id, at)')} ${filled('events', 'id, at, name')}`
const LOGS = `${partitioned('logs', 'event int, at int, said text')} ${filled('logs', 'event, at, said')}`
const POINTING = `${EVENTS} ${LOGS} alter table logs add foreign key (event, at) references events (id, at);`

const CASES = [
  ['change_type', EVENTS, CHANGE],
  ['rename_column', EVENTS, RENAME],
  ['change_type, at which a partitioned table points', POINTING, CHANGE],
  ['rename_column, at which a partitioned table points', POINTING, RENAME],
  ['add_constraint, a foreign key between them', `${EVENTS} ${LOGS}`, KEY],
].filter(([name]) => process.env.CASE === undefined || name === process.env.CASE)

const WAITS = [
  ['expand', (driver, migration) => driver.advance(migration, 'expand')],
  ['verify', (driver, migration) => driver.advance(migration, 'verify')],
  ['retire', (driver, migration) => driver.advance(migration, 'retire')],
  ['undo', (driver) => driver.undo(1)],
  ['retire again', (driver, migration) => driver.advance(migration, 'retire')],
  ['purge', (driver, migration) => driver.advance(migration, 'purge')],
]

const binaries = matrixBinaries()
const server = await startEmbedded({
  ...(binaries === undefined ? {} : { binaries }),
  settings: { autovacuum: 'off', max_locks_per_transaction: '1024' },
})
const results = []
try {
  for (const [name, given, operation] of CASES) {
    const runs = []
    for (let at = 0; at < RUNS; at += 1)
      runs.push(await lived(`keys_${results.length}_${at}`, given, operation))
    results.push([name, runs])
  }
  report()
} finally {
  await server.stop()
}

async function lived(name, given, operation) {
  const root = await session(server.databaseUrl('postgres'))
  await root.query(`create database ${name}`)
  await root.end()
  const maker = await session(server.databaseUrl(name))
  await maker.query(given)
  await maker.query('vacuum analyze')
  const bellows = await openBellows({
    database: server.databaseUrl(name),
    settings: {
      gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a benchmark' },
    },
  })
  const migration = { name: '0001_test', operations: [operation] }
  const waits = {}
  try {
    for (const [what, work] of WAITS) {
      if (operation === KEY && (what === 'undo' || what === 'retire again')) continue
      waits[what] = await watched(name, () => bellows.change((driver) => work(driver, migration)))
    }
  } finally {
    await bellows.close()
    await maker.end()
  }
  return waits
}

/** What a reader and a writer of one partition wait at most, while `work` is done. */
async function watched(name, work) {
  const stop = { now: false }
  const statements = [
    'select from events where at = 1',
    `update events set name = 'y' where at = ${DAYS + 1}`,
  ]
  const clients = await Promise.all(
    statements.map(async (statement) => {
      const client = await session(server.databaseUrl(name))
      await client.query(statement)
      return [client, statement]
    }),
  )
  const waiting = clients.map(([client, statement]) => longestWait(client, statement, stop))
  await work().finally(() => {
    stop.now = true
  })
  const longest = Math.max(...(await Promise.all(waiting)))
  for (const [client] of clients) await client.end()
  return longest
}

async function longestWait(client, statement, stop) {
  let longest = 0
  while (!stop.now) {
    const began = performance.now()
    await client.query(statement)
    longest = Math.max(longest, performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return longest
}

function report() {
  const steps = WAITS.map(([what]) => what)
  console.log(
    `${PARTITIONS} partitions of ${ROWS} rows, ${process.env.BELLOWS_TEST_MAJOR ?? 18}, median of ${RUNS} runs, ms`,
  )
  console.log(`| | ${steps.join(' | ')} |\n|---|${steps.map(() => '---:|').join('')}`)
  for (const [name, runs] of results)
    console.log(`| ${name} | ${steps.map((what) => median(runs.map((run) => run[what]))).join(' | ')} |`)
}

function median(figures) {
  const sorted = figures.filter((one) => one !== undefined).sort((a, b) => a - b)
  return sorted.length === 0 ? '' : sorted[Math.floor(sorted.length / 2)].toFixed(0)
}
