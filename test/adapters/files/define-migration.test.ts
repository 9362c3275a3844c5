import { expect, test } from 'vitest'
import { defineMigration, type OperationInput } from '../../../src/adapters/files/define-migration.ts'
import { parseMigration } from '../../../src/adapters/files/migration-format.ts'

test('a migration is given back as it is, and the reader takes it', () => {
  const content = defineMigration({
    operations: [
      { rename_column: { table: 'users', from: 'name', to: 'full_name', transform: 'trim' } },
      { add_column: { namespace: 'app', table: 'users', column: 'age', type: 'int', default: 0 } },
      { drop_column: { table: 'users', column: 'legacy' } },
    ],
  })
  expect(parseMigration(content)).toMatchObject({ ok: true, operations: [{}, { default: '0' }, {}] })
})

/** What the compiler refuses, the reader refuses as well: each line below is an error of types, or this file does not compile. */
const WRONG: readonly OperationInput[] = [
  // @ts-expect-error an unknown operation
  { drop_colum: { table: 'users', column: 'a' } },
  // @ts-expect-error a field that is missing
  { drop_column: { table: 'users' } },
  // @ts-expect-error a field that is not known
  { drop_column: { table: 'users', column: 'a', cascade: true } },
  // @ts-expect-error a value of another type
  { add_column: { table: 'users', column: 'a', type: 'int', nullable: 'no' } },
  // @ts-expect-error a value that is none of the possible
  { rename_column: { table: 'users', from: 'a', to: 'b', transform: 'rot13' } },
  // @ts-expect-error two kinds in one operation
  { drop_column: { table: 'users', column: 'a' }, add_column: { table: 'users', column: 'b', type: 'int' } },
  // @ts-expect-error no kind
  {},
]

test.each(WRONG)('%j is refused by the compiler and by the reader', (operation) => {
  expect(parseMigration({ operations: [operation] })).toMatchObject({ ok: false })
})
