import { describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { describeError, migration, rename, TWO_VALUES } from './support.ts'

const given = (triggers: readonly string[], body: string) => `
  create table people (id integer primary key, seen integer not null default 0, name text);
  insert into people values (1, 0, 'a'), (2, 0, null), (3, 0, 'c');
  create function users_rule() returns trigger language plpgsql as $$ begin ${body} return new; end $$;
  ${triggers.map((name) => `create trigger "${name}" before insert or update on people for each row execute function users_rule();`).join('\n')}`

async function expanded(...setUp: readonly string[]): Promise<TestDatabase> {
  const database = await testDatabase(...setUp)
  const bellows = await database.bellows()
  await bellows.change((driver) => driver.advance(migration(rename()), 'expand'))
  return database
}

async function wrote(database: TestDatabase, statement: string): Promise<string> {
  try {
    const rows = await database.query<{ name: string | null; full_name: string | null }>(
      `${statement} returning name, full_name`,
    )
    return rows.map(({ name, full_name }) => `${name} | ${full_name}`).join(', ')
  } catch (error) {
    return describeError(error)
  }
}

/** Names that sort before our usual one, behind it, and behind the ones that it gives way to. */
const NAMES = [
  ['aaa_rule'],
  ['bellows_rule'],
  ['zzzz_rule'],
  ['~~x'],
  ['~~~~'],
  ['aaa_rule', 'zzzz_rule', '~~~~'],
] as const

describe('a BEFORE trigger of the user that changes the old column', () => {
  test.for(NAMES)('named %s fires before ours, which sees what it left', async (names) => {
    const database = await expanded(given(names, `new.name := upper(new.name);`))
    const [last] = await database.query<{ tgname: string }>(
      `select tgname from pg_trigger where tgrelid = 'people'::regclass and not tgisinternal order by tgname collate "C" desc limit 1`,
    )
    expect(last?.tgname).toContain('bellows_dual_write')

    expect(await wrote(database, `insert into people (id, name) values (4, 'd')`)).toBe('D | D')
    // The rule works on the old column only; a value that comes through the new one is past it.
    expect(await wrote(database, `insert into people (id, full_name) values (5, 'e')`)).toBe('e | e')
    expect(await wrote(database, `update people set name = 'b' where id = 2`)).toBe('B | B')
    expect(await wrote(database, `update people set full_name = 'x' where id = 4`)).toBe('x | x')
    // Another column is written, and the rule changes the old one all the same.
    expect(await wrote(database, `update people set seen = 1 where id = 1`)).toBe('A | A')
    expect(await wrote(database, `update people set seen = 1 where id = 4`)).toBe('X | X')
    expect(await wrote(database, `update people set full_name = 'q' where id = 5`)).toBe(TWO_VALUES)
  })

  test('that changes it each time makes writes of the new column fail', async () => {
    const database = await expanded(given(['aaa_rule'], `new.name := new.name || '!';`))

    expect(await wrote(database, `update people set name = 'b' where id = 1`)).toBe('b! | b!')
    expect(await wrote(database, `update people set seen = 1 where id = 1`)).toBe('b!! | b!!')
    expect(await wrote(database, `update people set full_name = 'x' where id = 1`)).toBe(TWO_VALUES)
    expect(await wrote(database, `insert into people (id, full_name) values (4, 'x')`)).toBe('x | x')
  })

  test('that gives it a value on INSERT makes inserts of the new column fail', async () => {
    const database = await expanded(given(['aaa_rule'], `new.name := coalesce(new.name, 'nobody');`))

    expect(await wrote(database, `insert into people (id) values (4)`)).toBe('nobody | nobody')
    expect(await wrote(database, `insert into people (id, full_name) values (5, 'x')`)).toBe(TWO_VALUES)
    expect(await wrote(database, `update people set full_name = 'x' where id = 1`)).toBe('x | x')
  })
})

describe('a trigger of the user', () => {
  test('that skips a row keeps it as it was', async () => {
    const database = await expanded(given(['aaa_rule'], `if new.seen = 7 then return null; end if;`))

    expect(await wrote(database, `update people set seen = 7, full_name = 'x' where id = 1`)).toBe('')
    expect(await database.query('select name, full_name from people where id = 1')).toEqual([
      { name: 'a', full_name: null },
    ])
  })

  test('that fires after the row sees both columns', async () => {
    const database = await expanded(
      given([], ''),
      `create table log (name text, line text);
       create function log_it() returns trigger language plpgsql as $$ begin
         insert into log values (new.name, to_jsonb(new) ->> 'full_name'); return null; end $$;
       create trigger log_it after insert or update on people for each row execute function log_it()`,
    )
    await wrote(database, `insert into people (id, full_name) values (4, 'd')`)
    await wrote(database, `update people set seen = 1 where id = 1`)

    expect(await database.query('select name, line from log')).toEqual([
      { name: 'd', line: 'd' },
      { name: 'a', line: 'a' },
    ])
  })

  test('that came after ours and sorts behind it is found by the verification', async () => {
    const database = await testDatabase(given([], 'new.name := upper(new.name);'))
    const bellows = await database.bellows()
    const advance = (until: 'expand' | 'verify') =>
      bellows.change((driver) => driver.advance(migration(rename()), until))
    await advance('expand')
    await database.query(
      'create trigger "~~~~" before insert or update on people for each row execute function users_rule()',
    )
    expect(await wrote(database, `update people set name = 'b' where id = 1`)).toBe('B | b')

    await expect(advance('verify')).rejects.toMatchObject({
      code: 'verification_failed',
      facts: { diverged_rows: 2, unfilled_rows: 0 },
    })
  })
})
