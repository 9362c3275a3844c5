// What a fleet costs the database: instances that register, renew, and are judged by the gate, in milliseconds of database time
// a minute. The time of a call is that of the client less that of an empty statement, in the same run; medians of several runs.
//
//   npm run build && node bench/gate.mjs [instances] [runs]
import { openBellows, startDemoDatabase } from 'bellows'
import pg from 'pg'

const INSTANCES = Number(process.argv[2] ?? 1_000)
const RUNS = Number(process.argv[3] ?? 5)
const RENEWALS_A_MINUTE = 6
const LOOKS_A_MINUTE = 60
const TARGET_MS = 1_000

const MIGRATION = {
  name: '0001_rename',
  operations: [{ kind: 'rename_column', namespace: 'public', table: 'users', from: 'name', to: 'full_name' }],
}

const database = await startDemoDatabase({ rows: 1_000 })
const bellows = await openBellows({ database: database.url, settings: { gate: { quietMs: 60_000 } } })
const client = new pg.Client({ connectionString: database.url, application_name: 'bellows/bench' })
try {
  await client.connect()
  const run = await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  const figures = []
  for (let at = 0; at < RUNS; at += 1) figures.push(await measured(run))
  report(figures)
} finally {
  await client.end()
  await bellows.close()
  await database.stop()
}

async function measured(run) {
  const empty = await each('select 1')
  const register =
    (await each(
      (n) =>
        `select bellows.register('web-${n}', array['users.full_name'], application_name => 'shop/web-${n}')`,
    )) - empty
  const renew = (await each((n) => `select bellows.renew('web-${n}')`)) - empty
  // All statements of a look, with what the process needs beside them: more than the time of the database.
  const look = await timed(20, () => bellows.gates(run))
  return { register, renew, look, minute: INSTANCES * RENEWALS_A_MINUTE * renew + LOOKS_A_MINUTE * look }
}

function each(statement) {
  return timed(INSTANCES, (n) => client.query(typeof statement === 'string' ? statement : statement(n)))
}

/** Milliseconds of one call, over so many. */
async function timed(count, call) {
  const began = performance.now()
  for (let n = 0; n < count; n += 1) await call(n)
  return (performance.now() - began) / count
}

function report(figures) {
  const median = (name) =>
    figures.map((one) => one[name]).sort((a, b) => a - b)[Math.floor(figures.length / 2)]
  const rows = [
    ['register, once an instance', median('register').toFixed(3), ''],
    ['renew, every 10 s', median('renew').toFixed(3), ''],
    ['look of the gate, every second', median('look').toFixed(3), ''],
    [
      `${INSTANCES} instances for a minute`,
      median('minute').toFixed(0),
      `${TARGET_MS}${median('minute') > TARGET_MS ? ' MISSED' : ''}`,
    ],
  ]
  console.log(`| ms, median of ${RUNS} runs | measured | target |\n|---|---:|---:|`)
  for (const row of rows) console.log(`| ${row.join(' | ')} |`)
}
