import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { workplace } from '../support/cli.ts'
import { testDatabase } from '../support/database.ts'

const RENAME = 'operations:\n  - rename_column: { table: users, from: name, to: full_name }\n'
const add = (column: string) =>
  `operations:\n  - add_column: { table: users, column: ${column}, type: text }\n`

/** A database that another tool has made so far, and the folder of that tool's files. */
async function taken(...setUp: string[]) {
  const database = await testDatabase(
    'create table users (id bigint primary key, name text not null, legacy text); create table orders (id int)',
    ...setUp,
  )
  const place = await workplace({ DATABASE_URL: database.url })
  await mkdir(path.join(place.folder, 'migrations'))
  // Not in the format of Bellows, and never opened for it.
  await place.write('migrations/0001_users.json', '{"up": "create table users"}')
  await place.write('migrations/0002_orders.js', 'throw new Error("nobody may run this")')
  await place.write('migrations/0003_rename.yaml', RENAME)
  return { database, place }
}

const document = (text: string) => JSON.parse(text) as Record<string, never>

describe('bellows baseline', () => {
  test('a database that is there is taken over: old files count as applied, the next one runs', async () => {
    const { place } = await taken()
    const preview = await place.run('baseline', '0002_orders', '--dry-run')
    expect(preview).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^would be done {2}2 files taken as applied/),
    })
    expect(preview.out).toContain('0001_users counts as applied')
    expect((await place.run('status')).out).not.toContain('baseline')

    expect(await place.run('baseline', '0002_orders')).toMatchObject({
      code: 64,
      err: expect.stringMatching(/needs a confirmation[\s\S]*0001_users, 0002_orders[\s\S]*--yes/),
    })
    expect(await place.run('baseline', 'migrations/0002_orders.js', '--yes')).toMatchObject({ code: 0 })
    // Whoever did not see the answer asks again, and nothing is new.
    expect(await place.run('baseline', '0002_orders')).toMatchObject({
      code: 0,
      out: expect.not.stringContaining('counts as applied\n'),
    })
    expect(await place.run('check')).toMatchObject({
      code: 0,
      out: expect.stringContaining('as it was recorded'),
    })
    expect((await place.run('status')).out).toMatch(
      /^2 up to 0002_orders count as applied by the baseline\n0003_rename +pending/,
    )
    expect((await place.run('plan')).out).toContain('Plan of 0003_rename')
    expect((await place.run('verify')).code).toBe(0)
  })

  test('files are in the order of their names, whatever the length of these', async () => {
    const { place } = await taken()
    await place.write('migrations/0004_x.yaml', add('x'))
    await place.run('baseline', '--yes')
    expect((await place.run('status')).out).toContain('4 up to 0004_x count as applied by the baseline')
    const shorter = await place.run('baseline', '0001_users', '--yes', '--json')
    expect(document(shorter.out)).toMatchObject({
      baseline: { pending: ['0002_orders', '0003_rename', '0004_x'] },
    })
  })

  test('all files are meant when none is named, and a shorter baseline makes the others pending again', async () => {
    const { place } = await taken()
    expect((await place.run('baseline', '--yes')).code).toBe(0)
    expect(await place.run('status', '--exit-code')).toMatchObject({ code: 0 })
    expect(await place.run('expand', '0003_rename')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/counts as applied since the baseline[\s\S]*bellows baseline/),
    })
    expect((await place.run('expand')).err).toContain('Nothing is pending')
    const shorter = await place.run('baseline', '0002_orders', '--yes', '--json')
    expect(document(shorter.out)).toMatchObject({
      baseline: { files: ['0001_users', '0002_orders'], applied: [], pending: ['0003_rename'] },
    })
    expect((await place.run('expand')).code).toBe(0)
  })

  test('is refused in the middle of a run, and over a migration that was rolled back', async () => {
    const { place, database } = await taken()
    await place.run('baseline', '0002_orders', '--yes')
    await place.run('expand')
    expect(await place.run('baseline', '--yes')).toMatchObject({
      code: 3,
      err: expect.stringContaining('"0003_rename" is under way'),
    })
    await place.run('rollback', '--yes')
    expect(await place.run('baseline', '--yes')).toMatchObject({
      code: 3,
      err: expect.stringContaining('"0003_rename" was rolled back'),
    })
    expect(await database.query('select count(*)::int as baselines from bellows.baseline')).toEqual([
      { baselines: 1 },
    ])
  })

  test('names what is not there', async () => {
    const { place } = await taken()
    expect(await place.run('baseline', '0009_none', '--yes')).toMatchObject({
      code: 64,
      err: expect.stringMatching(/no migration "0009_none"[\s\S]*0001_users/),
    })
  })
})

describe('bellows check', () => {
  test('names drift object by object with exit code 4, until it is gone or taken as right', async () => {
    const { place, database } = await taken()
    await place.run('baseline', '0002_orders', '--yes')
    await database.query(
      'alter table users alter legacy type varchar(9), alter name drop not null; create index by_hand on orders (id); drop table if exists none',
    )
    const found = await place.run('check')
    expect(found.code).toBe(4)
    expect(found.out).toMatch(/differs {2}3 objects of the schema/)
    expect(found.out).toContain(
      '  index by_hand on orders is new: CREATE INDEX by_hand ON public.orders USING btree (id)',
    )
    expect(found.out).toContain(
      '  column users.legacy differs\n      recorded  text\n      found     character varying(9)',
    )
    expect(found.out).toContain(
      '  column users.name differs\n      recorded  text not null\n      found     text',
    )
    expect(document((await place.run('check', '--json')).out)).toMatchObject({
      version: 1,
      files: [],
      schema: {
        recorded: 'everything',
        differences: [{ relation: 'orders', name: 'by_hand', recorded: null }, {}, {}],
      },
    })
    await database.query('alter table users alter legacy type text, alter name set not null')
    expect(await place.run('baseline', '0002_orders')).toMatchObject({
      code: 64,
      err: expect.stringContaining('Taken as right though not as recorded: index orders by_hand.'),
    })
    expect((await place.run('baseline', '0002_orders', '--yes')).out).toContain(
      'index by_hand on orders is new',
    )
    expect((await place.run('check')).code).toBe(0)
  })

  test('names rights, new partitions, and what another server printed', async () => {
    const { place, database } = await taken(`
create table events (id int) partition by list (id); create view names as select name from users`)
    await place.run('baseline', '0002_orders', '--yes')
    await database.query(`
create table events_1 partition of events for values in (1);
update bellows.recorded_object set printed_by = 9, definition = 'SELECT users.name FROM users' where (relation, kind) = ('names', 'view')`)
    const calm = await place.run('check')
    expect(calm).toMatchObject({
      code: 0,
      out: expect.stringContaining('events_1 is a new partition of a table that is on record'),
    })
    expect(calm.out).toMatch(
      /view names was recorded by PostgreSQL 9, and is not in the same words now: compare them\n {6}recorded {2}SELECT users.name FROM users\n {6}found {5}SELECT name/,
    )
    await database.query(`
grant select, insert on users to pg_monitor; alter table orders owner to pg_monitor;
create function once() returns int language sql as 'select 1'`)
    const found = await place.run('check')
    expect(found.code).toBe(4)
    expect(found.out).toContain('grant to pg_monitor on users is new: INSERT, SELECT')
    expect(found.out).toContain(
      'owner of orders differs\n      recorded  postgres\n      found     pg_monitor',
    )
    expect((await place.run('baseline', '0002_orders', '--yes')).out).toContain('view names differs')
    await database.query(
      `revoke execute on function once() from public; alter table users alter id set statistics 7; comment on table users is 'x'`,
    )
    const { out } = await place.run('check')
    expect(out).toContain('rights of function once() differs')
    expect(out).toContain('settings of column users.id is new: statistics 7')
    expect(out).toContain('comment of table users is new: x')
  })

  test('names files that were changed, are missing, or come late', async () => {
    const { place } = await taken()
    await place.run('baseline', '0002_orders', '--yes')
    await place.write('migrations/0003_rename.yaml', add('nick'))
    await place.run('expand')
    await place.write('migrations/0002_merged_late.yaml', add('slug'))
    const late = await place.run('check')
    expect(late).toMatchObject({
      code: 0,
      out: expect.stringContaining('0002_merged_late sorts before "0003_rename"'),
    })

    await place.write('migrations/0003_rename.yaml', `# the same with a comment\n${add('nick')}`)
    expect((await place.run('check')).code).toBe(0)
    await place.write('migrations/0003_rename.yaml', RENAME)
    await place.write('migrations/0001_users.json', '{}')
    await place.remove('migrations/0002_orders.js')
    const wrong = await place.run('check')
    expect(wrong.code).toBe(4)
    expect(wrong.out).toContain('differs  3 files in "migrations"')
    expect(wrong.out).toContain('0001_users: its file was changed after the baseline')
    expect(wrong.out).toContain('0003_rename: its file was changed after its run began')
    expect(wrong.out).toContain('0002_orders: its file is not in the folder')
  })

  test('says that nothing is recorded where nothing is, and installs nothing', async () => {
    const { place, database } = await taken()
    expect(await place.run('check')).toMatchObject({
      code: 0,
      out: expect.stringContaining('no schema is recorded yet'),
    })
    expect(await database.query(`select to_regnamespace('bellows') is null as untouched`)).toEqual([
      { untouched: true },
    ])
  })
})
