import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { cleanUp, testDatabase } from '../support/database.ts'
import { rename } from '../support/rename.ts'
import { moving } from './moving.ts'

type Moving = Awaited<ReturnType<typeof moving>>

/** As an administrator does who switches all triggers of a table off for a load. */
const corrupted = ({ database }: Moving, bio: string) =>
  database.query(
    `begin; alter table profiles disable trigger user; update profiles set bio = ${bio} where user_id = 2;
     do $$ declare one record; begin
       for one in select tgname from pg_trigger where tgrelid = 'profiles'::regclass and not tgisinternal loop
         execute format('alter table profiles enable always trigger %I', one.tgname);
       end loop; end $$; commit`,
  )

/** Somebody who waits at the gate. */
function waiting({ bellows }: Moving) {
  const closing = new AbortController()
  cleanUp(async () => closing.abort())
  const comparing = bellows.keepComparing(1, closing.signal)
  comparing.catch(() => undefined)
  return { comparing, close: () => closing.abort() }
}

const FOUND = {
  code: 'verification_failed',
  step: '0001_test/verify/2',
  message: '"users"."bio" and "bio" of "profiles" do not agree: 1 rows where they differ.',
  hint: expect.stringMatching(/^Such as user_id=2\. /),
}

test('what no constraint keeps is compared while a contract waits; what is found closes the contract until it is right', async () => {
  const move = await moving('verify')
  const { database, bellows, advance, both } = move
  const { comparing } = waiting(move)
  await corrupted(move, `'other'`)
  await expect(comparing).rejects.toMatchObject(FOUND)
  const [run] = await bellows.runs()
  expect(run?.standsBecause).toBe('the verification found 1 diverged and 0 unfilled rows')

  // However often it is asked for: each time all rows are compared anew.
  await expect(advance('purge')).rejects.toMatchObject(FOUND)
  await expect(advance('purge')).rejects.toMatchObject(FOUND)
  expect(await both(), 'nothing was hidden').toContain('2: b / other')
  await database.query(`update users set bio = 'right' where id = 2`)
  expect(await advance('purge')).toMatchObject({ state: 'completed' })
  expect(await database.query('select user_id, bio from profiles order by 1')).toEqual([
    { user_id: 1, bio: 'a' },
    { user_id: 2, bio: 'right' },
  ])
})

test('a contract for which nobody has waited compares as well, behind the word of its gates; a value that is lacking is filled first', async () => {
  const move = await moving('verify')
  const { database, bellows, advance } = move
  await corrupted(move, 'null')
  await bellows.instances.register({ instance: 'web-1', uses: ['users.bio'], leaseMs: 60_000 })
  await expect(advance('purge'), 'a gate that is closed is told before a long look').rejects.toMatchObject({
    code: 'instances_blocking',
  })
  await bellows.instances.release('web-1')
  await expect(advance('purge')).rejects.toMatchObject({
    code: 'verification_failed',
    facts: { unfilled_rows: 1, diverged_rows: 0 },
  })
  expect(await advance('purge')).toMatchObject({ state: 'completed' })
  expect(await database.query('select bio from profiles where user_id = 2')).toEqual([{ bio: 'b' }])
})

test('nothing is compared any more when it is over, or when nobody waits', async () => {
  const move = await moving('verify')
  const { comparing, close } = waiting(move)
  const second = waiting(move)
  second.close()
  await second.comparing
  await move.rollback()
  await comparing
  close()
})

test('it is over at once when the gate is open in the middle of it, and goes on behind a connection that is lost', async () => {
  const move = await moving('verify')
  const first = waiting(move)
  // In front of the first chunk, with the brake open.
  await sleep(300)
  first.close()
  await first.comparing

  const second = waiting(move)
  await sleep(300)
  await move.database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  )
  await corrupted(move, `'other'`)
  await expect(second.comparing).rejects.toMatchObject(FOUND)
})

test('where both columns are in one table the database itself keeps what was compared, whoever writes', async () => {
  const database = await testDatabase(
    `create table users (id int primary key, name text not null); insert into users values (1, 'a')`,
  )
  const bellows = await database.bellows()
  await bellows.change((driver) => driver.advance({ name: '0001_test', operations: [rename()] }, 'verify'))
  expect(
    await database.query(
      `select bool_and(convalidated) as proved, count(*)::int as checks from pg_constraint where conrelid = 'users'::regclass and contype = 'c' and conname ~ '^bellows_'`,
    ),
  ).toEqual([{ proved: true, checks: 2 }])
  await database.query('alter table users disable trigger user')
  await expect(database.query(`update users set full_name = 'other'`)).rejects.toMatchObject({
    code: '23514',
  })
  await expect(bellows.keepComparing(1, new AbortController().signal)).resolves.toBeUndefined()
})
