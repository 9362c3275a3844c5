import { describe, expect, test } from 'vitest'
import { identityQuestion } from '../../../src/core/operations/keys/identity.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { changedHoldMs } from '../../../src/core/plan/hold.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import type { Lock, StepDraft } from '../../../src/core/plan/step.ts'
import type { Part, Table } from '../../../src/core/schema/model.ts'
import { type Sql, sql } from '../../../src/core/sql.ts'
import {
  column,
  factsWithTypes,
  foreignKey,
  indexOf,
  primaryKeyOf,
  schemaOf,
  table,
} from '../../support/model.ts'
import { orders, POINTS, users } from '../../support/pointed-at.ts'

const on = { namespace: 'public' } as const
const numbered = (count: number, of: string) => Array.from({ length: count }, (_, at) => `${of}_${at}`)

/** By a foreign key of each of these tables. */
const pointedAtBy = (names: readonly string[]): Pick<Table, 'referencedBy' | 'dependents'> => ({
  referencedBy: names.map((name) => ({
    table: { ...on, name },
    constraint: 'points',
    identity: `points on public.${name}`,
  })),
  dependents: names.map((name) => ({
    kind: 'foreign key',
    name: `points on public.${name}`,
    column: 'id',
    bound: true,
  })),
})

describe('plain tables that point at a key', () => {
  const plan = (operation: Operation, count: number) => {
    const names = numbered(count, 'orders')
    const named = users({
      ...pointedAtBy(names),
    })
    const known = factsWithTypes(
      { bigint: 'bigint', integer: 'integer' },
      {
        answers: {
          [identityQuestion({ ...on, table: 'users', column: 'id' })]: [{ ...on, name: 'numbers' }],
        },
      },
    )
    const schema = schemaOf(named, ...names.map((name) => orders({ name, constraints: [POINTS] })))
    return makePlan({ name: '0001_test', operations: [operation] }, schema, known)
  }

  test.each<Operation>([
    { kind: 'change_type', ...on, table: 'users', column: 'id', type: 'bigint' },
    { kind: 'rename_column', ...on, table: 'users', from: 'id', to: 'number' },
  ])('need no reason, however many there are: %j', (operation) => {
    const { steps } = plan(operation, 30)
    expect(steps.some((step) => 'locks' in step && step.locks.length > 30)).toBe(true)
    expect(steps.flatMap(({ hazards }) => hazards)).toContainEqual(
      expect.objectContaining({ because: expect.stringContaining('and then for some milliseconds') }),
    )
  })

  const parts = numbered(30, 'events').map(
    (name): Part => ({ ...on, name, kind: 'table', under: { ...on, name: 'events' }, owned: true, own: [] }),
  )
  const key = primaryKeyOf(['id', 'team'], 'events_pkey')
  const points = foreignKey('points', ['event', 'team'], {
    definition: 'FOREIGN KEY (event, team) REFERENCES events(id, team)',
    references: { ...on, name: 'events' },
  })
  const names = numbered(4, 'logs')
  const log = (name: string): Table =>
    table({
      name,
      columns: [column('event', 'bigint'), column('team', 'integer')],
      constraints: [points],
      indexes: [],
      neighbours: [],
    })
  const events = table({
    name: 'events',
    kind: 'partitioned',
    columns: [
      column('id', 'bigint', { nullable: false }),
      column('team', 'integer', { nullable: false }),
      column('name'),
    ],
    constraints: [key],
    indexes: [indexOf(key)],
    parts,
    keyedBy: ['team'],
    ...pointedAtBy(names),
  })

  test.each<Operation>([
    { kind: 'rename_column', ...on, table: 'events', from: 'id', to: 'number' },
    { kind: 'rename_column', ...on, table: 'events', from: 'name', to: 'title' },
  ])('need none at a partitioned table either: %j', (operation) => {
    const plan = makePlan(
      { name: '0001_test', operations: [operation] },
      schemaOf(events, ...names.map(log)),
      factsWithTypes({}),
    )
    expect(plan.steps.some((step) => 'locks' in step && step.locks.length > 30)).toBe(true)
    expect(JSON.stringify(plan)).not.toContain('partOf')
  })
})

describe('a change counts', () => {
  const lock = (name: string, partOf?: string): Lock => ({
    relation: { ...on, name },
    level: 'access_exclusive',
    ...(partOf === undefined ? {} : { implied: true, partOf: { ...on, name: partOf } }),
  })
  const step = (...statements: readonly Sql[]): StepDraft => ({
    kind: 'ddl',
    phase: 'expand',
    does: 'change',
    hazards: [],
    probe: sql`true`,
    locks: [
      lock('events'),
      ...numbered(100, 'events').map((name) => lock(name, 'events')),
      lock('logs'),
      ...numbered(10, 'logs').map((name) => lock(name, 'logs')),
      lock('plain'),
    ],
    requires: [],
    statements,
    cost: 'instant',
  })
  /** 0.08 ms for each of 110 partitions. */
  const HELD = 8.8

  test.each<readonly [Sql, number]>([
    [sql`alter table "public"."events" add a int`, 101],
    [sql`alter table "public"."events" add a int, add b int`, 202],
    [sql`alter table only "public"."events" add a int`, 1],
    [sql`alter table "public"."logs" add a int`, 11],
    [sql`alter table "public"."plain" add a int`, 1],
    [sql`alter table "public"."plain" add constraint "k" foreign key (a) references "public"."events"`, 404],
    [sql`alter table "public"."logs" drop constraint "k"`, 111],
    [sql`alter table "public"."plain" drop constraint "k"`, 101],
    [sql`alter table "public"."logs" rename column "a" to "b"`, 11],
    [sql`drop trigger "t" on "public"."logs"`, 11],
    [sql`drop index "public"."by_name"`, 101],
    [sql`do 'begin alter table "public"."logs" add a int; end'`, 111],
    [sql`do 'begin execute pg_catalog.format(''alter table %s add a int'', 1); end'`, 101],
  ])('the tables that it goes through: %s', (statement, tables) => {
    expect(changedHoldMs(step(statement))).toBe(Math.ceil(HELD + 0.07 * tables))
  })

  test('nothing where no partition is held', () => {
    const plain = {
      ...step(sql`alter table "public"."plain" add a int`),
      locks: [lock('plain')],
    } as StepDraft
    expect(changedHoldMs(plain)).toBeUndefined()
  })

  test('nothing where nothing is changed', () => {
    expect(changedHoldMs(step(sql`comment on table "public"."events" is 'all'`))).toBeUndefined()
  })
})
