import { describe, expect, test } from 'vitest'
import type { AlterColumn } from '../../../src/core/operations/alter/alter.ts'
import { alterColumn } from '../../../src/core/operations/alter-column.ts'
import { defaultIs, defaultIsNew } from '../../../src/core/plan/probes.ts'
import type { StepDraft } from '../../../src/core/plan/step.ts'
import { expressionKey, type Facts } from '../../../src/core/schema/facts.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import {
  column,
  context,
  facts,
  index,
  notNull,
  schemaOf,
  table,
  tableWith,
  told,
  USERS,
} from '../../support/model.ts'

const alter = (more: Partial<AlterColumn>): AlterColumn => ({
  kind: 'alter_column',
  ...USERS,
  table: 'users',
  column: 'name',
  ...more,
})
const T = '"public"."users"'
const of = (more: Parameters<typeof column>[2] = {}) => tableWith([column('name', 'text', more)])
const KNOWN = facts({
  expressions: {
    [expressionKey("'x'", 'text')]: { volatility: 'stable', text: 'x' },
    [expressionKey('random()', 'text')]: { volatility: 'volatile', text: null },
    [expressionKey('lower(current_user)', 'text')]: {
      volatility: 'stable',
      text: null,
      printed: 'lower((CURRENT_USER)::text)',
    },
    [expressionKey('nam', 'text')]: { problem: 'Column "nam" does not exist.' },
    [expressionKey('(select 1)', 'text')]: { volatility: 'stable', text: null },
    [expressionKey('null::text', 'text')]: { volatility: 'stable', text: null },
  },
})
const problems = (op: AlterColumn, on: Table = of(), known: Facts = KNOWN) =>
  told(alterColumn.check(op, context(on, known)))

const shortly = (drafts: readonly StepDraft[]) =>
  drafts.map((draft) => {
    const text = 'statements' in draft ? draft.statements : 'statement' in draft ? [draft.statement] : []
    return [draft.kind, draft.phase, ...text.filter((one) => one.startsWith('alter') || one.startsWith('c'))]
  })
const steps = (op: AlterColumn, on: Table = of(), known = KNOWN) =>
  shortly([...alterColumn.expand(op, context(on, known)), ...alterColumn.contract(op, context(on, known))])
const back = (op: AlterColumn, on: Table = of(), known = KNOWN) =>
  shortly(alterColumn.rollback(op, context(on, known)))

describe('what new instances need', () => {
  test('is a default in expand, and the old one comes back', () => {
    const on = of({ default: "'old'::text" })
    const op = alter({ default: "'x'" })
    expect(steps(op, on)).toEqual([['ddl', 'expand', `alter table ${T} alter column "name" set default 'x'`]])
    expect(back(op, on)).toEqual([
      ['ddl', 'expand', `alter table ${T} alter column "name" set default 'old'::text`],
    ])
    expect(back(op)).toEqual([['ddl', 'expand', `alter table ${T} alter column "name" drop default`]])
    const [step] = alterColumn.expand(op, context(on, KNOWN))
    expect(step).toMatchObject({
      probe: defaultIsNew(USERS, 'name', "'old'::text"),
      hazards: [
        {
          code: 'same_default',
          because: `Instances of both versions share the default: an INSERT of the old version without "name" gets 'x' from this step on.`,
        },
      ],
    })
    expect(alterColumn.rollback(op, context(on, KNOWN))).toMatchObject([
      { probe: defaultIs(USERS, 'name', "'old'::text") },
    ])
  })

  test('is that NULL is allowed, and the way back looks for rows with it and proves it anew', () => {
    const on = of({ nullable: false })
    const op = alter({ nullable: true })
    expect(steps(op, on)).toEqual([['ddl', 'expand', `alter table ${T} alter column "name" drop not null`]])
    expect(back(op, on)).toEqual([
      ['inspect', 'expand'],
      [
        'ddl',
        'expand',
        expect.stringMatching(/add constraint "bellows_filled_\w+" check \("name" is not null\) not valid$/),
      ],
      ['validate', 'expand', expect.stringMatching(/validate constraint "bellows_filled_\w+"$/)],
      [
        'ddl',
        'expand',
        `alter table ${T} alter column "name" set not null`,
        expect.stringMatching(/drop constraint "bellows_filled_\w+"$/),
      ],
    ])
  })

  test('comes back under the name that the NOT NULL had', () => {
    const plain = of({ nullable: false })
    const named = {
      ...plain,
      constraints: [...plain.constraints, { ...notNull('n', 'name'), comment: 'why' }],
    }
    expect(back(alter({ nullable: true }), named).at(-1)).toEqual([
      'ddl',
      'expand',
      `alter table ${T} add constraint "n" not null "name"`,
      expect.stringMatching(/drop constraint/),
      `comment on constraint "n" on ${T} is 'why'`,
    ])
  })

  test.each<[Partial<AlterColumn>, string, readonly string[], readonly string[]]>([
    [
      { comment: "it's", statistics: 7 },
      'share_update_exclusive',
      [`alter table ${T} alter column "name" set statistics 7`, `comment on column ${T}."name" is 'it''s'`],
      [`alter table ${T} alter column "name" set statistics -1`, `comment on column ${T}."name" is null`],
    ],
    [
      { storage: 'external', compression: 'lz4' },
      'access_exclusive',
      [`alter table ${T} alter column "name" set storage external, alter column "name" set compression lz4`],
      [
        `alter table ${T} alter column "name" set storage extended, alter column "name" set compression default`,
      ],
    ],
  ])(
    'is how it is described and stored, under no stronger lock than that takes: %j',
    (more, level, to, from) => {
      const [step, ...others] = alterColumn.expand(alter(more), context(of(), KNOWN))
      expect(others).toEqual([])
      expect(step).toMatchObject({ phase: 'expand', locks: [{ relation: USERS, level }], statements: to })
      expect(alterColumn.rollback(alter(more), context(of(), KNOWN))).toMatchObject([{ statements: from }])
    },
  )
})

describe('what old instances may rely on', () => {
  test('is a default, which goes in the contract', () => {
    const on = of({ default: 'now()', nullable: false })
    expect(steps(alter({ default: null }), on)).toEqual([
      ['gate', 'rollout'],
      ['ddl', 'retire', `alter table ${T} alter column "name" drop default`],
    ])
    expect(back(alter({ default: null }), on)).toEqual([
      ['ddl', 'retire', `alter table ${T} alter column "name" set default now()`],
    ])
  })

  test('is that NULL is allowed, which ends in the contract, or before the rollout when nobody writes it', () => {
    const phases = (op: AlterColumn) => steps(op).map(([kind, phase]) => [kind, phase])
    expect(phases(alter({ nullable: false }))).toEqual([
      ['inspect', 'expand'],
      ['inspect', 'retire'],
      ['gate', 'rollout'],
      ['ddl', 'retire'],
      ['validate', 'retire'],
      ['ddl', 'retire'],
    ])
    expect(phases(alter({ nullable: false, when: 'before_rollout' }))).toEqual([
      ['inspect', 'expand'],
      ['ddl', 'verify'],
      ['validate', 'verify'],
      ['ddl', 'verify'],
    ])
    expect(back(alter({ nullable: false }))).toEqual([
      ['ddl', 'retire', `alter table ${T} alter column "name" drop not null`],
      ['ddl', 'retire', expect.stringMatching(/drop constraint if exists "bellows_filled_\w+"$/)],
    ])
  })

  test('is that there was no constraint, which comes as any other one', () => {
    const op = alter({ check: { name: 'c', constraint: "name <> ''" }, unique: {} })
    expect(steps(op)).toEqual([
      ['inspect', 'expand'],
      ['inspect', 'expand'],
      ['inspect', 'retire'],
      ['gate', 'rollout'],
      ['ddl', 'retire', `alter table ${T} add constraint "c" check (name <> '') not valid`],
      ['validate', 'retire', `alter table ${T} validate constraint "c"`],
      ['inspect', 'retire'],
      ['gate', 'rollout'],
      ['concurrent_index', 'retire', `create unique index concurrently "users_name_key" on ${T} ("name")`],
      [
        'ddl',
        'retire',
        `alter table ${T} add constraint "users_name_key" unique using index "users_name_key"`,
      ],
    ])
    expect(back(op).map(([, phase]) => phase)).toEqual(['retire', 'retire', 'retire'])
  })
})

describe('the schema afterwards', () => {
  test('has all of the changes', () => {
    const op = alter({
      nullable: false,
      default: "'x'",
      comment: 'c',
      statistics: 5,
      storage: 'main',
      unique: {},
    })
    const [after] = alterColumn.apply(op, schemaOf(of()), KNOWN).tables
    expect(after?.columns.at(-1)).toEqual(
      column('name', 'text', {
        nullable: false,
        default: "'x'",
        defaultText: 'x',
        defaultVolatility: 'stable',
        comment: 'c',
        statisticsTarget: 5,
        storage: 'main',
      }),
    )
    expect(after?.constraints.map(({ name }) => name)).toEqual([
      'users_pkey',
      'users_name_not_null',
      'users_name_key',
    ])
  })

  test('has no name any more for a NOT NULL that is gone', () => {
    const plain = of({ nullable: false })
    const named = { ...plain, constraints: [...plain.constraints, notNull('n', 'name')] }
    const [after] = alterColumn.apply(alter({ nullable: true }), schemaOf(named), KNOWN).tables
    expect(after).toEqual(of())
  })
})

describe('a change that cannot be made', () => {
  test('is a second default in one migration, of which nobody knows how the server prints the first', () => {
    const given = schemaOf(of({ default: "'old'::text" }))
    const { schema } = context(of({ default: "'first'" }))
    const problems = alterColumn.check(alter({ default: "'x'" }), { ...context(given, KNOWN), schema })
    expect(told(problems)).toEqual([
      ['plan_refused', 'The migration changes the default of "users"."name" twice.'],
    ])
  })

  const identity = index('i', ['name'], { replicaIdentity: true })
  test.each<[string, AlterColumn, Table, string, string]>([
    [
      'of a column that is not there',
      alter({ column: 'nam', comment: '' }),
      of(),
      'column_not_found',
      'The table "users" has no column "nam".',
    ],
    ['of nothing', alter({}), of(), 'migration_invalid', 'Nothing of "users"."name" is to change.'],
    [
      'to NOT NULL, which it is',
      alter({ nullable: false }),
      of({ nullable: false }),
      'plan_refused',
      '"users"."name" is NOT NULL already.',
    ],
    [
      'to nullable, which it is',
      alter({ nullable: true }),
      of(),
      'plan_refused',
      '"users"."name" is nullable already.',
    ],
    [
      'to a NULL in the key',
      alter({ column: 'id', nullable: true }),
      of(),
      'plan_refused',
      '"users"."id" belongs to the primary key users_pkey, whose columns are never NULL.',
    ],
    [
      'to a NULL in an identity',
      alter({ nullable: true }),
      of({ nullable: false, identity: 'always' }),
      'plan_refused',
      '"users"."name" is an identity column, which is never NULL.',
    ],
    [
      'to a NULL in the replica identity',
      alter({ nullable: true }),
      { ...of({ nullable: false }), indexes: [identity] },
      'plan_refused',
      '"users"."name" belongs to the replica identity i, whose columns are never NULL.',
    ],
    [
      'to NOT NULL where the rows are hidden',
      alter({ nullable: false }),
      { ...of(), rowSecurityForced: true },
      'plan_refused',
      'Row security is forced on "users" for the connected role, which would see only a part of the rows.',
    ],
    [
      'to NOT NULL of a virtual column',
      alter({ nullable: false }),
      of({ generated: 'virtual' }),
      'plan_refused',
      '"users"."name" is a virtual generated column, whose values nobody has checked.',
    ],
    [
      'to a default that the server does not take',
      alter({ default: 'nam' }),
      of(),
      'migration_invalid',
      'The default nam of "users"."name" cannot be used: Column "nam" does not exist.',
    ],
    [
      'to a default that reads tables',
      alter({ default: '(select 1)' }),
      of(),
      'migration_invalid',
      'The default (select 1) of "users"."name" cannot be used: it contains a subquery, which sees other rows than the one that is written.',
    ],
    [
      'to a default of NULL',
      alter({ default: 'null::text' }),
      of(),
      'migration_invalid',
      'The default of "users"."name" is NULL, which is none.',
    ],
    [
      'to the default that it has',
      alter({ default: "'x'" }),
      of({ default: "'x'::text", defaultText: 'x' }),
      'plan_refused',
      `"users"."name" has the default 'x' already.`,
    ],
    [
      'to the default that it has, as the server prints it',
      alter({ default: 'lower(current_user)' }),
      of({ default: 'lower((CURRENT_USER)::text)' }),
      'plan_refused',
      '"users"."name" has the default lower(current_user) already.',
    ],
    [
      'to no default, which it has',
      alter({ default: null }),
      of(),
      'plan_refused',
      '"users"."name" has no default.',
    ],
    [
      'to a default of a generated column',
      alter({ default: "'x'" }),
      of({ generated: 'stored' }),
      'plan_refused',
      '"users"."name" is an identity or a generated column, which has no default.',
    ],
    [
      'to too many statistics',
      alter({ statistics: 10_001 }),
      of(),
      'migration_invalid',
      'The statistics of "users"."name" cannot be 10001: they go from -1 to 10000.',
    ],
    [
      'to a storage that the type does not have',
      alter({ column: 'id', storage: 'main' }),
      of(),
      'plan_refused',
      '"users"."id" is of type bigint, whose values are always stored plain.',
    ],
    [
      'to a constraint that cannot come up',
      alter({ references: { namespace: 'public', table: 'gone', column: 'id' } }),
      of(),
      'table_not_found',
      'There is no table public.gone.',
    ],
    [
      'of a view',
      alter({ comment: '' }),
      table({ kind: 'view' }),
      'plan_refused',
      'public.users is a view, which this operation does not support yet.',
    ],
  ])('%s', (_what, op, on, code, message) => {
    expect(problems(op, on)).toEqual([[code, message]])
  })

  test('is told with all the others', () => {
    expect(
      problems(alter({ nullable: true, default: 'nam', unique: { name: 'users_pkey' } })).map(
        ([code]) => code,
      ),
    ).toEqual(['migration_invalid', 'plan_refused', 'name_invalid'])
  })
})

describe('a change that can', () => {
  test.each<[string, Partial<AlterColumn>]>([
    ['to a volatile default, which only new rows get', { default: 'random()' }],
    ['to NOT NULL and another default', { nullable: false, default: "'x'" }],
    ['of its comment alone', { comment: null }],
  ])('be made: %s', (_what, more) => {
    expect(problems(alter(more))).toEqual([])
  })
})

test('what must be known is that of all its parts', () => {
  const op = alter({
    default: "'x'",
    check: { constraint: 'name > 0' },
    unique: { name: 'u' },
    references: { namespace: 'app', table: 't', column: 'id' },
  })
  expect(alterColumn.needs(op)).toMatchObject({
    tables: expect.arrayContaining([{ namespace: 'app', name: 't', columns: [] }]),
    defaults: [{ table: { namespace: 'public', name: 'users' }, column: 'name', expression: "'x'" }],
    conditions: [{ condition: 'name > 0' }],
    names: [{ namespace: 'public', name: 'u' }],
  })
})
