import { describe, expect, test } from 'vitest'
import { type AddColumn, addColumn } from '../../../src/core/operations/add-column.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { setColumnState } from '../../../src/core/plan/column-state.ts'
import { noIdentityOn } from '../../../src/core/plan/identity.ts'
import { meetingProblems } from '../../../src/core/plan/meetings.ts'
import { namesFor } from '../../../src/core/plan/names.ts'
import { columnAbsent, columnExists } from '../../../src/core/plan/probes.ts'
import { DEFAULT_IS_SQL } from '../../../src/core/plan/row-value.ts'
import type { StepDraft } from '../../../src/core/plan/step.ts'
import { validateChecksSql } from '../../../src/core/plan/validate.ts'
import { expressionKey, type Facts, type RowValue, valueKey } from '../../../src/core/schema/facts.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import {
  column,
  context,
  facts,
  factsWithTypes,
  SEED,
  schemaOf,
  table,
  told,
  trigger,
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
  [expressionKey("'x'", 'varchar(20)')]: { volatility: 'stable', text: 'x' },
  [expressionKey("'x'", 'int')]: { problem: 'Invalid input syntax for type integer: "x"' },
  [expressionKey('now()', 'varchar(20)')]: { volatility: 'stable', text: null },
  [expressionKey('gen_random_uuid()', 'varchar(20)')]: { volatility: 'volatile', text: null },
  [expressionKey('nonsense', 'varchar(20)')]: { problem: 'Column "nonsense" does not exist' },
}
const value = (expression: string, as: RowValue['as'], type = 'varchar(20)') =>
  valueKey({ table: USERS, expression, fits: { type }, as })
const VALUES: Facts['values'] = {
  [value('lower(name)', 'row')]: { text: 'lower(name)' },
  [value('random()::text', 'row')]: { problem: 'Generation expression is not immutable' },
  [value('lower(name)', 'virtual')]: { text: 'lower(name)' },
  [value('made', 'row')]: { text: 'made' },
  [value("'x'", 'default')]: { text: "'x'::character varying" },
  [value('gen_random_uuid()', 'default')]: { text: 'gen_random_uuid()' },
}
const known = factsWithTypes(
  { 'varchar(20)': 'character varying(20)', text: 'text', int: 'integer', 'app.email': 'app.email' },
  { expressions: EXPRESSIONS, values: VALUES },
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
    ['with a default that differs each time', { default: 'gen_random_uuid()' }],
    ['with a value from other columns', { up: 'lower(name)' }],
    [
      'NOT NULL with a value from other columns and a default',
      { nullable: false, up: 'lower(name)', default: "'x'" },
    ],
    ['with a number', { type: 'int', identity: 'by_default' }],
    ['that is generated', { generated: 'lower(name)' }],
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
      'Write one type as in CREATE TABLE, such as text or varchar(20), and one of your own with its namespace, such as public.mood.',
    ],
    [
      'of something that is no type',
      { type: 'text not null' },
      'migration_invalid',
      'The type "text not null" of the column "slug" cannot be used: syntax error at or near "null".',
      'Write one type as in CREATE TABLE, such as text or varchar(20), and one of your own with its namespace, such as public.mood.',
    ],
    [
      'of a type with something behind it',
      { type: 'text; drop table users' },
      'migration_invalid',
      'The type "text; drop table users" of the column "slug" cannot be used: it is more than one expression.',
      'Write one type as in CREATE TABLE, such as text or varchar(20), and one of your own with its namespace, such as public.mood.',
    ],
    [
      'NOT NULL without a default',
      { nullable: false },
      'plan_refused',
      'The column "slug" is NOT NULL and has no default: an old writer would fail.',
      'Give it a default, or "up", or add it as nullable.',
    ],
    [
      'with a default that is no expression',
      { default: "'x" },
      'migration_invalid',
      `The default 'x of "slug" cannot be used: unterminated quoted string at or near "'x\n".`,
      DEFAULT_IS_SQL,
    ],
    [
      'with a default that is more than one',
      { default: "'x'; drop table users" },
      'migration_invalid',
      `The default 'x'; drop table users of "slug" cannot be used: it is more than one expression.`,
      DEFAULT_IS_SQL,
    ],
    [
      'with a comment in its default',
      { default: "'x' -- comment" },
      'migration_invalid',
      `The default 'x' -- comment of "slug" cannot be used: it contains a comment.`,
      DEFAULT_IS_SQL,
    ],
    [
      'with a default that the server does not take',
      { default: 'nonsense' },
      'migration_invalid',
      'The default nonsense of "slug" cannot be used: Column "nonsense" does not exist.',
      DEFAULT_IS_SQL,
    ],
    [
      'with a default that fits another type',
      { type: 'int', default: "'x'" },
      'migration_invalid',
      `The default 'x' of "slug" cannot be used: Invalid input syntax for type integer: "x".`,
      DEFAULT_IS_SQL,
    ],
    [
      'NOT NULL with a default of NULL',
      { nullable: false, default: 'null::text' },
      'plan_refused',
      'The column "slug" is NOT NULL and has no default: an old writer would fail.',
      'Give it a default, or "up", or add it as nullable.',
    ],
    [
      'NOT NULL with a value from other columns, which may be NULL, and no default',
      { nullable: false, up: 'lower(name)' },
      'plan_refused',
      'The column "slug" is NOT NULL and has no default: an old writer would fail.',
      'Nobody knows that "up" is NULL for no row. Write coalesce(<what it says>, <a value>), or give a default.',
    ],
    [
      'with a value that the server does not take',
      { up: 'random()::text' },
      'migration_invalid',
      'The up random()::text of "slug" cannot be used: Generation expression is not immutable.',
      'Write an immutable expression over the other columns of the row; name functions of yours with their namespace.',
    ],
    [
      'with a value that is no expression',
      { up: 'lower(' },
      'migration_invalid',
      'The up lower( of "slug" cannot be used: syntax error at end of input.',
      'Write an immutable expression over the other columns of the row; name functions of yours with their namespace.',
    ],
    [
      'with two sources of its value',
      { up: 'lower(name)', generated: 'lower(name)' },
      'migration_invalid',
      '"slug" has "up" and "generated": each gives it a value.',
      'Keep one of them; only "up" and "default" go together.',
    ],
    [
      'with a number of a type that is none',
      { identity: 'always' },
      'migration_invalid',
      '"slug" is an identity column of type character varying(20).',
      'Use smallint, integer or bigint.',
    ],
    [
      'that is generated and NOT NULL',
      { generated: 'lower(name)', nullable: false },
      'plan_refused',
      '"slug" is a generated column and NOT NULL, and nobody knows that lower(name) is NULL for no row: an old writer would fail.',
      'Write coalesce(<what it says>, <a value>), or add it as nullable.',
    ],
    [
      'that is stored, and not generated',
      { stored: true },
      'migration_invalid',
      '"slug" is "stored", and nothing is generated.',
      'Give "generated", or leave it out: every other column is stored.',
    ],
  ])('%s', (_what, more, code, message, hint) => {
    const found = problems(add(more))
    expect(told(found)).toEqual([[code, message]])
    expect(found[0]?.hint).toBe(hint)
  })

  test.each<[string, Partial<AddColumn>, string, RegExp]>([
    [
      'of a domain with constraints',
      { type: 'email' },
      '"slug" is of the domain email, which has a constraint or a default: PostgreSQL writes the whole table anew for it under a lock, and "users" has 2000000 bytes; that is done for at most 1048576.',
      /^Take the type that the domain is of/,
    ],
    [
      'that is generated and stored',
      { generated: 'lower(name)', stored: true },
      '"slug" is a stored generated column: PostgreSQL writes the whole table anew for it under a lock, and "users" has 2000000 bytes; that is done for at most 1048576.',
      /^Add a plain column with up: lower\(name\), .*; or leave "stored" out, on PostgreSQL 18; or compute the value in a view\.$/,
    ],
    [
      'that is generated and NOT NULL',
      { generated: "coalesce(name, '')", nullable: false },
      '"slug" is a generated column and NOT NULL: PostgreSQL reads the whole table for it under a lock, and "users" has 2000000 bytes; that is done for at most 1048576.',
      /^Add it as nullable/,
    ],
  ])('%s, to a table that is not small', (_what, more, message, hint) => {
    const domain = { hasDefault: false, takesNull: true }
    const email = { ...type('email', { typeKind: 'domain', typeConstrained: true }), domain }
    const facts = {
      ...known,
      types: { ...known.types, email },
      values: {
        ...VALUES,
        [value("coalesce(name, '')", 'virtual')]: { text: "coalesce(name, '')" },
      },
    }
    const found = problems(add(more), table({ bytes: 2_000_000 }), facts)
    expect(told(found)).toEqual([['plan_refused', message]])
    expect(found[0]?.hint).toMatch(hint)
    expect(problems(add(more), table(), facts)).toEqual([])
    const [step] = addColumn.expand(add(more), context(table(), facts))
    expect(step).toMatchObject({ cost: 'small' })
    expect(step !== undefined && 'requires' in step ? step.requires[0] : []).toMatchObject({
      that: expect.stringContaining('<= 1048576'),
      code: 'plan_refused',
    })
  })

  test('that is generated from a generated column', () => {
    const made = table({ columns: [...table().columns, column('made', 'text', { generated: 'stored' })] })
    const facts = { ...known, values: { ...VALUES, [value('made', 'virtual')]: { text: 'made' } } }
    expect(told(problems(add({ generated: 'made' }), made, facts))).toEqual([
      ['plan_refused', '"slug" is generated from "made", which is a generated column itself.'],
    ])
  })

  test('row by row on a table that the migration itself makes', () => {
    expect(told(problems(add({ up: 'lower(name)' }), table(), { ...known, values: {} }))).toEqual([
      ['plan_refused', '"up" of "slug" is worked out row by row, on a table that is not there yet.'],
    ])
  })

  test('from a generated column, which a trigger does not see', () => {
    const made = table({ columns: [...table().columns, column('made', 'text', { generated: 'stored' })] })
    expect(told(problems(add({ up: 'made' }), made))).toEqual([
      [
        'plan_refused',
        '"up" of "slug" names "made", a generated column, whose value a trigger does not see.',
      ],
    ])
  })

  test('that is generated before PostgreSQL 18, which is stored', () => {
    const before = { ...known, serverVersion: 170_009 }
    const large = problems(add({ generated: 'lower(name)' }), table({ bytes: 2_000_000 }), before)
    expect(told(large)).toEqual([['plan_refused', expect.stringContaining('stored generated column')]])
    expect(large[0]?.hint).not.toContain('leave "stored" out')
    expect(problems(add({ generated: 'lower(name)' }), table(), before)).toEqual([])
  })

  test('row by row where row security hides some, unless nothing has to be filled', () => {
    const forced = table({ rowSecurityForced: true })
    expect(told(problems(add({ up: 'lower(name)' }), forced))).toEqual([
      [
        'plan_refused',
        'Row security is forced on "users" for the connected role, which would fill only a part of the rows.',
      ],
    ])
    expect(problems(add(), forced)).toEqual([])
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
      'a partition',
      { kind: 'partition' },
      'public.users is a partition, which this operation does not support yet.',
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
      defaultVolatility: 'stable',
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

describe('a column whose value another operation takes away', () => {
  test.each<[string, Operation]>([
    ['drops', { kind: 'drop_column', namespace: 'public', table: 'users', column: 'name' }],
    [
      'renames',
      { kind: 'rename_column', namespace: 'public', table: 'users', from: 'name', to: 'full_name' },
    ],
    [
      'drops, and fills from it meanwhile,',
      { kind: 'drop_column', namespace: 'public', table: 'users', column: 'name', down: 'slug' },
    ],
  ])('is refused when the migration %s the one that it is found from', (_what, other) => {
    const operations = [add({ up: `lower("name")` }), other]
    expect(told(meetingProblems({ name: '0001_test', operations }))).toContainEqual([
      'plan_refused',
      'Two operations of the migration touch "users"."name".',
    ])
  })

  test('is none when it is another one', () => {
    const drop = { kind: 'drop_column', namespace: 'public', table: 'users', column: 'age' } as const
    expect(meetingProblems({ name: '0001_test', operations: [add({ up: 'lower(name)' }), drop] })).toEqual([])
    expect(
      told(
        meetingProblems({ name: '0001_test', operations: [drop, { ...drop, column: 'id', down: 'age' }] }),
      ),
    ).toEqual([['plan_refused', 'Two operations of the migration touch "users"."age".']])
  })
})

describe('a column that is filled row by row', () => {
  const drafts = (more: Partial<AddColumn>) => {
    const [op, given] = [add(more), context(table(), known)]
    const forward = [
      ...addColumn.expand(op, given),
      ...addColumn.backfill(op, given),
      ...addColumn.contract(op, given),
    ]
    return { forward, back: addColumn.rollback(op, given) }
  }
  const sqlOf = (steps: readonly StepDraft[]) =>
    steps.map((step) =>
      'statements' in step
        ? [step.phase, ...step.statements]
        : 'set' in step
          ? [step.phase, step.set, step.unfilled]
          : [step.phase],
    )
  const names = namesFor(SEED, 'slug', [])
  const on = 'alter table "public"."users"'
  const ready = `delete from bellows.column_state where (namespace, "table", "column") = ('public', 'users', 'slug')`
  const triggerSql = [
    `create trigger "${names.trigger}" before insert or update on "public"."users" for each row when (new."slug" is null) execute function bellows."${names.function}"()`,
    `${on} enable always trigger "${names.trigger}"`,
  ]
  const gone = [
    `drop trigger if exists "${names.trigger}" on "public"."users"`,
    `drop function if exists bellows."${names.function}"()`,
  ]
  const proved = [
    ['verify', `${on} add constraint "${names.notNullProof}" check ("slug" is not null) not valid`],
    ['verify', ...validateChecksSql(USERS, [names.notNullProof])],
  ]
  const settled = [`${on} alter column "slug" set not null`, `${on} drop constraint "${names.notNullProof}"`]
  const body = (assign: string) => `'
begin
${assign}
  return new;
end'`

  test('from other columns has its value from a trigger until the contract, and then its default', () => {
    const { forward, back } = drafts({ nullable: false, up: 'lower(name)', default: "'x'", comment: 'new' })
    const fill = `  new."slug" := pg_catalog.lower(new.name);
  if new."slug" is null then
    new."slug" := ''x''::character varying;
  end if;`
    expect(sqlOf(forward)).toEqual([
      [
        'expand',
        `${on} add column "slug" varchar(20)`,
        `comment on column "public"."users"."slug" is 'new'`,
        `create or replace function bellows."${names.function}"() returns trigger language plpgsql as ${body(fill)}`,
        ...triggerSql,
        setColumnState(USERS, 'slug', 'not_ready'),
      ],
      ['backfill', '"slug" = "slug"', '"slug" is null'],
      ...proved,
      ['verify', ...settled, ready],
      ['purge', ...gone, `${on} alter column "slug" set default ('x')`],
    ])
    expect(sqlOf(back)).toEqual([['expand', ...gone, `${on} drop column if exists "slug" restrict`, ready]])
  })

  test('and may be NULL for good waits only where there is a value', () => {
    const { forward } = drafts({ up: 'lower(name)' })
    const [first, second, ...rest] = sqlOf(forward)
    expect(first).toContain(
      `create or replace function bellows."${names.function}"() returns trigger language plpgsql as ${body('  new."slug" := pg_catalog.lower(new.name);')}`,
    )
    expect(second).toEqual(['backfill', '"slug" = "slug"', '("slug" is null and (lower(name)) is not null)'])
    expect(rest).toEqual([
      ['verify', ready],
      ['purge', ...gone],
    ])
  })

  test('from a default that differs each time has the default at once, and the trigger only until it is filled', () => {
    const { forward } = drafts({ default: 'gen_random_uuid()', nullable: false })
    const [first, , ...rest] = sqlOf(forward)
    expect(first?.slice(0, 4)).toEqual([
      'expand',
      `${on} add column "slug" varchar(20)`,
      `${on} alter column "slug" set default (gen_random_uuid())`,
      // A writer may have no right to what differs each time, such as a sequence.
      `create or replace function bellows."${names.function}"() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as ${body('  new."slug" := pg_catalog.gen_random_uuid();')}`,
    ])
    expect(rest).toEqual([...proved, ['verify', ...settled, ...gone, ready]])
  })

  test('with numbers gets its own sequence where the one that filled it stands', () => {
    const { forward, back } = drafts({ type: 'int', identity: 'always' })
    const [first, , ...rest] = sqlOf(forward)
    expect(first?.slice(0, 3)).toEqual([
      'expand',
      `${on} add column "slug" int`,
      `create sequence "bellows"."${names.function}" as int`,
    ])
    expect(rest.at(-1)).toEqual([
      'verify',
      ...settled,
      ...gone,
      `${on} alter column "slug" add generated always as identity`,
      `select pg_catalog.setval(pg_catalog.pg_get_serial_sequence('"public"."users"', 'slug')::pg_catalog.regclass, pg_catalog.nextval('"bellows"."${names.function}"'::pg_catalog.regclass), false)`,
      `drop sequence "bellows"."${names.function}"`,
      ready,
    ])
    expect(sqlOf(back)[0]).toContain(`drop sequence if exists "bellows"."${names.function}"`)
  })

  test('says what a NULL is taken for, what old writers do to it, and whose triggers fire', () => {
    const audited = table({ triggers: [trigger('audit')] })
    const [step] = addColumn.expand(add({ up: 'lower(name)' }), context(audited, known))
    expect(step?.hazards).toEqual([
      {
        code: 'explicit_null_read_as_omitted',
        because: 'A write that gives NULL for "slug" counts as one that does not give it until the contract.',
      },
      {
        code: 'may_break',
        because:
          'From this step on a write of "users" fails for whose values up (lower(name)) fails. Rows that are there are tried by the backfill.',
      },
      {
        code: 'grows_stale',
        because:
          'A writer that does not know "slug" and changes "name" leaves it as it is: up fills it once.',
      },
      {
        code: 'user_triggers_fire',
        because:
          'The trigger audit fires for every row that the backfill fills. One that is not to fire looks at the setting bellows.backfill.',
      },
    ])
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
        requires: [noIdentityOn(USERS, 'slug', 'slug')],
        statements: ['alter table "public"."users" drop column "slug" restrict'],
        cost: 'instant',
        retires: { table: USERS, column: 'slug' },
      },
    ])
  })
})
