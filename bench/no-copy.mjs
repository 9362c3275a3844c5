// Changes that need no copy of a row: how long a whole migration takes, the start of its process not counted, and whether a row was
// touched or a file was written anew. Beside it the plain statement, under whose lock everybody waits.
//
//   npm run bench:no-copy -- [rows ...]          1,000,000 and 10,000,000 where none are given
import { openBellows } from 'bellows'
import { createJiti } from 'jiti'
import { dropOriginal, makeOriginal, SHAPES, withCopy } from './backfill/tables.mjs'
import { connected } from './sessions.mjs'

// Not for users, so the package does not offer it.
const { startEmbedded } = await createJiti(import.meta.url).import(
  '../src/adapters/postgres/embedded/start.ts',
)

const given = process.argv.slice(2).map(Number)
const ROWS = given.length > 0 ? given : [1_000_000, 10_000_000]

const ON = { namespace: 'public', table: 'users' }
const CASES = [
  {
    what: 'a wider type',
    operation: { kind: 'change_type', ...ON, column: 'code', type: 'varchar(40)' },
    plain: 'alter table users alter code type varchar(40)',
  },
  {
    what: 'a new column with a default',
    operation: {
      kind: 'add_column',
      ...ON,
      column: 'state',
      type: 'text',
      nullable: false,
      default: `'new'`,
    },
    plain: `alter table users add state text not null default 'new'`,
  },
  {
    what: 'a check',
    operation: { kind: 'add_constraint', ...ON, name: 'seen_positive', check: 'seen >= 0' },
    plain: 'alter table users add constraint seen_positive check (seen >= 0)',
  },
  {
    what: 'a foreign key',
    operation: {
      kind: 'add_constraint',
      ...ON,
      name: 'users_team_fkey',
      foreign_key: {
        columns: ['team'],
        references: { namespace: 'public', table: 'teams', columns: ['id'] },
      },
    },
    plain: 'alter table users add constraint users_team_fkey foreign key (team) references teams (id)',
  },
]

const TOUCHED = `select pg_relation_filenode('users') as file, n_tup_ins + n_tup_upd + n_tup_del as touched
  from pg_stat_user_tables where relid = 'users'::regclass`

const touched = (url) => connected(url, async (client) => (await client.query(TOUCHED)).rows[0])

async function timed(url, work) {
  const before = await touched(url)
  const begin = performance.now()
  await work()
  const seconds = (performance.now() - begin) / 1_000
  const after = await touched(url)
  return { seconds, rows: after.touched - before.touched, isWrittenAnew: after.file !== before.file }
}

async function byBellows(url, operation) {
  const bellows = await openBellows({
    database: url,
    application: 'bellows/bench',
    settings: {
      gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a benchmark' },
    },
  })
  try {
    return await timed(url, () =>
      bellows.change((driver) => driver.advance({ name: '0001_bench', operations: [operation] }, 'purge')),
    )
  } finally {
    await bellows.close()
  }
}

console.log('| | rows of the table | seconds | the plain statement, s | rows touched | table written anew |')
console.log('|---|---:|---:|---:|---:|---|')
const server = await startEmbedded({
  settings: { shared_buffers: '2GB', max_wal_size: '8GB', autovacuum: 'off' },
})
try {
  for (const rows of ROWS) {
    await makeOriginal(server, SHAPES.usual, rows)
    await connected(server.databaseUrl('original'), (client) =>
      client.query('alter table users add code varchar(20)'),
    )
    for (const { what, operation, plain } of CASES) {
      const one = await withCopy(server, (url) => byBellows(url, operation))
      const other = await withCopy(server, (url) =>
        timed(url, () => connected(url, (client) => client.query(plain))),
      )
      console.log(
        `| ${what} | ${rows.toLocaleString('en-US')} | ${one.seconds.toFixed(2)} | ${other.seconds.toFixed(2)} | ${one.rows} | ${one.isWrittenAnew ? 'yes' : 'no'} |`,
      )
    }
    await dropOriginal(server)
  }
} finally {
  await server.stop()
}
