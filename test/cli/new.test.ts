import { mkdir, readFile, symlink } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { type Workplace, workplace } from '../support/cli.ts'
import { testDatabase } from '../support/database.ts'
import { builtMain } from '../support/node-process.ts'

/** Where the package is installed as any other. */
async function installed(): Promise<Workplace> {
  const database = await testDatabase('create table users (id int primary key, name text, "On" text)')
  const place = await workplace({ DATABASE_URL: database.url })
  await mkdir(path.join(place.folder, 'node_modules'))
  const root = path.resolve(path.dirname(builtMain()), '../..')
  await symlink(root, path.join(place.folder, 'node_modules', 'bellows'))
  return place
}

const textOf = (place: Workplace, file: string) => readFile(path.join(place.folder, file), 'utf8')

test('a file says where editors find its format, as long as it is there', async () => {
  const place = await installed()
  expect((await place.run('new', 'a', '--add', 'users.age:varchar(9)')).out).toBe('migrations/0001_a.yaml\n')
  expect(
    await textOf(place, 'migrations/0001_a.yaml'),
  ).toBe(`# yaml-language-server: $schema=../node_modules/bellows/migration.schema.json
operations:
  - add_column:
      table: users
      column: age
      type: "varchar(9)"
`)
  await place.remove('node_modules')
  await place.run('new', 'b')
  expect(
    await textOf(place, 'migrations/0002_b.yaml'),
  ).toBe(`# One or more operations; docs/migrations.md shows all of them.
operations:
  - rename_column:
      table: users
      from: name
      to: full_name
`)
})

test('a file in TypeScript is written, and is read through the package', async () => {
  const place = await installed()
  const made = await place.run(
    'new',
    'both',
    '--ts',
    '--rename',
    'users.name:full "name"',
    '--drop',
    'users.On',
  )
  expect(made.out).toBe('migrations/0001_both.ts\n')
  expect(await textOf(place, 'migrations/0001_both.ts')).toBe(`import { defineMigration } from 'bellows'

export default defineMigration({
  operations: [
    { rename_column: { table: "users", from: "name", to: "full \\"name\\"" } },
    { drop_column: { table: "users", column: "On" } },
  ],
})
`)
  const plan = await place.run('plan')
  expect(plan, plan.err).toMatchObject({ code: 0, out: expect.stringContaining('Plan of 0001_both') })
})

test('the format is printed as it is published', async () => {
  const place = await workplace()
  const published = await readFile(path.resolve(import.meta.dirname, '../../migration.schema.json'), 'utf8')
  expect(await place.run('json-schema')).toEqual({ code: 0, out: published, err: '' })
})
