import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { manyTriggers } from '../../../src/core/plan/foreign-key-parts.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import { isTransaction, type Step } from '../../../src/core/plan/step.ts'
import type { Part, Table } from '../../../src/core/schema/model.ts'
import {
  check,
  column,
  facts,
  factsWithTypes,
  foreignKey,
  index,
  indexOf,
  primaryKeyOf,
  schemaOf,
  table,
  unique,
} from '../../support/model.ts'

/** What operations on tables, columns and constraints do where the table is partitioned. */

const on = { namespace: 'public', table: 'events' } as const
const part = (name: string, more: Partial<Part> = {}): Part => ({
  namespace: 'old',
  name,
  kind: 'table',
  under: { namespace: 'public', name: 'events' },
  owned: true,
  own: [],
  ...more,
})
const events = (more: Partial<Table> = {}): Table =>
  table({
    name: 'events',
    kind: 'partitioned',
    columns: [column('id', 'bigint', { nullable: false }), column('name'), column('team', 'integer')],
    constraints: [],
    indexes: [],
    parts: [part('a', { kind: 'partitioned' }), part('b')],
    keyedBy: ['id'],
    ...more,
  })

const planned = (operation: Operation, given: Table = events(), known = facts()) =>
  makePlan({ name: '0001_test', operations: [operation] }, schemaOf(given), known)
const locks = (step: Step) =>
  'locks' in step
    ? step.locks.map(
        ({ relation, level, only }) => `${only === true ? 'only ' : ''}${relation.name} ${level}`,
      )
    : []
const shortly = (steps: readonly Step[]) =>
  steps.map((step) => [
    `${step.phase} ${step.kind}`,
    ...(isTransaction(step) ? step.statements.filter((one) => !one.includes('bellows.')) : []),
    ...locks(step),
  ])

describe('of a partitioned table', () => {
  test('what it has for itself is set without locking its partitions', () => {
    const plan = planned({
      kind: 'set_table',
      ...on,
      comment: 'x',
      set: {},
      reset: [],
      replicaIdentity: 'full',
    })
    expect(shortly(plan.steps)).toEqual([
      [
        'expand ddl',
        'alter table "public"."events" replica identity full',
        `comment on table "public"."events" is 'x'`,
        'only events access_exclusive',
      ],
    ])
    expect(plan.steps[0]?.hazards).toContainEqual({
      code: 'stays',
      because:
        'Each partition of "events" keeps its own replica identity, by which its rows are told; this one is for publications with publish_via_partition_root. Set that of each partition, too.',
    })
    expect(shortly(planned({ kind: 'alter_column', ...on, column: 'name', comment: 'x' }).steps)).toEqual([
      [
        'expand ddl',
        `comment on column "public"."events"."name" is 'x'`,
        'only events share_update_exclusive',
      ],
    ])
  })

  test.each<[string, Operation, string]>([
    ['statistics', { kind: 'alter_column', ...on, column: 'name', statistics: 9 }, 'share_update_exclusive'],
    ['a storage', { kind: 'alter_column', ...on, column: 'name', storage: 'main' }, 'access_exclusive'],
  ])('%s lock the partitions, to which PostgreSQL hands them on', (_what, operation, level) => {
    const [step] = planned(operation).steps
    expect(step === undefined ? [] : locks(step)).toEqual([`events ${level}`, `a ${level}`, `b ${level}`])
  })

  test('NOT NULL is proved partition by partition', () => {
    const plan = planned({
      kind: 'alter_column',
      ...on,
      column: 'name',
      nullable: false,
      when: 'before_rollout',
    })
    expect(plan.steps.map(({ kind }) => kind)).toEqual(['inspect', 'ddl', 'validate_parts', 'ddl'])
  })

  test('a new name takes the whole for the moment in which the view goes, and back the table alone', () => {
    const plan = planned({ kind: 'rename_table', ...on, to: 'all' })
    expect(shortly(plan.steps.filter(({ phase }) => phase === 'retire'))).toEqual([
      [
        'retire retire',
        'drop view "public"."all" restrict',
        'alter table "public"."events" rename to "all"',
        ...['all', 'events', 'a', 'b'].map((name) => `${name} access_exclusive`),
      ],
    ])
    expect(plan.rollback.slice(0, 1).map(locks)).toEqual([['only all access_exclusive']])
  })

  const fewer = { prefix: expect.any(String), hazards: expect.any(Array) }
  test('a key is of the table alone first, and then built in each partition', () => {
    const plan = planned({
      kind: 'add_constraint',
      ...on,
      unique: ['id', 'name'],
      include: ['team'],
      nulls_not_distinct: true,
      deferrable: 'initially_deferred',
      when: 'before_rollout',
    })
    const words = 'unique nulls not distinct ("id", "name") include ("team") deferrable initially deferred'
    expect(plan.steps.slice(1)).toMatchObject([
      {
        statements: [`alter table only "public"."events" add constraint "events_id_name_team_key" ${words}`],
        locks: [{ level: 'access_exclusive', only: true }],
      },
      {
        kind: 'index_parts',
        how: 'build',
        ...fewer,
        nameParts: ['id', 'name', 'team'],
        constraint: {
          kind: 'unique',
          definition: words,
          usingIndex: { before: 'unique', after: ' deferrable initially deferred' },
        },
      },
    ])
    expect(plan.steps.slice(2).map(locks)).toEqual([
      ['events share_update_exclusive', 'a access_exclusive', 'b access_exclusive'],
    ])
    expect(plan.rollback).toMatchObject([
      { kind: 'index_parts', how: 'drop' },
      {
        statements: ['alter table "public"."events" drop constraint "events_id_name_team_key" restrict'],
      },
    ])
  })

  test('a foreign key comes to each partition, and then to the table', () => {
    const op: Operation = {
      kind: 'add_constraint',
      ...on,
      foreign_key: {
        columns: ['team'],
        references: { namespace: 'public', table: 'teams', columns: ['id'], on_delete: 'cascade' },
      },
    }
    const teams = table({
      name: 'teams',
      columns: [column('id', 'integer')],
      indexes: [index('teams_pkey', ['id'], { unique: true })],
      constraints: [],
    })
    const plan = makePlan({ name: '0001_test', operations: [op] }, schemaOf(events(), teams), facts())
    const step = {
      kind: 'foreign_key_parts',
      table: { name: 'events' },
      other: { namespace: 'public', name: 'teams' },
      name: 'events_team_fkey',
      definition: 'foreign key ("team") references "public"."teams" ("id") on delete cascade',
    }
    const [add] = plan.steps.filter(({ kind }) => kind === 'foreign_key_parts')
    expect(add).toMatchObject({
      ...step,
      how: 'add',
      phase: 'retire',
      retires: { table: { name: 'events' } },
    })
    expect(add === undefined ? [] : locks(add)).toEqual([
      'teams access_exclusive',
      ...['events', 'a', 'b'].map((name) => `${name} share_row_exclusive`),
    ])
    expect(plan.rollback).toMatchObject([
      { statements: ['alter table "public"."events" drop constraint "events_team_fkey" restrict'] },
      { ...step, how: 'drop' },
    ])
  })

  test('a foreign key that was dropped comes back by its partitions, with its comment', () => {
    const given = events({ constraints: [foreignKey('of_team', ['team'], { comment: 'x' })] })
    const plan = planned({ kind: 'drop_constraint', ...on, name: 'of_team' }, given)
    expect(plan.rollback).toMatchObject([
      { kind: 'inspect' },
      {
        kind: 'foreign_key_parts',
        how: 'add',
        definition: 'FOREIGN KEY (team) REFERENCES public.teams(id)',
        comment: 'x',
      },
    ])
  })

  test.each<[string, Partial<Table>, readonly string[]]>([
    ['check', { constraints: [check('old', ['id'], 'CHECK ((id > 0))')] }, ['events', 'a', 'b']],
    ['foreign key', { constraints: [foreignKey('old', ['team'])] }, ['only events']],
    ['key', { constraints: [unique('old', ['id'])] }, ['only events']],
  ])('a %s gets another name in no more than it must be locked for', (_what, more, locked) => {
    const plan = planned({ kind: 'rename_constraint', ...on, from: 'old', to: 'new' }, events(more))
    const [step] = plan.steps.filter(({ kind }) => kind === 'ddl')
    expect(step === undefined ? [] : locks(step)).toEqual(locked.map((name) => `${name} access_exclusive`))
  })

  test('goes with its partitions, hidden at once and dropped one by one', () => {
    const parts = [part('a', { kind: 'partitioned' }), part('c', { under: { namespace: 'old', name: 'a' } })]
    const plan = planned({ kind: 'drop_table', ...on }, events({ parts }))
    const hidden = Object.fromEntries(
      plan.steps
        .flatMap((step) => (isTransaction(step) ? step.statements : []))
        .flatMap((one) => [...(/"(\w+)"\."(\w+)" rename to "(\w+)"/g.exec(one) ?? [])].slice(2))
        .map((name, at, all) => [all[at - 1] ?? '', name] as const)
        .filter((_, at) => at % 2 === 1),
    )
    expect(plan.steps.filter(({ kind }) => kind === 'gate')).toMatchObject([
      { table: { name: 'events' } },
      { table: { name: 'a' } },
      { table: { name: 'c' } },
    ])
    expect(shortly(plan.steps.filter(({ kind }) => kind !== 'gate'))).toEqual([
      [
        'retire retire',
        `alter table "public"."events" rename to "${hidden.events}"`,
        `alter table "old"."a" rename to "${hidden.a}"`,
        `alter table "old"."c" rename to "${hidden.c}"`,
        ...['events', 'a', 'c'].map((name) => `${name} access_exclusive`),
      ],
      [
        'purge purge',
        `drop table "old"."${hidden.c}" restrict`,
        `only ${hidden.a} access_exclusive`,
        `${hidden.c} access_exclusive`,
      ],
      [
        'purge purge',
        `drop table "old"."${hidden.a}" restrict`,
        `only ${hidden.events} access_exclusive`,
        `only ${hidden.a} access_exclusive`,
      ],
      [
        'purge purge',
        `drop table "public"."${hidden.events}" restrict`,
        `only ${hidden.events} access_exclusive`,
      ],
    ])
    expect(plan.steps.find(({ kind }) => kind === 'retire')).toMatchObject({
      retires: { table: { name: 'events' } },
      retiresAlso: [{ table: { name: 'a' } }, { table: { name: 'c' } }],
    })
    expect(shortly(plan.rollback)).toEqual([
      [
        'retire ddl',
        `alter table "public"."${hidden.events}" rename to "events"`,
        `alter table "old"."${hidden.a}" rename to "a"`,
        `alter table "old"."${hidden.c}" rename to "c"`,
        `${hidden.events} access_exclusive`,
        `${hidden.a} access_exclusive`,
        `${hidden.c} access_exclusive`,
      ],
    ])
  })

  test('does not go where its partitions can get no other name', () => {
    const closed = facts({ closedNamespaces: ['old'] })
    expect(() => planned({ kind: 'drop_table', ...on }, events(), closed)).toThrow(
      /^The connected role may make nothing in the namespace old/,
    )
  })

  test.each<[string, Part['own'][number]['what'], Operation]>([
    ['a default', 'another default', { kind: 'alter_column', ...on, column: 'name', default: `'x'` }],
    ['no default', 'another default', { kind: 'alter_column', ...on, column: 'name', default: null }],
    ['NOT NULL', 'a NOT NULL of its own', { kind: 'alter_column', ...on, column: 'name', nullable: false }],
    [
      'statistics',
      'another statistics target',
      { kind: 'alter_column', ...on, column: 'name', statistics: 1 },
    ],
    ['a storage', 'another storage', { kind: 'alter_column', ...on, column: 'name', storage: 'main' }],
  ])('%s would take away what a partition has of its own, and is refused', (_what, what, operation) => {
    const own = (columns: readonly string[]) => events({ parts: [part('b', { own: [{ what, columns }] })] })
    const known = factsWithTypes({}, {})
    expect(() => planned(operation, own(['name']), known)).toThrow(
      `The partition old.b has ${what} on "name", which would be lost.`,
    )
    const other = () => planned(operation, own(['team']), known)
    // Without a default there is none to take, and nothing is known of the new one.
    if ('default' in operation) expect(other).toThrow(/has no default|cannot be used/)
    else expect(other).not.toThrow()
  })

  test.each<[string, Operation, RegExp]>([
    [
      'storage parameters',
      { kind: 'set_table', ...on, set: { fillfactor: '70' }, reset: [] },
      /"events" is a partitioned table, which has no rows and so no storage parameters/,
    ],
    [
      'a compression',
      { kind: 'alter_column', ...on, column: 'name', compression: 'pglz' },
      /The compression of "events"."name" cannot be set: of a partitioned table PostgreSQL hands it on to no partition/,
    ],
  ])('%s are refused', (_what, operation, message) => {
    expect(() => planned(operation)).toThrow(message)
  })
})

describe('a copied column of a partitioned table', () => {
  const RENAME: Operation = { kind: 'rename_column', ...on, from: 'team', to: 'squad' }
  const key = foreignKey('of_shop', ['team', 'id'], {
    definition: 'FOREIGN KEY (team, id) REFERENCES shops',
    references: { namespace: 'public', name: 'shops' },
    partnerParts: [{ namespace: 'public', name: 'shops_a' }],
  })
  const once = unique('once', ['team', 'id'], {
    definition: 'UNIQUE NULLS NOT DISTINCT (team, id) INCLUDE (name)',
  })
  const given = events({
    constraints: [key, once],
    indexes: [
      index('once', ['team', 'id', 'name'], {
        unique: true,
        constraint: 'once',
        definition: `CREATE UNIQUE INDEX once ON ONLY public.events USING btree (team, id) INCLUDE (name) WITH (fillfactor='80')`,
        tablespace: 'Fast',
      }),
    ],
  })

  test('has its unique constraint and its foreign key part by part, and they keep the names that PostgreSQL gives', () => {
    const { steps, rollback } = planned(RENAME, given)
    const carried = steps.filter(({ phase, does }) => phase === 'verify' && /once|of_shop/.test(does))
    const copies = carried.flatMap((step) =>
      'name' in step ? step.name : 'index' in step ? step.index.name : [],
    )
    expect(shortly(carried)).toEqual([
      [
        'verify ddl',
        `alter table only "public"."events" add constraint "${copies[0]}" unique nulls not distinct ("squad", "id") include ("name") with (fillfactor='80') using index tablespace "Fast"`,
        'only events access_exclusive',
      ],
      ['verify index_parts', 'events share_update_exclusive', 'a access_exclusive', 'b access_exclusive'],
      [
        'verify foreign_key_parts',
        'shops access_exclusive',
        'shops_a access_exclusive',
        'events access_exclusive',
        'a access_exclusive',
        'b access_exclusive',
      ],
    ])
    expect(carried[1]).toMatchObject({
      nameParts: ['squad', 'id', 'name'],
      constraint: { kind: 'unique', usingIndex: { before: 'unique', after: '' } },
    })
    expect(carried[2]).toMatchObject({ how: 'add', columns: ['squad', 'id'] })
    const [leaf] = given.parts
    const two = {
      ...given,
      parts: ['a', 'b'].flatMap((name) => (leaf ? [{ ...leaf, name, kind: 'table' as const }] : [])),
    }
    expect(manyTriggers(two, { namespace: 'public', name: 'shops' })).toMatchObject([
      {
        code: 'slower_queries',
        because: expect.stringContaining('its 2 partitions, a DELETE of a row of "shops"'),
      },
    ])
    expect(manyTriggers({ ...two, parts: two.parts.slice(1) }, two)).toEqual([])
    const purge = steps.find(({ kind }) => kind === 'purge')
    const naming = shortly(purge === undefined ? [] : [purge])
      .flat()
      .filter((one) => one.startsWith('do '))
    expect(naming.join()).toContain(`array[''events_squad_id_fkey'', ''events_squad_id_fkey''`)
    expect(naming.join()).toContain(`array[''of_shop'', ''of_shop_''`)
    expect(rollback.map(({ kind }) => kind)).toEqual(['ddl', 'index_parts', 'foreign_key_parts', 'ddl'])
    const [, ...dropping] = shortly(rollback.filter(({ kind }) => kind === 'foreign_key_parts'))[0] ?? []
    expect(dropping).toEqual([
      'shops access_exclusive',
      'shops_a access_exclusive',
      'a access_exclusive',
      'b access_exclusive',
    ])
  })

  const primary = primaryKeyOf(['team', 'id'], 'events_pkey')
  const carrying = indexOf(primary, {
    definition:
      "CREATE UNIQUE INDEX events_pkey ON ONLY public.events USING btree (team, id) INCLUDE (name) WITH (fillfactor='80')",
    nameParts: ['team', 'id', 'name'],
    tablespace: 'Fast',
  })

  test('takes its primary key along: what stands in each partition becomes its key with that of the table, in the purge', () => {
    const { steps, rollback } = planned(RENAME, events({ constraints: [primary], indexes: [carrying] }))
    const standing = steps.filter((step) => step.kind === 'index_parts' && step.how === 'stand')
    expect(standing).toMatchObject([
      {
        phase: 'retire',
        using: `UNIQUE USING btree ("squad", "id") include ("name") with (fillfactor='80')`,
        tablespace: 'Fast',
        prefix: expect.stringMatching(/^bellows_part_[0-9a-f]{8}_$/),
      },
    ])
    expect(standing.map(locks)).toEqual([['b share_update_exclusive']])
    const hidden = steps.findIndex(({ kind }) => kind === 'retire')
    expect(steps.indexOf(standing[0] as Step)).toBeGreaterThan(hidden)
    const purge = steps.find(({ kind }) => kind === 'purge')
    expect(purge).toMatchObject({ stands: [{ prefix: (standing[0] as { prefix?: string }).prefix }] })
    const texts = purge === undefined ? '' : shortly([purge]).flat().join(';\n')
    expect(texts).toContain(`primary key ("squad", "id") include ("name") with (fillfactor=`)
    expect(texts).toMatch(/primary key using index.*drop column/s)
    expect(rollback.filter((step) => step.kind === 'index_parts' && step.how === 'drop')).toHaveLength(2)
  })

  test.each([
    [
      'a foreign key that points at its primary key, and might stand on another index',
      {
        constraints: [primary],
        indexes: [
          { ...carrying, foreignKeys: ['of_event on notes'] },
          { ...carrying, name: 'rival', constraint: null, nameParts: ['id', 'team'] },
        ],
      },
      'The foreign key of_event on notes stands on the primary key events_pkey and is put up anew with it; then PostgreSQL might let it stand on rival',
    ],
    [
      'its primary key in more partitions than change theirs in a moment',
      {
        constraints: [primary],
        indexes: [carrying],
        parts: Array.from({ length: 101 }, (_, at) => part(`part_${at}`)),
      },
      '"events" has 101 partitions, and the primary key events_pkey of all goes over in one moment',
    ],
    [
      'a foreign key that was never proved',
      { constraints: [{ ...key, validated: false }] },
      'The foreign key of_shop of a partitioned table is not validated',
    ],
  ])('is refused with %s', (_what, more, message) => {
    expect(() => planned(RENAME, events(more))).toThrow(message)
  })
})
