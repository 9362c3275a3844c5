import { describe, expect, test } from 'vitest'
import { type AddColumn, addColumn } from '../../../src/core/operations/add-column.ts'
import { columnAbsent, columnExists } from '../../../src/core/plan/probes.ts'
import type { Facts } from '../../../src/core/schema/facts.ts'
import { expressionKey } from '../../../src/core/schema/facts.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import {
  column,
  context,
  facts,
  factsWithTypes,
  schemaOf,
  table,
  told,
  type,
  USERS,
} from '../../support/model.ts'

const add = (more: Partial<AddColumn> = {}): AddColumn => ({
  kind: 'add_column',
  namespace: 'public',
  table: 'users',
  column: 'slug',
  type: 'varchar(20)',
  nullable: true,
  ...more,
})

const EXPRESSIONS: Facts['expressions'] = {
  [expressionKey("'x'", 'varchar(20)')]: { volatility: 'immutable', text: 'x' },
  [expressionKey("'x'", 'int')]: { problem: 'Invalid input syntax for type integer: "x"' },
  [expressionKey('now()', 'varchar(20)')]: { volatility: 'stable', text: null },
  [expressionKey('gen_random_uuid()', 'varchar(20)')]: { volatility: 'volatile', text: null },
  [expressionKey('nonsense', 'varchar(20)')]: { problem: 'Column "nonsense" does not exist' },
}
const known = factsWithTypes(
  { 'varchar(20)': 'character varying(20)', text: 'text', int: 'integer', 'app.email': 'app.email' },
  { expressions: EXPRESSIONS },
)
const problems = (op: AddColumn, of: Table = table(), facts = known) =>
  addColumn.check(op, context(of, facts))

describe('a column that can be added', () => {
  test.each<[string, Partial<AddColumn>]>([
    ['nullable', {}],
    ['with a constant default', { default: "'x'" }],
    ['with a stable default', { default: 'now()' }],
    ['NOT NULL with a default', { nullable: false, default: "'x'" }],
    ['of another type', { type: 'int' }],
    ['of a type of its own', { type: 'app.email' }],
    ['with an odd name', { column: 'Full "Name"' }],
    ['with a name of 63 bytes', { column: 'x'.repeat(63) }],
    ['with a default that nobody has looked at', { default: '1' }],
  ])('%s has no problems', (_what, more) => {
    expect(problems(add(more))).toEqual([])
  })
})

describe('a column that cannot be added', () => {
  test.each<[string, Partial<AddColumn>, string, string, string | undefined]>([
    [
      'to a table that is not there',
      { table: 'nobody' },
      'table_not_found',
      'There is no table public.nobody.',
      'Check the spelling and the namespace: names are taken literally, capitals included.',
    ],
    [
      'under a name that is taken',
      { column: 'name' },
      'column_exists',
      'The table "users" already has a column "name".',
      'Choose another name, or drop the operation if that column is the one you mean.',
    ],
    ['without a name', { column: '' }, 'name_invalid', 'The column name "" is empty.', undefined],
    [
      'under a name that PostgreSQL would cut',
      { column: 'x'.repeat(64) },
      'name_invalid',
      `The column name "${'x'.repeat(64)}" has 64 bytes; PostgreSQL would cut it silently to 63.`,
      undefined,
    ],
    [
      'under the name of a system column',
      { column: 'xmin' },
      'name_invalid',
      'The column name "xmin" is the name of a system column.',
      undefined,
    ],
    [
      'of a type that nobody knows',
      { type: 'txt' },
      'migration_invalid',
      'The type "txt" of the column "slug" cannot be used: there is no such type.',
      'Write one type as in CREATE TABLE, such as text, varchar(20) or my_schema.my_type.',
    ],
    [
      'of something that is no type',
      { type: 'text not null' },
      'migration_invalid',
      'The type "text not null" of the column "slug" cannot be used: syntax error at or near "null".',
      'Write one type as in CREATE TABLE, such as text, varchar(20) or my_schema.my_type.',
    ],
    [
      'of a type with something behind it',
      { type: 'text; drop table users' },
      'migration_invalid',
      'The type "text; drop table users" of the column "slug" cannot be used: it is more than one expression.',
      'Write one type as in CREATE TABLE, such as text, varchar(20) or my_schema.my_type.',
    ],
    [
      'NOT NULL without a default',
      { nullable: false },
      'plan_refused',
      'The column "slug" is NOT NULL and has no default: an old writer would fail.',
      'Give it a default, or add it as nullable.',
    ],
    [
      'with a default that is no expression',
      { default: "'x" },
      'migration_invalid',
      `The default 'x of "slug" cannot be used: unterminated quoted string at or near "'x\n".`,
      undefined,
    ],
    [
      'with a default that is more than one',
      { default: "'x'; drop table users" },
      'migration_invalid',
      `The default 'x'; drop table users of "slug" cannot be used: it is more than one expression.`,
      undefined,
    ],
    [
      'with a comment in its default',
      { default: "'x' -- comment" },
      'migration_invalid',
      `The default 'x' -- comment of "slug" cannot be used: it contains a comment.`,
      undefined,
    ],
    [
      'with a default that the server does not take',
      { default: 'nonsense' },
      'migration_invalid',
      'The default nonsense of "slug" cannot be used: Column "nonsense" does not exist.',
      undefined,
    ],
    [
      'with a default that fits another type',
      { type: 'int', default: "'x'" },
      'migration_invalid',
      `The default 'x' of "slug" cannot be used: Invalid input syntax for type integer: "x".`,
      undefined,
    ],
    [
      'NOT NULL with a default of NULL',
      { nullable: false, default: 'null::text' },
      'plan_refused',
      'The column "slug" is NOT NULL and has no default: an old writer would fail.',
      'Give it a default, or add it as nullable.',
    ],
    [
      'with a default that differs each time',
      { default: 'gen_random_uuid()' },
      'plan_refused',
      'The default gen_random_uuid() of "slug" is volatile: adding it rewrites the whole table under a lock.',
      'Add the column without the default, set the default for new rows, and fill the old ones in batches.',
    ],
  ])('%s', (_what, more, code, message, hint) => {
    const found = problems(add(more))
    expect(told(found)).toEqual([[code, message]])
    expect(found[0]?.hint).toBe(hint)
  })

  test('of a domain with constraints, which rewrites the table', () => {
    const domains = facts({ types: { email: type('email', { typeKind: 'domain', typeConstrained: true }) } })
    expect(told(problems(add({ type: 'email' }), table(), domains))).toEqual([
      [
        'migration_invalid',
        'The type "email" of the column "slug" cannot be used: it is a domain with constraints, and adding it rewrites the whole table.',
      ],
    ])
  })

  test('of a domain without constraints, which does not, can', () => {
    const domains = facts({ types: { email: type('email', { typeKind: 'domain' }) } })
    expect(problems(add({ type: 'email' }), table(), domains)).toEqual([])
  })

  test('to a table whose slots are used up', () => {
    expect(told(problems(add(), table({ columnSlots: 1600 })))).toEqual([
      [
        'plan_refused',
        '"users" has used all its 1600 column slots; PostgreSQL does not reuse those of dropped columns.',
      ],
    ])
  })

  test.each<[string, Partial<Table>, string]>([
    ['a view', { kind: 'view' }, 'public.users is a view, which this operation does not support yet.'],
    [
      'a partitioned table',
      { kind: 'partitioned' },
      'public.users is a partitioned table, which this operation does not support yet.',
    ],
    [
      'a table of somebody else',
      { owned: false },
      'The connected role may not change public.users: it is not a member of the role that owns it.',
    ],
  ])('to %s, whatever else is wrong', (_what, more, message) => {
    expect(told(problems(add({ column: '', nullable: false }), table(more)))).toEqual([
      ['plan_refused', message],
    ])
  })

  test('is told every problem at once', () => {
    expect(
      told(problems(add({ column: 'name', type: 'txt', nullable: false }), table({ columnSlots: 1600 }))).map(
        ([code]) => code,
      ),
    ).toEqual(['column_exists', 'plan_refused', 'migration_invalid', 'plan_refused'])
  })
})

describe('the schema afterwards', () => {
  const added = (op: AddColumn, facts = known) => addColumn.apply(op, schemaOf(table()), facts).tables[0]

  test('has the column at the end', () => {
    expect(added(add())).toEqual({
      ...table(),
      columns: [...table().columns, column('slug', 'character varying(20)')],
      columnSlots: 3,
    })
  })

  test('has its default', () => {
    expect(added(add({ default: "'x'" }))?.columns.at(-1)).toMatchObject({
      default: "'x'",
      defaultVolatility: 'immutable',
      nullable: true,
    })
    expect(added(add({ default: '1' }))?.columns.at(-1)).toMatchObject({
      default: '1',
      defaultVolatility: null,
    })
  })

  test.each<[number, readonly string[]]>([
    [180_000, ['users_pkey', 'users_slug_not_null']],
    [180_004, ['users_pkey', 'users_slug_not_null']],
    [170_009, ['users_pkey']],
    [150_018, ['users_pkey']],
  ])('has a constraint for NOT NULL since PostgreSQL 18: %i', (serverVersion, names) => {
    const after = added(add({ nullable: false, default: "'x'" }), { ...known, serverVersion })
    expect(after?.constraints.map(({ name }) => name)).toEqual(names)
    expect(after?.columns.at(-1)?.nullable).toBe(false)
  })

  test('has nothing special about that constraint', () => {
    expect(added(add({ nullable: false, default: "'x'" }))?.constraints.at(-1)).toMatchObject({
      kind: 'not_null',
      columns: ['slug'],
      validated: true,
      deferrable: false,
      comment: null,
      index: null,
      references: null,
      setsDefault: false,
    })
  })

  test('takes storage from the type', () => {
    expect(added(add({ type: 'int' }))?.columns.at(-1)).toMatchObject({
      type: 'integer',
      storage: 'plain',
      typeStorage: 'plain',
    })
  })
})

describe('the steps', () => {
  const statements = (op: AddColumn) => {
    const [step] = addColumn.expand(op, context(table(), known))
    return step !== undefined && 'statements' in step ? step.statements : []
  }

  test('are one short statement', () => {
    expect(addColumn.expand(add(), context())).toEqual([
      {
        kind: 'ddl',
        phase: 'expand',
        does: 'add the column "slug" to "users"',
        hazards: [],
        probe: columnExists(USERS, 'slug'),
        changes: { kind: 'added', column: 'slug' },
        locks: [{ relation: USERS, level: 'access_exclusive' }],
        requires: [],
        statements: ['alter table "public"."users" add column "slug" varchar(20)'],
        cost: 'instant',
      },
    ])
    expect(addColumn.backfill(add(), context())).toEqual([])
    expect(addColumn.contract(add(), context())).toEqual([])
  })

  test.each<[string, Partial<AddColumn>, RegExp]>([
    [
      'NOT NULL',
      { nullable: false, default: "'x'" },
      /^alter table "public"\."users" add column "slug" varchar\(20\) not null default \(?'x'\)?$/,
    ],
    ['a default', { default: 'now()' }, /add column "slug" varchar\(20\) default \(?now\(\)\)?$/],
    ['a default that needs brackets', { default: 'true and false' }, /default \(true and false\)$/],
    ['an odd name', { column: `a"b'c` }, /add column "a""b'c" varchar\(20\)$/],
    [
      'an odd table',
      { namespace: 'My App', table: 'a.b' },
      /^alter table "My App"\."a\.b" add column "slug"/,
    ],
    ['a type of its own', { type: '"My Type"[]' }, /add column "slug" "My Type"\[\]$/],
  ])('write %s', (_what, more, text) => {
    expect(statements(add(more))).toEqual([expect.stringMatching(text)])
  })

  test('that take it back drop the column, and say what is lost', () => {
    expect(addColumn.rollback(add(), context())).toEqual([
      {
        kind: 'ddl',
        phase: 'expand',
        does: 'drop the column "slug" of "users" again',
        hazards: [
          { code: 'drops_values', because: 'The values written to "slug" so far are dropped with it.' },
        ],
        probe: columnAbsent(USERS, 'slug'),
        locks: [{ relation: USERS, level: 'access_exclusive' }],
        requires: [],
        statements: ['alter table "public"."users" drop column "slug" restrict'],
        cost: 'instant',
        retires: { table: USERS, column: 'slug' },
      },
    ])
  })
})
