import { describe, expect, test } from 'vitest'
import type { Phase } from '../../src/core/plan/step.ts'
import { keysOf } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'
import { changeOfKey, KEY_CASES, users } from '../support/key-cases.ts'
import { liveThrough } from '../support/lifecycle.ts'

describe('change_type of a key', () => {
  test.for(KEY_CASES)(
    'lives through expand, rollback, expand again and contract under traffic: %s',
    async ([, life]) => {
      await liveThrough(life)
    },
  )
})

describe('a change of a key that is hidden', () => {
  test('is undone without a loss, made again, and gives no number twice', async () => {
    const database = await testDatabase(
      users(
        'integer',
        `insert into users (name) select 'user ' || i from generate_series(1, 5) i; insert into orders (user_id) values (1), (5)`,
      ),
    )
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.setBaseline({}))
    const start = await keysOf(database)
    const migration = { name: '0001_test', operations: [changeOfKey('users'), changeOfKey('orders')] }
    const advance = (until: Phase) => bellows.change((driver) => driver.advance(migration, until))
    const numbers: number[] = []
    const add = async () => {
      const [row] = await database.query<{ id: number }>(
        'with one as (insert into users default values returning id), two as (insert into orders (user_id) select id from one) select id from one',
      )
      numbers.push(Number(row?.id))
    }

    await add()
    await advance('retire')
    await add()
    expect(await database.query(`select pg_get_serial_sequence('users', 'id') as sequence`)).toEqual([
      { sequence: 'public.users_id_seq' },
    ])
    // Of the old column there is nothing that would hold it.
    await expect(
      database.query('insert into users (id) overriding system value values (3000000000)'),
    ).rejects.toThrow('integer out of range')
    await expect(database.query('insert into users (id) values (7)')).rejects.toThrow('non-DEFAULT')

    await bellows.change((driver) => driver.undo(1))
    await add()
    expect(await keysOf(database), 'the old keys are the keys again').toEqual(start)
    await expect(database.query('insert into orders (user_id) values (999)')).rejects.toThrow('foreign key')

    await advance('retire')
    await add()
    await advance('purge')
    await add()
    expect(numbers).toEqual([...new Set(numbers)])
    await database.query('insert into users (id) overriding system value values (3000000000)')
    await database.query('insert into orders (user_id) values (3000000000)')
    expect(
      await database.query(
        'select user_id from orders where not exists (select from users where id = user_id)',
      ),
    ).toEqual([])
    expect(
      await database.query(`select seqmax from pg_sequence where seqrelid = 'users_id_seq'::regclass`),
    ).toEqual([{ seqmax: '9223372036854775807' }])
  })

  test('is put off while something needs the old column, or a foreign key is another one than it was', async () => {
    const database = await testDatabase(users('integer'))
    const bellows = await database.bellows({ settings: SETTINGS })
    const migration = { name: '0001_test', operations: [changeOfKey('users')] }
    await bellows.change((driver) => driver.advance(migration, 'verify'))
    await database.query('create table late (of_user integer references users)')
    const contract = () => bellows.change((driver) => driver.advance(migration, 'purge'))
    await expect(contract()).rejects.toMatchObject({
      code: 'dependents_found',
      message: expect.stringContaining('foreign key late_of_user_fkey on public.late'),
    })
    await database.query('drop table late')
    await database.query('create view named as select id from users')
    await expect(contract()).rejects.toMatchObject({ code: 'dependents_found' })
    await database.query('drop view named')
    const again = (action: string) =>
      database.query(
        `alter table orders drop constraint orders_user_id_fkey, add constraint orders_user_id_fkey foreign key (user_id) references users ${action}`,
      )
    await again('on delete restrict')
    await expect(contract()).rejects.toMatchObject({ code: 'drift_found' })
    await again('on delete cascade')
    expect((await contract()).state).toBe('completed')
  })
})

const SETTINGS = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const
