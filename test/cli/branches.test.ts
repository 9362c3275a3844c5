import { cp, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { chosenMigration } from '../../src/cli/choose.ts'
import { type Workplace, workplace } from '../support/cli.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const USERS = `create table users (id int primary key, name text not null); insert into users values (1, 'x')`
const add = (column: string) =>
  `operations:\n  - add_column: { table: users, column: ${column}, type: text }\n`
const rename = (from: string, to: string) =>
  `operations:\n  - rename_column: { table: users, from: ${from}, to: ${to} }\n`

/** A place with a folder for each branch; a merge of branches that have no file in common is the sum of their files. */
async function placeWith(
  database: TestDatabase,
  branches: Readonly<Record<string, Readonly<Record<string, string>>>>,
) {
  const place = await workplace({ DATABASE_URL: database.url })
  for (const [branch, files] of Object.entries(branches)) {
    await mkdir(path.join(place.folder, branch))
    for (const [file, text] of Object.entries(files))
      await writeFile(path.join(place.folder, branch, file), text)
  }
  await mkdir(path.join(place.folder, 'migrations'))
  return place
}

const merge = (place: Workplace, branch: string) =>
  cp(path.join(place.folder, branch), path.join(place.folder, 'migrations'), { recursive: true })

/** What `bellows expand` does without a name; gives the name of what it chose. */
async function expandNext(database: TestDatabase, { folder }: Workplace): Promise<string> {
  const bellows = await database.bellows()
  const migration = await chosenMigration(bellows, path.join(folder, 'migrations'), undefined)
  await bellows.change((driver) => driver.advance(migration, 'expand'))
  return migration.name
}

const columnsOf = async (database: TestDatabase) =>
  (
    await database.query<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = 'users'::regclass and attnum > 0 and not attisdropped order by 1`,
    )
  ).map(({ name }) => name)

/** Behind a gate that nobody registered at. */
function contractOf(database: { readonly name: string }, ...named: string[]) {
  return ['contract', ...named, '--quiet', '0', '--confirm', database.name, '--allow-no-instances', 'a test']
}

describe('two branches', () => {
  test('merge without renumbering: what came late runs next, and nothing runs twice', async () => {
    const database = await testDatabase(USERS)
    const place = await placeWith(database, {
      first: { '0001_base.yaml': add('base'), '0003_first.yaml': add('first') },
      second: {
        '0002_late.yaml': add('late'),
        '0003_second.yaml': add('second'),
        '20261128_dated.yaml': add('dated'),
      },
    })
    await merge(place, 'first')
    expect([await expandNext(database, place), await expandNext(database, place)]).toEqual([
      '0001_base',
      '0003_first',
    ])
    expect(await columnsOf(database)).toEqual(['base', 'first', 'id', 'name'])

    await merge(place, 'second')
    expect((await place.run('status')).out).toMatch(
      /0002_late +pending\n +sorts before 0003_first, which was begun already\n +next: bellows expand 0002_late\n0003_second +pending\n +next/,
    )
    expect(await place.run('plan')).toMatchObject({
      code: 0,
      out: expect.stringContaining('Plan of 0002_late'),
      err: '"0002_late" sorts before "0003_first", which was begun already; it runs all the same.\n',
    })
    expect((await place.run('check')).code).toBe(0)
    for (const name of ['0002_late', '0003_second', '20261128_dated'])
      expect(await expandNext(database, place)).toBe(name)
    await expect(expandNext(database, place)).rejects.toMatchObject({ code: 'run_not_found' })
    expect(await columnsOf(database)).toEqual(['base', 'dated', 'first', 'id', 'late', 'name', 'second'])
    expect(await database.query('select migration from bellows.run order by id')).toEqual(
      ['0001_base', '0003_first', '0002_late', '0003_second', '20261128_dated'].map((migration) => ({
        migration,
      })),
    )
  })
})

describe('several pending migrations', () => {
  async function pending() {
    const database = await testDatabase(USERS)
    const place = await placeWith(database, {
      all: {
        '0001_add.yaml': add('nick'),
        '0002_rename.yaml': rename('name', 'full_name'),
        '0003_add.yaml': add('slug'),
      },
    })
    await merge(place, 'all')
    return { database, place }
  }

  test('are released as one run, contracted as one, and each counts as run', async () => {
    const { database, place } = await pending()
    expect((await place.run('plan', '--all')).out).toMatch(
      /Plan of 0003_add[\s\S]*nick[\s\S]*full_name[\s\S]*slug/,
    )
    expect((await place.run('expand', '--all')).out).toMatch(
      /0003_add +expanded[\s\S]*with 0001_add, 0002_rename/,
    )
    expect(await columnsOf(database)).toEqual(['full_name', 'id', 'name', 'nick', 'slug'])
    // Again, and by the name of any of them.
    expect((await place.run('expand', '--all')).code).toBe(0)
    expect((await place.run('verify', '0001_add')).out).toMatch(/0003_add +verified/)
    expect((await place.run(...contractOf(database, '0002_rename'))).out).toMatch(/0003_add +completed/)
    expect(await columnsOf(database)).toEqual(['full_name', 'id', 'nick', 'slug'])
    expect(await database.query('select migration, parts from bellows.run')).toEqual([
      { migration: '0003_add', parts: ['0001_add', '0002_rename', '0003_add'] },
    ])
    expect((await place.run('status', '--exit-code')).code).toBe(0)
    expect(await place.run('check')).toMatchObject({
      code: 0,
      out: expect.stringContaining('are those of the history'),
    })
    await place.write('migrations/0001_add.yaml', add('other'))
    expect((await place.run('check')).out).toContain('0001_add: its file was changed after its run began')
  })

  test('are taken back as one, and are all pending again; then one may run by itself', async () => {
    const { database, place } = await pending()
    await place.run('verify', '--all')
    expect((await place.run('rollback', '0001_add', '--yes')).out).toContain('rolled back')
    expect(await columnsOf(database)).toEqual(['id', 'name'])
    expect((await place.run('status')).out).toMatch(
      /0001_add +pending[\s\S]*0002_rename +pending[\s\S]*0003_add +pending/,
    )
    expect((await place.run('expand')).out).toMatch(/0001_add +completed/)
    expect((await place.run('expand', '--all')).out).toMatch(/0003_add +expanded[\s\S]*with 0002_rename\n/)
  })

  test('go on as one in whatever form the files are, or without them, and not where any of them was changed', async () => {
    const { database, place } = await pending()
    await place.run('expand', '--all')
    const contract = contractOf(database)
    const commands = [
      ['backfill'],
      ['backfill', '--all'],
      ['verify', '0002_rename'],
      ['verify', '0003_add.yaml'],
      contract,
      [...contract, '0003_add'],
    ]
    await place.write('migrations/0001_add.yaml', add('other'))
    for (const command of commands)
      expect(await place.run(...command), command.join(' ')).toMatchObject({
        code: 4,
        err: expect.stringContaining('"0001_add" was changed after it had been started'),
      })
    expect(await columnsOf(database)).toContain('name')

    await place.remove('migrations/0001_add.yaml')
    expect((await place.run('backfill', '--all')).code, 'of one the file is gone').toBe(0)
    await place.write(
      'migrations/0001_add.json',
      JSON.stringify({ operations: [{ add_column: { type: 'text', column: 'nick', table: 'users' } }] }),
    )
    await place.remove('migrations/0003_add.yaml')
    await place.write(
      'migrations/0003_add.mts',
      `export default { operations: [{ add_column: { table: 'users', column: 'slug', type: 'text' } }] }`,
    )
    expect((await place.run('verify')).out, 'in other forms').toMatch(/0003_add +verified/)
    await place.write('migrations/0001_add.yaml', add('nick'))
    expect(await place.run('verify'), 'there are two of one').toMatchObject({
      code: 64,
      err: expect.stringContaining('are called "0001_add" but for their extension'),
    })
    await place.remove('migrations')
    for (const command of [['verify', '0001_add'], ['verify', '--all'], contract])
      expect((await place.run(...command)).code, command.join(' ')).toBe(0)
    expect(await columnsOf(database)).toEqual(['full_name', 'id', 'nick', 'slug'])
  })

  test('of which one takes away what another works on are refused as one', async () => {
    const { database, place } = await pending()
    await place.write('migrations/0004_again.yaml', rename('full_name', 'display_name'))
    expect(await place.run('expand', '--all')).toMatchObject({
      code: 3,
      err: expect.stringContaining('Two operations of the migration touch "users"."full_name"'),
    })
    expect(await place.run('expand', '0001_add', '--all')).toMatchObject({
      code: 64,
      err: expect.stringContaining('--all is every migration'),
    })
    expect(await columnsOf(database)).toEqual(['id', 'name'])
  })
})
