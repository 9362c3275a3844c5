import { describe, expect, test } from 'vitest'
import { type Link, linksQuestion } from '../../../src/core/operations/move/move.ts'
import { type MoveColumn, moveColumn } from '../../../src/core/operations/move-column.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import type { StepDraft, TransactionStep } from '../../../src/core/plan/step.ts'
import type { Column, Table } from '../../../src/core/schema/model.ts'
import {
  check,
  column,
  context,
  facts,
  foreignKey,
  index,
  schemaOf,
  table,
  tableWith,
  told,
  trigger,
  unique,
} from '../../support/model.ts'

const USERS = { namespace: 'public', name: 'users' }
const move = (more: Partial<MoveColumn> = {}): MoveColumn => ({
  kind: 'move_column',
  from: { namespace: 'public', table: 'users', column: 'bio' },
  to: { namespace: 'public', table: 'profiles', column: 'about' },
  on: [{ target: 'user_id', source: 'id' }],
  ...more,
})
const LINK: Link = {
  name: 'profiles_user_id_fkey',
  definition: 'FOREIGN KEY (user_id) REFERENCES users(id)',
  validated: true,
  deferrable: false,
  unique: 'profiles_key',
  pairs: [{ target: 'user_id', source: 'id', operator: { namespace: 'pg_catalog', name: '=' } }],
}
const usersWith = (more: Partial<Column> = {}, hard: Parameters<typeof tableWith>[1] = {}) =>
  tableWith([column('bio', 'text', more)], hard)
const profiles = (more: Partial<Table> = {}) =>
  table({
    name: 'profiles',
    columns: [column('user_id', 'bigint', { nullable: false }), column('seen')],
    constraints: [foreignKey(LINK.name, ['user_id'], { references: USERS })],
    indexes: [index('profiles_key', ['user_id'], { unique: true })],
    ...more,
  })

interface Seen {
  readonly op?: MoveColumn
  readonly users?: Table
  readonly profiles?: Table
  readonly links?: readonly Link[]
}

const seen = ({ op = move(), ...more }: Seen = {}) =>
  context(
    schemaOf(more.users ?? usersWith(), more.profiles ?? profiles()),
    facts({ answers: { [linksQuestion(op)]: (more.links ?? [LINK]) as never } }),
  )
const GIVEN = { nullable: false, default: "'none'::text", defaultText: 'none' } as const

describe('what is refused', () => {
  test.for<[string, Seen, string]>([
    [
      'a move within a table',
      { op: move({ to: { namespace: 'public', table: 'users', column: 'about' } }) },
      '"users" is both the source and the target.',
    ],
    [
      'a source that is partitioned',
      { users: { ...usersWith(), kind: 'partitioned' } },
      'public.users is a partitioned table, which this operation does not support yet.',
    ],
    [
      'a target that is a partition',
      { profiles: profiles({ kind: 'partition' }) },
      'public.profiles is a partition, which this operation does not support yet.',
    ],
    [
      'a target with inheritance',
      { profiles: profiles({ inherits: true }) },
      'public.profiles takes part in table inheritance; triggers do not reach its other tables.',
    ],
    [
      'a target of somebody else',
      { profiles: profiles({ owned: false }) },
      'The connected role may not change public.profiles: it is not a member of the role that owns it.',
    ],
    [
      'a column that is not there',
      { op: move({ from: { namespace: 'public', table: 'users', column: 'boi' } }) },
      'The table "users" has no column "boi".',
    ],
    [
      'a key that is not there',
      { op: move({ on: [{ target: 'user', source: 'id' }] }) },
      'The table "profiles" has no column "user".',
    ],
    [
      'a name that is taken',
      { op: move({ to: { namespace: 'public', table: 'profiles', column: 'seen' } }) },
      'The table "profiles" already has a column "seen".',
    ],
    [
      'a column of the key',
      { op: move({ from: { namespace: 'public', table: 'users', column: 'id' } }) },
      '"users"."id" belongs to the primary key, which only change_type and rename_column replace.',
    ],
    [
      'a generated column',
      { users: usersWith({ generated: 'stored' }) },
      '"users"."bio" is a generated column; a trigger does not see its value.',
    ],
    [
      'a check',
      { users: usersWith({}, { constraints: [check('short', ['bio'], 'CHECK (true)')] }) },
      'short holds for "users"."bio", which leaves its table.',
    ],
    [
      'a unique constraint',
      { users: usersWith({}, { constraints: [unique('once', ['bio'])] }) },
      'once holds for "users"."bio", which leaves its table.',
    ],
    [
      'grants',
      {
        users: usersWith({
          grants: [{ grantee: 'app', toPublic: false, privilege: 'SELECT', grantable: false }],
        }),
      },
      '"users"."bio" has grants of its own, which mean something else on another table.',
    ],
    [
      'NOT NULL without a default',
      { users: usersWith({ nullable: false }) },
      '"users"."bio" is NOT NULL without a default: writers that no longer know it would fail before it is dropped.',
    ],
    [
      'a default that is computed',
      { users: usersWith({ default: 'now()' }) },
      '"users"."bio" has a default that is no plain value: nobody could tell a row that was given none.',
    ],
    [
      'forced row security',
      { profiles: profiles({ rowSecurityForced: true }) },
      'Row security is forced on "profiles" for the connected role, which would see only a part of the rows.',
    ],
    [
      'no foreign key',
      { links: [] },
      '"profiles" has no foreign key on "user_id" that points at "id" of "users": nobody knows that each of its rows has one there.',
    ],
    [
      'a foreign key of more columns',
      { links: [{ ...LINK, pairs: [...LINK.pairs, ...LINK.pairs] }] },
      '"profiles" has no foreign key on "user_id" that points at "id" of "users": nobody knows that each of its rows has one there.',
    ],
    [
      'a foreign key that is not validated',
      { links: [{ ...LINK, validated: false }] },
      'The foreign key profiles_user_id_fkey is not validated: rows of "profiles" may belong to no row of "users".',
    ],
    [
      'a deferrable foreign key',
      { links: [{ ...LINK, deferrable: true }] },
      'The foreign key profiles_user_id_fkey is deferrable: a row of "profiles" could come before the one of "users" that it belongs to.',
    ],
    [
      'several rows for one',
      { links: [{ ...LINK, unique: null }] },
      'Two rows of "profiles" may belong to the same row of "users": no unique index, without a condition and not deferrable, is on just "user_id". What one of them is given the other would have to have, too.',
    ],
    [
      'a key that may be NULL',
      { profiles: profiles({ columns: [column('user_id', 'bigint')] }) },
      '"profiles"."user_id" may be NULL, and such a row belongs to no row of "users".',
    ],
  ])('%s', ([, of, message]) => {
    expect(told(moveColumn.check(of.op ?? move(), seen(of))).map(([, text]) => text)).toEqual([message])
  })

  test.for<[string, Seen]>([
    ['a nullable column', {}],
    ['a NOT NULL column with a plain default', { users: usersWith(GIVEN) }],
    ['a second foreign key that will not do', { links: [{ ...LINK, name: 'a', deferrable: true }, LINK] }],
  ])('nothing of %s', ([, of]) => {
    expect(moveColumn.check(move(), seen(of))).toEqual([])
  })
})

const statements = (step: StepDraft | undefined) => (step as TransactionStep | undefined)?.statements ?? []
const PAIR = 's."id" operator("pg_catalog".=) "public"."profiles"."user_id"'
const VALUE = `(select s."bio" from "public"."users" s where ${PAIR})`

describe('the steps', () => {
  test('begin with a look, and with the column and all triggers at once', () => {
    const [look, install] = moveColumn.expand(move(), seen())
    expect(look).toMatchObject({
      kind: 'inspect',
      offenders: `select s."id", pg_catalog.left(s."bio"::pg_catalog.text, 100) as "bio" from "public"."users" s where s."bio" is not null and not exists (select from "public"."profiles" t where s."id" operator("pg_catalog".=) t."user_id") limit 10`,
    })
    expect(install).toMatchObject({
      kind: 'install_dual_write',
      locks: [
        { relation: { name: 'profiles' }, level: 'access_exclusive' },
        { relation: { name: 'users' }, level: 'share_row_exclusive' },
      ],
    })
    const all = statements(install)
    expect(all[0]).toBe('alter table "public"."profiles" add column "about" text')
    const heads = all
      .filter((one) => one.startsWith('create trigger'))
      .map((one) =>
        one.replace(/ when .*| for each .*/, '').replace(/"[^ ]*_(dual_write|count_\w+?)_\w+"/, '$1'),
      )
    expect(heads).toEqual([
      'create trigger dual_write before insert or update on "public"."profiles"',
      'create trigger dual_write after insert or delete on "public"."profiles"',
      'create trigger dual_write after update on "public"."profiles"',
      'create trigger dual_write after insert on "public"."users"',
      'create trigger dual_write after update on "public"."users"',
      'create trigger count_insert before insert on "public"."users"',
      'create trigger count_update before update on "public"."users"',
    ])
    expect(
      all
        .filter((one) => / when \(not pg_catalog/.test(one))
        .map((one) => /when \((.*)\) execute/.exec(one)?.[1]),
    ).toEqual([
      'not pg_catalog.record_image_eq(row(new."about", new."user_id"), row(old."about", old."user_id"))',
      'not pg_catalog.record_image_eq(row(new."bio", new."id"), row(old."bio", old."id"))',
      // This one counts.
      'not pg_catalog.record_image_eq(row(new."bio"), row(old."bio"))',
    ])
  })

  test('fill and compare the target alone, by its rows of the source', () => {
    const unfilled = `("public"."profiles"."about" is null and ${VALUE} is not null)`
    expect(moveColumn.backfill(move(), seen())).toMatchObject([
      { table: { name: 'profiles' }, reads: [USERS], set: '"about" = "about"', unfilled },
    ])
    const [look, verify] = moveColumn.contract(move(), seen())
    expect(look).toMatchObject({ kind: 'inspect', phase: 'verify' })
    expect(verify).toMatchObject({
      unfilled,
      reads: [USERS],
      relation: `pg_catalog.record_image_eq(row("public"."profiles"."about"), row(${VALUE}))`,
      lossy: 'false',
    })
  })

  test('rely on the foreign key, which no other operation takes away', () => {
    const drop = { kind: 'drop_constraint', namespace: 'public', table: 'profiles', name: LINK.name } as const
    const migration = { name: '0001_test', operations: [move(), drop] }
    expect(() => makePlan(migration, seen().schema, seen().facts)).toThrow(
      `The move of "bio" needs ${LINK.name} of "profiles"`,
    )
  })

  test('look for the last time behind the step that hides the column, and right before the one that drops it', () => {
    const plan = makePlan({ name: '0001_test', operations: [move()] }, seen().schema, seen().facts)
    expect(plan.steps.map(({ phase, kind }) => `${phase} ${kind}`)).toEqual([
      'expand inspect',
      'expand install_dual_write',
      'backfill backfill',
      'verify inspect',
      'verify verify',
      'verify ddl',
      'rollout gate',
      'retire retire',
      'purge inspect',
      'purge purge',
    ])
    expect(plan.steps.at(-2)).toMatchObject({
      offenders: expect.stringMatching(/s\."bellows_retired_\w+_bio" is not null and not exists/),
    })
  })

  test('prove NOT NULL, and give the default to the new column as its writers come', () => {
    const at = seen({ users: usersWith(GIVEN) })
    const contract = moveColumn.contract(move(), at)
    expect(contract.map(({ phase, kind }) => `${phase} ${kind}`)).toEqual([
      'verify inspect',
      'verify verify',
      'verify ddl',
      'verify validate',
      'verify ddl',
      'rollout gate',
      'retire retire',
      'purge inspect',
      'purge purge',
    ])
    expect(statements(contract[6]).at(-1)).toBe(
      `alter table "public"."profiles" alter column "about" set default 'none'::text`,
    )
    expect(statements(moveColumn.rollback(move(), at)[0])).toContain(
      'alter table "public"."profiles" alter column "about" drop default',
    )
    expect(statements(contract[8])).toContain(
      'alter table "public"."profiles" alter column "about" set not null',
    )
  })

  test('note what is written to the target while the column is hidden, and bring it back by that', () => {
    const hide = moveColumn.contract(move(), seen()).find(({ kind }) => kind === 'retire')
    expect(statements(hide)[2]).toMatch(
      /^create table "bellows"\."moved_\w+" as select "user_id" from "public"\."profiles" with no data$/,
    )
    const [set, update, ...more] = statements(moveColumn.rollback(move(), seen())[0]).slice(-4)
    expect(set).toMatch(/^select pg_catalog\.set_config\('bellows\.\w+_carried', 'yes', true\)$/)
    const value =
      '(select t."about" from "public"."profiles" t where s."id" operator("pg_catalog".=) t."user_id")'
    expect(update?.replace(/"moved_\w+"/, '"moved"')).toBe(
      `update /* bellows keeps columns in step */ "public"."users" s set "bio" = ${value} from (select distinct n."user_id" from "bellows"."moved" n) j where s."id" operator("pg_catalog".=) j."user_id" and not pg_catalog.record_image_eq(row(s."bio"), row(${value}))`,
    )
    expect(more).toEqual([expect.stringMatching(/^drop table/), 'set constraints all immediate'])
    expect(
      statements(moveColumn.contract(move(), seen()).at(-1)).filter((one) => one.startsWith('drop table')),
    ).toContainEqual(expect.stringMatching(/"moved_\w+"$/))
  })

  test('name whoever can feel it', () => {
    const users = { ...usersWith({}, { indexes: [index('by_bio', ['bio'])] }), triggers: [trigger('note')] }
    const step = moveColumn.expand(move(), seen({ users }))[1]
    expect(step?.hazards.map(({ code }) => code)).toEqual([
      'column_is_last',
      'blocks_contract',
      'may_break',
      'may_break',
      'may_break',
      'may_break',
      'explicit_null_read_as_omitted',
      'goes_with_column',
      'user_triggers_fire',
    ])
  })
})

describe('the schema afterwards', () => {
  test('has the column as the last one of the target, with all that is its own', () => {
    const users = usersWith(
      { ...GIVEN, comment: 'of oneself', storage: 'external' },
      { indexes: [index('by_bio', ['bio'])] },
    )
    const { schema, facts: known } = seen({ users })
    const after = moveColumn.apply(move(), schema, known)
    expect(after.tables[0]).toMatchObject({ columns: [{ name: 'id' }], indexes: [{ name: 'users_pkey' }] })
    expect(after.tables[1]).toMatchObject({
      columns: [
        { name: 'user_id' },
        { name: 'seen' },
        { name: 'about', ...GIVEN, comment: 'of oneself', storage: 'external' },
      ],
      constraints: [{ name: LINK.name }, { name: 'profiles_about_not_null' }],
    })
    expect(moveColumn.apply(move(), schemaOf(users), known)).toEqual(schemaOf(users))
  })
})
