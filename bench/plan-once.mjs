// One piece of work of plan.mjs, in a process that has done nothing else: so its memory is that of this work, and its time that of a command.
//
//   node bench/plan-once.mjs <url> <tables> <work> [of so many tables]
import { openBellows } from 'bellows'
import { session } from './sessions.mjs'

const [url, all, work, some = '0'] = process.argv.slice(2)

const renaming = (n) => ({
  kind: 'rename_column',
  namespace: 'public',
  table: `t_${n}`,
  from: 'name',
  to: 'full_name',
})
const adding = (n) => ({
  kind: 'add_column',
  namespace: 'public',
  table: `t_${n}`,
  column: 'slug',
  type: 'text',
  nullable: true,
  default: "'x'",
})
/** Spread over all tables. */
const migration = (operation) => ({
  name: '0001_test',
  operations: Array.from({ length: Number(some) }, (_, at) => operation(1 + Math.floor((at * all) / some))),
})

const WORKS = {
  rename: (bellows) => bellows.plan(migration(renaming)),
  add: (bellows) => bellows.plan(migration(adding)),
  record: (bellows) => bellows.change((driver) => driver.setBaseline({})),
  compare: (bellows) => bellows.drift(),
}

const began = performance.now()
if (work === 'information_schema') {
  await informationSchema()
} else {
  const bellows = await openBellows({ database: url })
  await WORKS[work](bellows)
  await bellows.close()
}
const seconds = (performance.now() - began) / 1000
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
console.log(JSON.stringify({ seconds, processor: (userCPUTime + systemCPUTime) / 1e6, mb: maxRSS / 1024 }))

async function informationSchema() {
  const client = await session(url)
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
  await client.end()
}
