import { describe, expect, test } from 'vitest'
import type { RenameColumn } from '../../../../src/core/operations/rename/rename.ts'
import { renamedSchema } from '../../../../src/core/operations/rename/renamed-schema.ts'
import type { Facts } from '../../../../src/core/schema/facts.ts'
import type { Column, Table } from '../../../../src/core/schema/model.ts'
import {
  check,
  column,
  facts,
  factsWithTypes,
  foreignKey,
  index,
  indexOf,
  notNull,
  primaryKeyOf,
  schemaOf,
  table,
  tableWith,
  unique,
} from '../../../support/model.ts'
import { rename } from '../../../support/rename.ts'

const renamed = (of: Table, more: Partial<RenameColumn> = {}, known: Facts = facts()): Table => {
  const [after] = renamedSchema(rename(more), schemaOf(of), known).tables
  if (after === undefined) throw new Error('the table is gone')
  return after
}
const lastOf = (of: Table, more: Partial<RenameColumn> = {}, known = facts()): Column | undefined =>
  renamed(of, more, known).columns.at(-1)

describe('the columns', () => {
  test('are those before, with the new one at the end', () => {
    const users = tableWith([column('name'), column('age', 'integer')])
    expect(renamed(users).columns).toEqual([
      column('id', 'bigint', { nullable: false }),
      column('age', 'integer'),
      column('full_name'),
    ])
  })

  test('keep everything that the old one had', () => {
    const rich: Partial<Column> = {
      collation: { namespace: 'pg_catalog', name: 'C' },
      nullable: false,
      default: "'x'::text",
      defaultVolatility: 'stable',
      comment: 'c',
      statisticsTarget: 7,
      options: ['n_distinct=5'],
      storage: 'external',
      compression: 'pglz',
      grants: [{ grantee: 'app', toPublic: false, privilege: 'SELECT', grantable: true }],
    }
    expect(lastOf(tableWith([column('name', 'text', rich)]))).toEqual(column('full_name', 'text', rich))
  })

  test('have the type that was asked for', () => {
    const known = factsWithTypes({ bigint: 'bigint' })
    expect(lastOf(tableWith([column('name', 'integer')]), { type: 'bigint' }, known)).toMatchObject({
      name: 'full_name',
      type: 'bigint',
      baseType: 'bigint',
    })
  })

  test('have the type of the column that was there, and that column once', () => {
    const users = tableWith([column('name', 'integer'), column('full_name', 'bigint')])
    expect(renamed(users).columns.map(({ name, type }) => [name, type])).toEqual([
      ['id', 'bigint'],
      ['full_name', 'bigint'],
    ])
  })

  test('keep the place of a column that was there', () => {
    const users = tableWith([column('full_name'), column('name'), column('age')])
    expect(renamed(users).columns.map(({ name }) => name)).toEqual(['id', 'full_name', 'age'])
    expect(renamed(users).columnSlots).toBe(users.columnSlots)
    expect(renamed(table()).columnSlots).toBe(3)
  })

  test('have storage and collation that the new type can have', () => {
    const known = factsWithTypes({ text: 'text', integer: 'integer' })
    const collation = { namespace: 'pg_catalog', name: 'C' }
    expect(lastOf(tableWith([column('name', 'integer')]), { type: 'text' }, known)).toMatchObject({
      storage: 'extended',
    })
    expect(
      lastOf(tableWith([column('name', 'character varying(20)', { collation })]), { type: 'text' }, known),
    ).toMatchObject({
      collation,
    })
    expect(lastOf(tableWith([column('name', 'text', { collation }), column('full_name')]))).toMatchObject({
      collation: null,
    })
  })

  test('leave a sequence its name where the other one is taken', () => {
    const sequences = [{ namespace: 'public', name: 'users_name_seq' }]
    const of = {
      ...tableWith([column('name', 'integer', { sequences })]),
      neighbours: ['users_full_name_seq'],
    }
    expect(lastOf(of)?.sequences).toEqual(sequences)
  })

  test('take their sequence along, by the name that PostgreSQL would have given', () => {
    const of = tableWith([
      column('name', 'integer', {
        sequences: [{ namespace: 'public', name: 'users_name_seq' }],
        default: "nextval('public.users_name_seq'::regclass)",
      }),
    ])
    expect(lastOf(of)).toMatchObject({
      sequences: [{ namespace: 'public', name: 'users_full_name_seq' }],
      default: "nextval('public.users_full_name_seq'::regclass)",
    })
  })

  test('leave a sequence its own name, and texts that only look like one', () => {
    const of = tableWith([
      column('name', 'text', {
        sequences: [{ namespace: 'My App', name: "it's mine" }],
        default: "'users_name_seq'::text",
      }),
    ])
    expect(lastOf(of)).toMatchObject({
      sequences: [{ namespace: 'My App', name: "it's mine" }],
      default: "'users_name_seq'::text",
    })
  })
})

describe('the constraints', () => {
  const key = unique('users_name_age_key', ['name', 'age'])
  const users = tableWith([column('name', 'text', { nullable: false }), column('age', 'integer')], {
    constraints: [
      key,
      check('users_name_check', ['name'], "CHECK ((name <> ''::text))"),
      check('users_check', ['name', 'age'], "CHECK (((name <> ''::text) OR (age > 3)))", { comment: 'c' }),
      check('positive', ['age'], 'CHECK ((age > 0))'),
      check('later', ['name'], "CHECK ((name <> 'x'::text)) NOT VALID", { validated: false }),
      foreignKey('users_name_fkey', ['name']),
      notNull('users_name_not_null', 'name'),
    ],
    indexes: [indexOf(key), index('users_name_idx', ['name']), index('users_age_idx', ['age'])],
  })

  test('follow the column, each with its last name', () => {
    expect(renamed(users).constraints.map(({ name, columns }) => [name, columns])).toEqual([
      ['users_pkey', ['id']],
      ['users_full_name_age_key', ['full_name', 'age']],
      ['users_full_name_check', ['full_name']],
      ['users_check', ['full_name', 'age']],
      ['positive', ['age']],
      ['later', ['full_name']],
      ['users_full_name_fkey', ['full_name']],
      ['users_full_name_not_null', ['full_name']],
    ])
  })

  test('say of the new column what they said of the old one', () => {
    const byName = Object.fromEntries(renamed(users).constraints.map((one) => [one.name, one]))
    expect(byName.users_full_name_check?.definition).toBe("CHECK (full_name <> ''::text)")
    expect(byName.users_check).toMatchObject({
      definition: "CHECK (full_name <> ''::text OR age > 3)",
      comment: 'c',
    })
    expect(byName.later).toMatchObject({
      definition: "CHECK (full_name <> 'x'::text) NOT VALID",
      validated: false,
    })
    expect(byName.users_full_name_fkey).toMatchObject({
      definition: 'FOREIGN KEY (full_name) REFERENCES public.teams (id)',
      references: { namespace: 'public', name: 'teams' },
    })
    expect(byName.positive).toEqual(users.constraints.find(({ name }) => name === 'positive'))
  })

  test('and their indexes have one name', () => {
    const after = renamed(users)
    expect(after.constraints.find(({ kind }) => kind === 'unique')?.index).toBe('users_full_name_age_key')
    expect(after.indexes.map(({ name, columns, constraint }) => [name, columns, constraint])).toEqual([
      ['users_pkey', ['id'], 'users_pkey'],
      ['users_full_name_age_key', ['full_name', 'age'], 'users_full_name_age_key'],
      ['users_full_name_idx', ['full_name'], null],
      ['users_age_idx', ['age'], null],
    ])
  })

  test('keep a chosen name of NOT NULL', () => {
    const of = tableWith([column('name')], { constraints: [notNull('filled', 'name')] })
    expect(renamed(of).constraints.at(-1)).toMatchObject({ name: 'filled', columns: ['full_name'] })
  })

  test('are left alone where they do not name the column', () => {
    const of = table()
    expect(renamed(of).constraints).toEqual([primaryKeyOf(['id'])])
  })
})

describe('everything else', () => {
  test('is as it was', () => {
    const users = table({ triggers: [], mentions: [], rowsEstimate: 7, bytes: 8 })
    const { columns, constraints, indexes, ...rest } = renamed(users)
    expect(columns.length + constraints.length + indexes.length).toBe(4)
    const { columns: _c, constraints: _o, indexes: _i, ...before } = users
    expect(rest).toMatchObject({
      ...before,
      columnSlots: expect.any(Number),
    })
  })

  test('keeps the parts of index names in their order', () => {
    const of = tableWith([column('name'), column('age')], {
      indexes: [index('users_age_expr_name_idx', ['age', 'name'], { nameParts: ['age', 'expr', 'name'] })],
    })
    expect(renamed(of).indexes.at(-1)).toMatchObject({
      name: 'users_age_expr_full_name_idx',
      nameParts: ['age', 'expr', 'full_name'],
    })
  })

  test.each<[string, Partial<RenameColumn>]>([
    ['a table that is not there', { table: 'gone' }],
    ['a column that is not there', { from: 'gone' }],
  ])('is as it was for %s', (_what, more) => {
    const schema = schemaOf(table())
    expect(renamedSchema(rename(more), schema, facts())).toBe(schema)
  })
})
