import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import type { Phase } from '../../src/core/plan/step.ts'
import { cleanUp, testDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { matrixMajor } from '../support/matrix.ts'

/** The gate of this one keeps a run open. */
const LATER: Operation = { kind: 'drop_column', namespace: 'public', table: 'users', column: 'legacy' }
const SETTINGS = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const
const users = { namespace: 'public', table: 'users' } as const
const keyed = `create table users (id int primary key, email text not null, legacy text); insert into users values (1, 'a')`
const bare = `create table users (id int, email text not null, legacy text); insert into users values (1, 'a')`
const published = 'create publication told for table users'
const byIndex = (name: string) => `alter table users replica identity using index ${name}; ${published}`
const full = 'alter table users replica identity full'

const parted = `create table users (id int not null, email text not null, legacy text) partition by range (id);
  create table users_1 partition of users default; insert into users values (1, 'a')`
const ofPart = (name: string) => `alter table users_1 replica identity using index ${name}; ${published}`
const fullPart = 'alter table users_1 replica identity full'
/** A new index on a column, which becomes the identity. */
const on = (column: string) =>
  `alter table users alter ${column} set not null; create unique index mine on users (${column}); ${byIndex('mine')}`
const SPLIT: Operation = {
  kind: 'split_column',
  ...users,
  from: 'email',
  to: [
    { name: 'box', type: 'text', nullable: false, up: `split_part(email, '@', 1)` },
    { name: 'host', type: 'text', nullable: false, up: `split_part(email, '@', 2)` },
  ],
  down: `box || '@' || host`,
}
const moved = (from: string, to: string): Operation => ({
  kind: 'move_column',
  from: { namespace: 'public', table: from, column: 'said' },
  to: { namespace: 'public', table: to, column: 'said' },
  on: [{ source: 'id', target: 'id' }],
})

interface Case {
  readonly given: string
  readonly operation: Operation
  readonly until?: Phase
  readonly meanwhile: string
  readonly way: 'purge' | 'rollback'
  readonly says: string
  readonly mend: string
}

/** What somebody does while the run goes on, and what would leave the table without an identity. */
const CASES: Readonly<Record<string, Case>> = {
  'drop_constraint of the primary key': {
    given: keyed,
    operation: { kind: 'drop_constraint', ...users, name: 'users_pkey' },
    meanwhile: published,
    way: 'purge',
    says: '"users" has come into a publication since the plan was made',
    mend: full,
  },
  'drop_constraint of the primary key of a partitioned table, of which all is published': {
    given: `create table users (id int primary key, email text, legacy text) partition by range (id);
      create table users_1 partition of users default; insert into users values (1, 'a')`,
    operation: { kind: 'drop_constraint', ...users, name: 'users_pkey' },
    meanwhile: 'create publication told for all tables',
    way: 'purge',
    says: '"users" has come into a publication since the plan was made',
    mend: `${full}; alter table users_1 replica identity full`,
  },
  'drop_constraint of a key': {
    given: `${keyed}; alter table users add constraint one_email unique (email)`,
    operation: { kind: 'drop_constraint', ...users, name: 'one_email' },
    meanwhile: byIndex('one_email'),
    way: 'purge',
    says: 'he index "one_email" of "users" has become a replica identity',
    mend: full,
  },
  drop_index: {
    given: `${keyed}; create unique index one_email on users (email)`,
    operation: { kind: 'drop_index', ...users, index: 'one_email' },
    meanwhile: byIndex('one_email'),
    way: 'purge',
    says: 'he index "one_email" of "users" has become a replica identity',
    mend: full,
  },
  'the rollback of replace_index': {
    given: `${keyed}; create unique index one_email on users (email)`,
    operation: {
      kind: 'replace_index',
      definition: 'create unique index one_email on users (email) include (id)',
    },
    meanwhile: byIndex('one_email'),
    way: 'rollback',
    says: 'has become a replica identity',
    mend: full,
  },
  drop_column: {
    given: `${keyed}; create unique index one_email on users (email)`,
    operation: { kind: 'drop_column', ...users, column: 'email', down: 'id::text' },
    until: 'retire',
    meanwhile: byIndex('one_email'),
    way: 'purge',
    says: 'n index on "email" of "users" has become a replica identity',
    mend: full,
  },
  'drop_column of a partitioned table': {
    given: `create table users (id int, email text not null, legacy text) partition by range (id); create unique index one_email on users (email, id);
      create table users_1 partition of users default; insert into users values (1, 'a')`,
    operation: { kind: 'drop_column', ...users, column: 'email', down: 'id::text' },
    until: 'retire',
    meanwhile:
      'create publication told for all tables; alter table users_1 replica identity full; alter table users replica identity full; alter table users_1 alter id set not null; alter table users_1 replica identity using index users_1_email_id_idx',
    way: 'purge',
    says: 'n index on "email" of "users" has become a replica identity',
    mend: 'alter table users_1 replica identity full',
  },
  rename_column: {
    given: `${keyed}; create unique index one_email on users (email)`,
    operation: { kind: 'rename_column', ...users, from: 'email', to: 'mail' },
    until: 'verify',
    meanwhile: byIndex('one_email'),
    way: 'purge',
    says: 'n index on "email" of "users" has become a replica identity',
    mend: full,
  },
  'the rollback of rename_column': {
    given: keyed,
    operation: { kind: 'rename_column', ...users, from: 'email', to: 'mail' },
    meanwhile: on('mail'),
    way: 'rollback',
    says: 'n index on "mail" of "users" has become a replica identity',
    mend: full,
  },
  'the rollback of rename_column to a column that was there': {
    given: `${keyed}; alter table users add mail text; create unique index one_email on users (email)`,
    operation: { kind: 'rename_column', ...users, from: 'email', to: 'mail' },
    meanwhile: `alter table users alter mail set not null;
      do $$ begin execute (select format('alter table users replica identity using index %I', relname) from pg_index join pg_class on pg_class.oid = indexrelid
        join pg_attribute a on a.attrelid = indrelid and a.attnum = any (indkey) where indrelid = 'users'::regclass and attname = 'mail'); end $$; ${published}`,
    way: 'rollback',
    says: 'of "users" has become a replica identity',
    mend: full,
  },
  'split_column, as an index was made anew': {
    given: `${keyed}; create index one_email on users (email)`,
    operation: SPLIT,
    meanwhile: `drop index one_email; create unique index one_email on users (email); ${byIndex('one_email')}`,
    way: 'purge',
    says: 'n index on "email" of "users" has become a replica identity',
    mend: full,
  },
  'the rollback of split_column': {
    given: keyed,
    operation: SPLIT,
    meanwhile: on('host'),
    way: 'rollback',
    says: 'n index on "host" of "users" has become a replica identity',
    mend: full,
  },
  'move_column, as an index was made anew': {
    given: `${keyed}; alter table users add said text not null default 'x'; create index one_said on users (said); create table other (id int primary key references users); insert into other values (1)`,
    operation: moved('users', 'other'),
    meanwhile: `drop index one_said; create unique index one_said on users (said); ${byIndex('one_said')}`,
    way: 'purge',
    says: 'n index on "said" of "users" has become a replica identity',
    mend: full,
  },
  'the rollback of move_column': {
    given: `create table other (id int primary key, said text not null default 'x'); insert into other values (1);
      create table users (id int primary key references other, email text not null, legacy text); insert into users values (1, 'a')`,
    operation: moved('other', 'users'),
    meanwhile: on('said'),
    way: 'rollback',
    says: 'n index on "said" of "users" has become a replica identity',
    mend: full,
  },
  'the rollback of add_column': {
    given: keyed,
    operation: { kind: 'add_column', ...users, column: 'said', type: 'text', nullable: true, default: `'x'` },
    meanwhile: on('said'),
    way: 'rollback',
    says: 'n index on "said" of "users" has become a replica identity',
    mend: full,
  },
  'the rollback of add_column, filled row by row': {
    given: keyed,
    operation: { kind: 'add_column', ...users, column: 'said', type: 'text', nullable: false, up: 'email' },
    meanwhile: on('said'),
    way: 'rollback',
    says: 'n index on "said" of "users" has become a replica identity',
    mend: full,
  },
  'the rollback of set_table': {
    given: bare,
    operation: { kind: 'set_table', ...users, set: {}, reset: [], replicaIdentity: 'full' },
    meanwhile: 'create publication told for all tables',
    way: 'rollback',
    says: '"users" is published, and would have no replica identity',
    mend: 'alter table users add primary key (id)',
  },
  'the rollback of set_table, as the primary key has gone': {
    given: keyed,
    operation: { kind: 'set_table', ...users, set: {}, reset: [], replicaIdentity: 'full' },
    meanwhile: `alter table users drop constraint users_pkey; ${published}`,
    way: 'rollback',
    says: '"users" is published, and would have no replica identity',
    mend: 'alter table users add primary key (id)',
  },
  'the rollback of set_table to nothing, where no key helps': {
    given: `${keyed}; alter table users replica identity nothing`,
    operation: { kind: 'set_table', ...users, set: {}, reset: [], replicaIdentity: 'full' },
    meanwhile: published,
    way: 'rollback',
    says: '"users" is published, and would have no replica identity',
    mend: 'drop publication told',
  },
  'the rollback of create_index of a partitioned table': {
    given: parted,
    operation: {
      kind: 'create_index',
      definition: 'create unique index one_email on users (email, id)',
      when: 'before_rollout',
    },
    meanwhile: ofPart('users_1_email_id_idx'),
    way: 'rollback',
    says: 'he index "one_email" of "users" has become a replica identity',
    mend: fullPart,
  },
  'the rollback of replace_index of a partitioned table': {
    given: `${parted}; create unique index one_email on users (email, id)`,
    operation: {
      kind: 'replace_index',
      definition: 'create unique index one_email on users (id, email)',
    },
    meanwhile: ofPart('users_1_id_email_idx'),
    way: 'rollback',
    says: 'has become a replica identity',
    mend: fullPart,
  },
  'the rollback of create_index': {
    given: keyed,
    operation: {
      kind: 'create_index',
      definition: 'create unique index one_email on users (email)',
      when: 'before_rollout',
    },
    meanwhile: byIndex('one_email'),
    way: 'rollback',
    says: 'he index "one_email" of "users" has become a replica identity',
    mend: full,
  },
  'the rollback of add_constraint': {
    given: bare,
    operation: {
      kind: 'add_constraint',
      ...users,
      primary_key: ['id'],
      name: 'one_id',
      when: 'before_rollout',
    },
    meanwhile: published,
    way: 'rollback',
    says: '"users" has come into a publication since the plan was made',
    mend: full,
  },
}

// PostgreSQL 15 brought publications of schemas.
const BY_SCHEMA: Readonly<Record<string, Case>> =
  Number(matrixMajor()) < 15
    ? {}
    : {
        'drop_constraint of the primary key of a table whose schema is published': {
          given: keyed,
          operation: { kind: 'drop_constraint', ...users, name: 'users_pkey' },
          meanwhile: 'create publication told for tables in schema public',
          way: 'purge',
          says: '"users" has come into a publication since the plan was made',
          mend: full,
        },
      }

describe('a table that is published since the plan was made keeps what its rows are told by', () => {
  test.for(Object.entries({ ...CASES, ...BY_SCHEMA }))(
    '%s',
    async ([, { given, operation, until, meanwhile, way, says, mend }]) => {
      const database = await testDatabase(given)
      const bellows = await database.bellows({ settings: SETTINGS })
      const migration = { name: '0001_test', operations: [operation, LATER] }
      const advance = (to: Phase) => bellows.change((driver) => driver.advance(migration, to))
      const goOn = () => (way === 'purge' ? advance('purge') : bellows.change((driver) => driver.rollback(1)))
      const write = () => database.query('update users set id = id where id = 1')

      await advance(until ?? 'verify')
      await database.query(meanwhile)
      await write()
      await expect(goOn()).rejects.toMatchObject({
        code: 'drift_found',
        message: expect.stringContaining(says),
      })
      await write()
      await database.query(mend)
      await goOn()
      await write()
    },
  )
})

const LOG = `create table log (at int not null, said text) partition by range (at); create table other (at int not null, said text); insert into other values (1, 'x')`
const attach: Operation = {
  kind: 'attach_partition',
  namespace: 'public',
  table: 'log',
  partition: 'other',
  bounds: 'for values from (0) to (9)',
}
const make: Operation = {
  kind: 'create_table',
  namespace: 'public',
  table: 'new',
  columns: [],
  constraints: [],
  partitionOf: { table: 'log', bounds: 'for values from (10) to (19)' },
}

const PUBLISHED = [
  'for table log',
  'for all tables',
  ...(Number(matrixMajor()) < 15 ? [] : ['for tables in schema public']),
]

describe.for(PUBLISHED)('a partition without an identity comes into no publication %s', (what) => {
  test.for<[string, Operation, string]>([
    ['attach_partition', attach, 'alter table other replica identity full'],
    ['create_table', make, 'drop publication told'],
  ])('that came meanwhile: %s', async ([, operation, mend]) => {
    const database = await testDatabase(LOG)
    let isTold = false
    const { bellows } = faultyBellows(
      database.url,
      {
        before: async ({ kind, what: does }) => {
          if (isTold || kind !== 'transact' || !does.includes('step_done 0001_test/expand')) return
          isTold = true
          await database.query(`create publication told ${what}`)
        },
      },
      { settings: SETTINGS },
    )
    cleanUp(() => bellows.close())
    const migration = { name: '0001_test', operations: [operation] }
    const advance = () => bellows.change((driver) => driver.advance(migration, 'expand'))
    await expect(advance()).rejects.toMatchObject({
      code: 'drift_found',
      message: expect.stringContaining('"log" has come into a publication since the plan was made'),
    })
    expect(isTold).toBe(true)
    await database.query(`${mend}; update other set said = 'y'`)
    await advance()
    await database.query(
      `insert into log values (10 * (select count(*)::int from pg_class where relname = 'new'), 'z'); update log set said = 'y'`,
    )
  })

  test('that is there: attach_partition is refused, and create_table gives it one', async () => {
    const database = await testDatabase(LOG, `create publication told ${what}`)
    const bellows = await database.bellows({ settings: SETTINGS })
    const advance = (operation: Operation) =>
      bellows.change((driver) => driver.advance({ name: '0001_test', operations: [operation] }, 'expand'))
    await expect(advance(attach)).rejects.toThrow(
      'other has no replica identity, and every UPDATE and DELETE of it would fail as a partition of "log": the publication told publishes them.',
    )
    await advance(make)
    await database.query(`insert into log values (10, 'z'); update log set said = 'y'`)
  })
})

test('a table that was published without a key before is so again', async () => {
  const database = await testDatabase(bare, published)
  const bellows = await database.bellows({ settings: SETTINGS })
  const key: Operation = { kind: 'add_constraint', ...users, primary_key: ['id'], when: 'before_rollout' }
  const set: Operation = { kind: 'set_table', ...users, set: {}, reset: [], replicaIdentity: 'full' }
  const thereAndBack = async (name: string, operation: Operation) => {
    const migration = { name, operations: [operation, LATER] }
    const { id } = await bellows.change((driver) => driver.advance(migration, 'verify'))
    expect((await bellows.change((driver) => driver.rollback(id))).state).toBe('rolled_back')
  }
  await thereAndBack('0000_test', key)
  await thereAndBack('0001_test', set)
  await database.query('alter table users add primary key (id) deferrable')
  await thereAndBack('0002_test', set)
})

test('a partitioned table itself may be without an identity: nobody writes to it but by its partitions', async () => {
  const database = await testDatabase(parted, fullPart)
  const bellows = await database.bellows({ settings: SETTINGS })
  const set: Operation = { kind: 'set_table', ...users, set: {}, reset: [], replicaIdentity: 'full' }
  const migration = { name: '0001_test', operations: [set, LATER] }
  const { id } = await bellows.change((driver) => driver.advance(migration, 'verify'))
  await database.query(published)
  expect((await bellows.change((driver) => driver.rollback(id))).state).toBe('rolled_back')
  await database.query('update users set id = id; delete from users')
})
