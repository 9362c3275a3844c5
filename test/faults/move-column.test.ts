import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { aRole } from '../support/role.ts'
import { answerOf, begun } from './begun.ts'
import { moving } from './moving.ts'

describe('a source row that is written while a row of the target comes to it', () => {
  const COMING = [
    ['by an INSERT', `insert into profiles (user_id) values (3)`],
    ['by another key', `update profiles set user_id = 3 where user_id = 2`],
  ] as const

  test.for(COMING)('%s: the later one sees the earlier one', async ([, comes]) => {
    const { database, both } = await moving('verify')
    const [source, target] = [await begun(database, 'source'), await begun(database, 'target')]
    await source.session.query(`update users set bio = 'new' where id = 3`)
    const { answer } = await target.waiting(comes)
    await source.commit()
    expect(await answer).toBe('done')
    await target.commit()
    expect(await both()).toContain('3: new / new')
  })

  test.for(COMING)('%s: the earlier one is seen by the later one', async ([, comes]) => {
    const { database, both } = await moving('verify')
    const [source, target] = [await begun(database, 'source'), await begun(database, 'target')]
    await target.session.query(comes)
    const { answer } = await source.waiting(`update users set bio = 'new' where id = 3`)
    await target.commit()
    expect(await answer).toBe('done')
    await source.commit()
    expect(await both()).toContain('3: new / new')
  })
})

describe('a source row that is written while its row of the target is filled', () => {
  test('may have become NULL, as the row of the target still is', async () => {
    const { database, both } = await moving('expand')
    const [source, target] = [await begun(database, 'source'), await begun(database, 'target')]
    await target.session.query('update profiles set bio = bio where user_id = 1')
    const { answer } = await source.waiting('update users set bio = null where id = 1')
    await target.commit()
    expect(await answer).toBe('done')
    await source.commit()
    expect(await both()).toContain('1: - / -')
  })

  test('has its value there, when the filling came first', async () => {
    const { database, both } = await moving('expand')
    const [source, target] = [await begun(database, 'source'), await begun(database, 'target')]
    // As a batch does it.
    await target.session.query('update profiles set bio = bio where user_id = 1')
    const { answer } = await source.waiting(`update users set bio = 'new' where id = 1`)
    await target.commit()
    expect(await answer).toBe('done')
    await source.commit()
    expect(await both()).toContain('1: new / new')
  })

  test('has its value there, when the batch came second; the batch waits and the writer does not', async () => {
    const { database, advance, both } = await moving('expand')
    const source = await begun(database, 'source')
    await source.session.query(`update users set bio = 'new' where id = 1`)
    const filled = advance('verify')
    await sleep(300)
    expect(await answerOf(source.session.query(`update users set bio = 'newer' where id = 2`))).toBe('done')
    await source.commit()
    await filled
    expect(await both()).toEqual(['1: new / new', '2: newer / newer', '3: - / none'])
  })

  test('is not failed by a batch that wants what its transaction has locked', async () => {
    const { database, advance, both } = await moving('expand')
    const source = await begun(database, 'source')
    await source.session.query('select from profiles where user_id = 1 for update')
    const filled = advance('verify')
    await sleep(300)
    expect(await answerOf(source.session.query(`update users set bio = 'new' where id in (1, 2)`))).toBe(
      'done',
    )
    await source.commit()
    await filled
    expect(await both()).toEqual(['1: new / new', '2: new / new', '3: - / none'])
  })
})

const put = (bio: string, user = 1) =>
  `insert into profiles (user_id, bio) values (${user}, '${bio}') on conflict (user_id) do update set bio = excluded.bio`

describe('a writer of the target', () => {
  test('and one of the source wait for one another, and nobody fails', async () => {
    const { database, both } = await moving('verify')
    const [source, target] = [await begun(database, 'source'), await begun(database, 'target')]
    await source.session.query(`update users set bio = 'old' where id = 1`)
    const behind = await target.waiting(put('new'))
    await source.commit()
    expect(await behind.answer).toBe('done')
    await source.session.query('begin')
    const before = await source.waiting(`update users set bio = 'last' where id = 1`)
    await target.commit()
    expect(await before.answer).toBe('done')
    await source.commit()
    expect(await both()).toContain('1: last / last')
  })

  test('and one of the source never fail, however many there are', async () => {
    const { database } = await moving('verify')
    const statements = [
      (n: number) => `update users set bio = 'old ${n}', seen = seen + 1 where id = ${1 + (n % 2)}`,
      (n: number) => put(`new ${n}`, 1 + (n % 2)),
      (n: number) => put(`newer ${n}`, 2 - (n % 2)),
      (n: number) => `update profiles set likes = likes + 1 where user_id = ${1 + (n % 2)}`,
      () => 'insert into profiles (user_id) values (1), (2) on conflict do nothing',
      (n: number) => `update users set bio = null where id = ${2 - (n % 2)}`,
    ]
    const answers = await Promise.all(
      statements.map(async (statement, at) => {
        const session = await database.session(`writer ${at}`)
        const said: string[] = []
        for (let n = 0; n < 60; n += 1) said.push(await answerOf(session.query(statement(n))))
        return said
      }),
    )
    expect(new Set(answers.flat())).toEqual(new Set(['done']))
    const differ = `select from users u join profiles p on p.user_id = u.id where u.bio is distinct from p.bio`
    expect(await database.query(differ)).toEqual([])
  })

  test('that locks the source row itself may end in a deadlock, and nothing of the one who is ended stays', async () => {
    const { database, both } = await moving('verify')
    const [source, target] = [await begun(database, 'source'), await begun(database, 'target')]
    await target.session.query('update profiles set likes = 1 where user_id = 1')
    const { answer } = await source.waiting(`update users set bio = 'old' where id = 1`)
    const other = await answerOf(target.session.query('update users set seen = 1 where id = 1'))
    await target.session.query(other === 'done' ? 'commit' : 'rollback')
    const codes = [await answer, other].toSorted()
    expect(codes).toEqual(['40P01', 'done'])
    await source.commit()
    expect(await both()).toContain(other === 'done' ? '1: a / a' : '1: old / old')
  })
})

describe('whoever writes one table', () => {
  test('needs no right on the other', async () => {
    const { database, both } = await moving('verify')
    const [old, renewed] = [await aRole(database), await aRole(database)]
    await database.query(
      `grant select, update on users to ${old}; grant select, insert, update on profiles to ${renewed}`,
    )
    const [first, second] = [await database.session('old', old), await database.session('new', renewed)]
    await first.query(`update users set bio = 'x' where id = 1`)
    await second.query(put('y', 2))
    expect(await both()).toEqual(['1: x / x', '2: y / y', '3: - / none'])
  })

  test('has the triggers of the other fire as they always do', async () => {
    const { database, both } = await moving(
      'verify',
      `create table log (said text); create function note() returns trigger language plpgsql as $$ begin insert into log values (tg_table_name); return new; end $$;
        create trigger note before update on users for each row execute function note(); create trigger note before update on profiles for each row when (new.likes > 4) execute function note()`,
    )
    await database.query(
      `insert into profiles (user_id, bio) values (1, 'x') on conflict (user_id) do update set bio = 'x', likes = 5; update users set bio = 'y' where id = 1`,
    )
    expect(await both()).toContain('1: y / y')
    expect(await database.query('select said from log')).toEqual(
      ['profiles', 'users', 'users', 'profiles'].map((said) => ({ said })),
    )
  })

  test('is counted where it writes the old column, and not where that follows', async () => {
    const { database } = await moving('verify')
    const writes = async () =>
      database.query(
        `select from pg_class where relname ~ '^old_writes_.*_number$' and pg_sequence_last_value(oid) > 0`,
      )
    await database.query(
      `insert into profiles select user_id, likes, 'x' from profiles on conflict (user_id) do update set bio = excluded.bio; insert into profiles (user_id, bio) values (3, 'x'); insert into users (id) values (7); with one as (insert into profiles (user_id, bio) values (8, 'x') returning user_id) insert into users (id) select user_id from one`,
    )
    const before = await writes()
    await database.query(`update users set bio = 'y' where id = 1`)
    expect([before.length, (await writes()).length]).toEqual([0, 1])
  })
})
