// What a fleet costs the database: instances that register, renew, and are judged by the gate, in milliseconds of database time
// a minute. Database time is what the server itself counts as spent in statements (pg_stat_database.active_time: parsing,
// planning and execution in all sessions), without the process that asks; medians of several runs.
//
//   npm run bench:gate -- [instances] [runs]
import { openBellows, startDemoDatabase } from 'bellows'
import { createJiti } from 'jiti'
import pg from 'pg'

// Not for users, so the package does not offer it.
const { pauseBetweenLooks } = await createJiti(import.meta.url).import('../src/cli/commands/gate.ts')

const INSTANCES = Number(process.argv[2] ?? 1_000)
const RUNS = Number(process.argv[3] ?? 5)
const RENEWALS_A_MINUTE = 6
const LOOKS = 30
/** Of instances, which the gate goes through at each look; fewer than a server has by default. */
const SESSIONS = 80
const IDLE_FLUSH_MS = 11_000
const TARGET_MS = 1_000

const MIGRATION = {
  name: '0001_rename',
  operations: [{ kind: 'rename_column', namespace: 'public', table: 'users', from: 'name', to: 'full_name' }],
}

const database = await startDemoDatabase({ rows: 1_000 })
const bellows = await openBellows({ database: database.url, settings: { gate: { quietMs: 60_000 } } })
const client = new pg.Client({ connectionString: database.url, application_name: 'bellows/bench' })
const counter = new pg.Client({ connectionString: database.url, application_name: 'bellows/bench' })
const others = []
try {
  await client.connect()
  await counter.connect()
  const sessions = Array.from(
    { length: SESSIONS },
    (_, n) => new pg.Client({ connectionString: database.url, application_name: `shop/web-${n}` }),
  )
  others.push(...sessions)
  for (const session of sessions) await session.connect()
  const run = await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  const figures = []
  for (let at = 0; at < RUNS; at += 1) figures.push(await measured(run))
  report(figures)
} finally {
  for (const session of others) await session.end()
  await counter.end()
  await client.end()
  await bellows.close()
  await database.stop()
}

/** First all instances still need what goes, which is the most that a look can find; then none does. */
async function measured(run) {
  const register = await each((n) => [
    `select bellows.register($1, array['users.name'], application_name => $2)`,
    [`web-${n}`, `shop/web-${n}`],
  ])
  const renew = await each((n) => [`select bellows.renew($1)`, [`web-${n}`]])
  const old = await look(run)
  await client.query(`delete from bellows.instance_use`)
  await each((n) => [`select bellows.renew($1, array['users.full_name'])`, [`web-${n}`]])
  const none = await look(run)
  const renewals = INSTANCES * RENEWALS_A_MINUTE * renew
  return {
    register,
    renew,
    lookAtOld: old.spent,
    lookAtNew: none.spent,
    // As if all of them began in that minute, too.
    minute: INSTANCES * register + renewals + Math.max(old.minute, none.minute),
  }
}

async function each(call) {
  const before = await activeTime()
  for (let n = 0; n < INSTANCES; n += 1) await client.query(...call(n))
  return ((await activeTime()) - before) / INSTANCES
}

async function look(run) {
  const before = await activeTime()
  const began = performance.now()
  for (let n = 0; n < LOOKS; n += 1) await bellows.gates(run)
  const lookMs = (performance.now() - began) / LOOKS
  // Sessions of others hand in what they counted when they have been idle for so long.
  await new Promise((resolve) => setTimeout(resolve, IDLE_FLUSH_MS))
  const spent = ((await activeTime()) - before) / LOOKS
  return { spent, minute: (60_000 / (lookMs + pauseBetweenLooks(lookMs))) * spent }
}

/** Milliseconds of database time of all sessions that have handed in what they counted, and of this one. */
async function activeTime() {
  await client.query('select pg_stat_force_next_flush()')
  const { rows } = await counter.query(
    'select active_time from pg_stat_database where datname = current_database()',
  )
  return rows[0].active_time
}

function report(figures) {
  const median = (name) =>
    figures.map((one) => one[name]).sort((a, b) => a - b)[Math.floor(figures.length / 2)]
  const rows = [
    ['register, once an instance', median('register').toFixed(3), ''],
    ['renew, every 10 s', median('renew').toFixed(3), ''],
    ['look of "gate wait", all instances old', median('lookAtOld').toFixed(3), ''],
    ['look of "gate wait", none old', median('lookAtNew').toFixed(3), ''],
    [
      `${INSTANCES} instances for a minute`,
      median('minute').toFixed(0),
      `${TARGET_MS}${median('minute') > TARGET_MS ? ' MISSED' : ''}`,
    ],
  ]
  console.log(`| ms of database time, median of ${RUNS} runs | measured | target |\n|---|---:|---:|`)
  for (const row of rows) console.log(`| ${row.join(' | ')} |`)
}
