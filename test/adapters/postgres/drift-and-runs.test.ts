import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { testDatabase } from '../../support/database.ts'

const SHOP = `
create table users (id int primary key, name text not null, age int check (age > 0), nick text);
create index users_age on users (age);
create table orders (id int primary key);
create type mood as enum ('good', 'bad')`

const SETTINGS = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const

/** A database, with its schema on record where that is wanted. */
async function shop(isRecorded = true) {
  const database = await testDatabase(SHOP)
  const bellows = await database.bellows({ settings: SETTINGS })
  if (isRecorded) await bellows.change((driver) => driver.setBaseline({}))
  const drift = async () => {
    const { differences } = await bellows.drift()
    return differences.map(({ kind, relation, name }) => `${kind} ${relation} ${name}`.trim()).sort()
  }
  return { database, bellows, drift }
}

const users = { namespace: 'public', table: 'users' }
const RENAME: Operation = { kind: 'rename_column', ...users, from: 'name', to: 'full_name' }
const ADD: Operation = { kind: 'add_column', ...users, column: 'slug', type: 'text', nullable: true }
const BY_HAND = `alter table users add legacy text, alter nick set default 'x', drop constraint users_age_check;
  drop index users_age`
const DRIFT = [
  'column users legacy',
  'column users nick',
  'constraint users users_age_check',
  'index users users_age',
]

describe('what somebody changed by hand before a run of the same table', () => {
  test.each([
    ['a copied column', RENAME],
    ['an added column', ADD],
    ['the changed column itself', { kind: 'alter_column', ...users, column: 'nick', nullable: false }],
  ] satisfies [string, Operation][])('is drift while it runs, and when it is over: %s', async (_, one) => {
    const { database, bellows, drift } = await shop()
    await database.query(BY_HAND)
    for (const phase of ['expand', 'backfill', 'purge'] as const) {
      await bellows.change((driver) => driver.advance({ name: '0001_test', operations: [one] }, phase))
      if (one.kind !== 'alter_column') expect(await drift(), phase).toEqual(DRIFT)
    }
    // The run has set what it is about on record; of one column it cannot be told what was whose.
    expect(await drift()).toEqual(
      one.kind === 'alter_column' ? DRIFT.filter((name) => name !== 'column users nick') : DRIFT,
    )
    await bellows.change((driver) => driver.setBaseline({}))
    expect(await drift()).toEqual([])
  })

  test('is drift after its rollback', async () => {
    const { database, bellows, drift } = await shop()
    await database.query(BY_HAND)
    const run = await bellows.change((driver) =>
      driver.advance({ name: '0001_test', operations: [RENAME] }, 'verify'),
    )
    await bellows.change((driver) => driver.rollback(run.id))
    expect(await drift()).toEqual(DRIFT)
    expect(await database.query('select from bellows.found_object')).toEqual([])
  })

  test('is drift under the new name of what a run renames', async () => {
    const { database, bellows, drift } = await shop()
    await database.query(
      'alter table users alter name drop not null, alter nick type varchar(9); drop index users_age',
    )
    await bellows.change((driver) => driver.advance({ name: '0001_test', operations: [RENAME] }, 'purge'))
    expect(await drift()).toEqual(['column users full_name', 'column users nick', 'index users users_age'])
    const rename: Operation = { kind: 'rename_table', ...users, to: 'people' }
    await bellows.change((driver) => driver.advance({ name: '0002_test', operations: [rename] }, 'purge'))
    expect(await drift()).toEqual(['column people full_name', 'column people nick', 'index people users_age'])
  })

  test('goes with the table that a run drops', async () => {
    const { database, bellows, drift } = await shop()
    await database.query(BY_HAND)
    const drop: Operation = { kind: 'drop_table', ...users }
    await bellows.change((driver) => driver.advance({ name: '0001_test', operations: [drop] }, 'purge'))
    expect(await drift()).toEqual([])
  })

  test('is taken as it is where nobody has recorded the table', async () => {
    const { database, bellows, drift } = await shop(false)
    await database.query(BY_HAND)
    await bellows.change((driver) => driver.advance({ name: '0001_test', operations: [RENAME] }, 'purge'))
    expect(await drift()).toEqual([])
    await database.query('alter table users add by_hand int')
    await bellows.change((driver) => driver.advance({ name: '0002_test', operations: [ADD] }, 'purge'))
    expect(await drift()).toEqual(['column users by_hand'])
  })

  test('of another run under way is left to that one', async () => {
    const { bellows, drift } = await shop()
    const first = await bellows.change((driver) =>
      driver.advance({ name: '0001_test', operations: [RENAME] }, 'verify'),
    )
    await bellows.change((driver) => driver.advance({ name: '0002_test', operations: [ADD] }, 'purge'))
    await bellows.change((driver) => driver.rollback(first.id))
    expect(await drift()).toEqual([])
  })
})

describe('what somebody changes by hand while a run waits', () => {
  test('is drift at once, and when the run is over', async () => {
    const { database, bellows, drift } = await shop()
    const go = (phase: 'expand' | 'verify' | 'purge') =>
      bellows.change((driver) => driver.advance({ name: '0001_test', operations: [RENAME] }, phase))
    await go('expand')
    await database.query('alter table users add one int')
    expect(await drift()).toEqual(['column users one'])
    await go('verify')
    await database.query('alter table users add two int, alter one type bigint; drop index users_age')
    expect(await drift()).toEqual(['column users one', 'column users two', 'index users users_age'])
    await go('purge')
    expect(await drift()).toEqual(['column users one', 'column users two', 'index users users_age'])
    expect(await database.query('select from bellows.left_schema')).toEqual([])
  })

  test('counts as of the run where its driver died', async () => {
    const { database, bellows, drift } = await shop()
    const go = (phase: 'verify' | 'purge') =>
      bellows.change((driver) => driver.advance({ name: '0001_test', operations: [RENAME] }, phase))
    await go('verify')
    await database.query('delete from bellows.left_schema; alter table users add one int')
    expect(await drift()).toEqual([])
    await go('purge')
    expect(await drift()).toEqual([])
  })

  test('stands apart from what another run does to the same table', async () => {
    const { bellows, drift } = await shop()
    const add = (column: string): Operation => ({ ...ADD, column })
    const first = await bellows.change((driver) =>
      driver.advance({ name: '0001_test', operations: [RENAME] }, 'verify'),
    )
    await bellows.change((driver) => driver.advance({ name: '0002_test', operations: [add('a')] }, 'purge'))
    expect(await drift()).toEqual([])
    await bellows.change((driver) => driver.resume(first.id, 'purge'))
    expect(await drift()).toEqual([])
  })

  test('is drift after an undo, and none of it is in the way of a rollback', async () => {
    const { database, bellows, drift } = await shop()
    const run = await bellows.change((driver) =>
      driver.advance({ name: '0001_test', operations: [RENAME] }, 'retire'),
    )
    await database.query('alter table users add one int')
    await bellows.change((driver) => driver.undo(run.id))
    expect(await drift()).toEqual(['column users one'])
    await bellows.change((driver) => driver.rollback(run.id))
    expect(await drift()).toEqual(['column users one'])
  })

  test('is not waited for for long', async () => {
    const { database, bellows, drift } = await shop()
    const add = { name: '0001_test', operations: [RENAME] }
    await bellows.change((driver) => driver.advance(add, 'verify'))
    await database.query(
      'create view held as select nick from users; alter table orders add users int default 1',
    )
    const session = await database.session()
    await session.query('begin; lock users in access exclusive mode')
    setTimeout(() => void session.query('commit'), 3000)
    await bellows.change((driver) => driver.advance(add, 'purge'))
    expect(await drift()).toEqual(['column orders users', 'view held'])
  })
})

describe('a rollback', () => {
  const VALUE: Operation = { kind: 'add_enum_value', namespace: 'public', type: 'mood', value: 'so so' }

  test('takes what had to stay as right, and nothing else', async () => {
    const { database, bellows, drift } = await shop()
    await database.query('alter table users add legacy text')
    const run = await bellows.change((driver) =>
      driver.advance({ name: '0001_test', operations: [VALUE, RENAME] }, 'verify'),
    )
    await database.query('alter table users add later text')
    await bellows.change((driver) => driver.rollback(run.id))
    expect(await drift()).toEqual(['column users later', 'column users legacy'])
  })

  test('takes nothing of a step that was not done', async () => {
    const { database, bellows, drift } = await shop()
    const broken: Operation = {
      kind: 'sql',
      namespace: 'public',
      phase: 'expand',
      up: 'alter table users validate constraint not_there',
      irreversible: 'it never was',
    }
    await expect(
      bellows.change((driver) =>
        driver.advance({ name: '0001_test', operations: [broken, VALUE] }, 'expand'),
      ),
    ).rejects.toMatchObject({ code: 'statement_failed' })
    // As where the driver died: nobody can tell what was changed meanwhile.
    await database.query('delete from bellows.left_schema')
    await database.query(`alter type mood add value 'worse'; alter table users add later text`)
    const [run] = await bellows.runs()
    await bellows.change((driver) => driver.rollback(run?.id ?? 0))
    expect(await drift()).toEqual(['column users later', 'type mood'])
  })
})
