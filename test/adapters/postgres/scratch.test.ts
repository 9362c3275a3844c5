import { expect, test } from 'vitest'
import { openBellows } from '../../../src/compose.ts'
import type { Operation } from '../../../src/index.ts'
import { cleanUp, testDatabase } from '../../support/database.ts'
import { aRole } from '../../support/role.ts'

const ON = { namespace: 'public', table: 'users' } as const
const OPERATIONS: readonly Operation[] = [
  { kind: 'add_column', ...ON, column: 'slug', type: 'text', nullable: true, up: 'lower(users.name)' },
  { kind: 'change_type', ...ON, column: 'age', type: 'text', up: 'age::text', down: 'age::integer' },
  { kind: 'create_index', definition: 'create index by_name on users (lower(name) desc) where id > 0' },
  { kind: 'add_constraint', ...ON, exclude: 'using btree (name with =) where (id > 0)' },
  {
    kind: 'attach_partition',
    namespace: 'public',
    table: 'events',
    partition: 'late',
    bounds: 'for values from (10) to (20)',
  },
]

test('what the server makes of a migration is found without the right to temporary tables, or the right is named', async () => {
  const database = await testDatabase()
  const role = await aRole(database)
  await database.query(`alter schema public owner to ${role};
    create table users (id int primary key, name text not null, age integer); alter table users owner to ${role};
    create table events (id int not null) partition by range (id); alter table events owner to ${role};
    create table early partition of events for values from (0) to (10); alter table early owner to ${role};
    create table late (id int not null); alter table late owner to ${role};
    grant create, temporary on database "${database.name}" to ${role}; revoke temporary on database "${database.name}" from public`)
  const address = new URL(database.url)
  address.username = role
  const bellows = await openBellows({ database: address.href, application: 'bellows/test' })
  cleanUp(() => bellows.close())
  const planned = () => bellows.plan({ name: '0001_test', operations: OPERATIONS })

  const plan = await planned()
  await database.query(`revoke temporary on database "${database.name}" from ${role}`)
  expect(await planned()).toEqual(plan)
  expect(await database.query(`select to_regnamespace('bellows_scratch') as is`)).toEqual([{ is: null }])

  await database.query(`revoke create on database "${database.name}" from ${role}`)
  await expect(planned()).rejects.toMatchObject({
    code: 'plan_refused',
    message: expect.stringContaining('neither temporary tables nor a namespace'),
    hint: `Give it one of the two rights: grant temporary on database ${database.name} to ${role}`,
  })

  const filled: Operation = {
    kind: 'set_table',
    namespace: 'public',
    table: 'users',
    set: { fillfactor: '70' },
    reset: [],
  }
  const { steps } = await bellows.plan({ name: '0001_test', operations: [filled] })
  expect(steps, 'what can be planned without').toHaveLength(1)
})
