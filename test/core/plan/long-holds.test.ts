import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { changedHoldMs, holdMs, keyedHoldMs } from '../../../src/core/plan/hold.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import type { LockLevel, StepDraft, TransactionStep } from '../../../src/core/plan/step.ts'
import { valueKey } from '../../../src/core/schema/facts.ts'
import type { Part } from '../../../src/core/schema/model.ts'
import { sql } from '../../../src/core/sql.ts'
import {
  check,
  column,
  facts,
  factsWithTypes,
  index,
  indexOf,
  primaryKeyOf,
  schemaOf,
  table,
  thrownBy,
  unique,
} from '../../support/model.ts'

const on = { namespace: 'public' } as const
const parts = (of: string, count: number): readonly Part[] =>
  Array.from({ length: count }, (_, at) => ({
    namespace: 'public',
    name: `${of}_${at}`,
    kind: 'table' as const,
    under: { namespace: 'public', name: of },
    owned: true,
    own: [],
  }))
const primary = primaryKeyOf(['id', 'team'], 'events_pkey')
const events = (count: number) =>
  table({
    name: 'events',
    kind: 'partitioned',
    columns: [
      column('id', 'bigint', { nullable: false }),
      column('team', 'integer', { nullable: false }),
      column('name'),
    ],
    constraints: [primary],
    indexes: [indexOf(primary)],
    parts: parts('events', count),
    keyedBy: ['team'],
  })
const RENAME: Operation = { kind: 'rename_column', ...on, table: 'events', from: 'id', to: 'number' }
const REASON = 'nobody works at four'

const planned = (operation: Operation, count: number) =>
  makePlan({ name: '0001_test', operations: [operation] }, schemaOf(events(count)), facts())

describe('a step that holds everybody up', () => {
  test('for up to 100 ms needs no reason', () => {
    const { steps } = planned(RENAME, 65)
    expect(steps.flatMap(({ hazards }) => hazards).map(({ code }) => code)).not.toContain('unsafe')
    expect(steps.flatMap(({ hazards }) => hazards).map(({ because }) => because)).toContainEqual(
      expect.stringContaining('for some 99 milliseconds, as the keys of all partitions'),
    )
  })

  test('for longer is refused, and told with its reason', () => {
    expect(() => planned(RENAME, 66)).toThrow(
      'To drop the column "id" of "events" holds everybody up for some 101 ms, in which nobody can use 67 tables',
    )
    const { steps } = planned({ ...RENAME, unsafe: REASON }, 66)
    const told = steps.filter(({ hazards }) => hazards.some(({ code }) => code === 'unsafe'))
    expect(told.map(({ phase }) => phase)).toEqual(['purge'])
    expect(told[0]?.hazards).toContainEqual({
      code: 'unsafe',
      because: `All who use one of 67 tables wait for some 101 ms. The reason given: ${REASON}`,
    })
  })
})

describe('a step that changes all partitions of a table', () => {
  const NAME: Operation = { kind: 'rename_column', ...on, table: 'events', from: 'name', to: 'title' }
  const DROP: Operation = { kind: 'drop_column', ...on, table: 'events', column: 'name' }
  const longest = (operation: Operation, count: number) =>
    planned(operation, count)
      .steps.flatMap(({ hazards }) => hazards)
      .flatMap(
        ({ because }) => /for some (\d+) milliseconds, as each of them is changed/.exec(because)?.[1] ?? [],
      )
      .map(Number)
      .sort((a, b) => b - a)[0]

  test('says how long that takes, where it takes long enough', () => {
    expect(longest(NAME, 100)).toBe(58)
    expect(longest(NAME, 174)).toBe(100)
    expect(longest(NAME, 10)).toBeUndefined()
  })

  test.each<readonly [Operation, number]>([
    [NAME, 175],
    [{ kind: 'alter_column', ...on, table: 'events', column: 'name', storage: 'external' }, 667],
  ])('is refused from so many partitions on: %j, %i', (operation, count) => {
    expect(planned(operation, count - 1).steps).not.toEqual([])
    expect(() => planned(operation, count)).toThrow('holds everybody up for some 101 ms')
  })

  test('for more than 100 ms is refused, and told with its reason', () => {
    expect(() => planned(NAME, 200)).toThrow(
      'To add the column "title" and keep "name" and "title" of "events" in step holds everybody up for some 115 ms, in which nobody can use 201 tables',
    )
    const told = planned({ ...NAME, unsafe: REASON }, 200).steps.filter(({ hazards }) =>
      hazards.some(({ code, because }) => code === 'unsafe' && because.includes(REASON)),
    )
    expect(told.map(({ phase }) => phase)).toEqual(['expand', 'purge'])
  })

  test('for more than 1,000 ms is refused whatever the reason', () => {
    const reasoned = { ...NAME, unsafe: REASON }
    expect(planned(reasoned, 1_750).steps).not.toEqual([])
    expect(() => planned(reasoned, 1_760)).toThrow(
      'holds everybody up for some 1004 ms, in which nobody can use 1761 tables: more than 1000 ms are refused whatever the reason',
    )
    expect(thrownBy(() => planned(reasoned, 1_760))).toMatchObject({
      hint: expect.stringContaining('A reason does not help.'),
    })
  })

  test('is not refused where it takes back what was done', () => {
    const plan = (count: number) =>
      makePlan(
        { name: '0002_back', operations: [DROP], reverses: { purge: [] } },
        schemaOf(events(count)),
        facts(),
      )
    expect(() => planned(DROP, 3_500)).toThrow('are refused whatever the reason')
    expect(plan(3_500).steps.flatMap(({ hazards }) => hazards)).toContainEqual({
      code: 'unsafe',
      because: expect.stringContaining('The reason given: it takes back what was done'),
    })
  })

  test.each<Operation>([
    DROP,
    { kind: 'add_column', ...on, table: 'events', column: 'slug', type: 'text', nullable: true },
    { kind: 'alter_column', ...on, table: 'events', column: 'name', nullable: false },
    { kind: 'add_constraint', ...on, table: 'events', check: 'id > 0' },
    { kind: 'rename_constraint', ...on, table: 'events', from: 'positive', to: 'above_zero' },
    { kind: 'drop_constraint', ...on, table: 'events', name: 'positive' },
    { kind: 'drop_index', ...on, table: 'events', index: 'by_name' },
  ])('is refused without a reason, whatever changes them: %j', (operation) => {
    const positive = check('positive', ['id'], 'CHECK ((id > 0))')
    const many = {
      ...events(1_200),
      constraints: [primary, positive],
      indexes: [indexOf(primary), index('by_name', ['name'])],
    }
    const plan = (op: Operation) =>
      makePlan({ name: '0001_test', operations: [op] }, schemaOf(many), factsWithTypes({ text: 'text' }))
    expect(() => plan(operation)).toThrow(
      /holds everybody up for some \d+ ms, in which nobody can (use|write) 1201 tables/,
    )
    const { steps, rollback } = plan({ ...operation, unsafe: REASON } as Operation)
    expect([...steps, ...rollback].flatMap(({ hazards }) => hazards)).toContainEqual(
      expect.objectContaining({ code: 'unsafe', because: expect.stringContaining(REASON) }),
    )
  })

  test('counts what several operations do in it as one, of which one has to give a reason', () => {
    const two: Operation = { ...DROP, column: 'note' }
    const wide = { ...events(170), columns: [...events(0).columns, column('note'), column('said')] }
    const plan = (...operations: readonly Operation[]) =>
      makePlan({ name: '0001_test', operations }, schemaOf(wide), facts())
    const renamed: Operation = { kind: 'rename_column', ...on, table: 'events', from: 'said', to: 'told' }
    expect(plan(NAME).steps).not.toEqual([])
    expect(plan(renamed).steps).not.toEqual([])
    expect(plan(two).steps).not.toEqual([])
    expect(() => plan(NAME, renamed)).toThrow('holds everybody up for some')
    expect(plan(NAME, { ...renamed, unsafe: REASON }).steps).not.toEqual([])
  })

  test('as the table is hidden with its partitions takes longer', () => {
    const gone: Operation = { kind: 'drop_table', ...on, table: 'events' }
    const plan = (op: Operation, count: number) =>
      makePlan({ name: '0001_test', operations: [op] }, schemaOf(events(count)), facts())
    const hides = plan(gone, 44).steps.find(({ kind }) => kind === 'retire')
    expect(hides?.hazards.map(({ because }) => because)).toContainEqual(
      expect.stringContaining('some 100 milliseconds'),
    )
    expect(() => plan(gone, 45)).toThrow(
      'holds everybody up for some 102 ms, in which nobody can use 46 tables',
    )
    expect(plan({ ...gone, unsafe: REASON }, 45).steps).not.toEqual([])
  })

  test('does not where a table has none', () => {
    expect(changedHoldMs(planned(NAME, 0).steps[0] as StepDraft)).toBeUndefined()
  })
})

describe('partitions that point at partitions', () => {
  const locked = (name: string, level: LockLevel = 'access_exclusive') => ({
    relation: { namespace: 'public', name },
    level,
  })
  const taking = (mine: number, others: number): StepDraft => ({
    kind: 'foreign_key_parts',
    how: 'add',
    phase: 'retire',
    does: 'give',
    hazards: [],
    probe: sql`true`,
    table: table({ name: 'logs', kind: 'partitioned', parts: parts('logs', mine) }),
    other: { namespace: 'public', name: 'events' },
    name: 'of_event',
    definition: sql`foreign key (event) references events`,
    comment: null,
    columns: ['event'],
    locks: [
      locked('logs'),
      ...parts('logs', mine).map(({ name }) => locked(name)),
      locked('events'),
      ...parts('events', others).map(({ name }) => locked(name)),
      locked('events', 'row_share'),
    ],
  })

  test('have a key for each two of them before PostgreSQL 18, which all go in one moment', () => {
    expect(holdMs(taking(50, 50), 170_000)).toBe(390)
    expect(holdMs(taking(20, 20), 170_000)).toBe(66)
    expect(holdMs(taking(50, 50), 180_000)).toBe(37)
    expect(holdMs({ ...taking(50, 50), how: 'drop' } as StepDraft, 170_000)).toBeUndefined()
    expect(keyedHoldMs(taking(50, 50))).toBeUndefined()
  })

  test('are refused such a key without a reason', () => {
    const logs = table({
      name: 'logs',
      kind: 'partitioned',
      columns: [column('event', 'bigint'), column('team', 'integer')],
      constraints: [],
      parts: parts('logs', 50),
      keyedBy: ['team'],
    })
    const key: Operation = {
      kind: 'add_constraint',
      ...on,
      table: 'logs',
      name: 'of_event',
      foreign_key: {
        columns: ['event', 'team'],
        references: { ...on, table: 'events', columns: ['id', 'team'] },
      },
    }
    const once = unique('once', ['team'])
    const pointed = {
      ...events(50),
      constraints: [primary, once],
      indexes: [indexOf(primary), indexOf(once)],
    }
    const plan = (operation: Operation, serverVersion: number) =>
      makePlan(
        { name: '0001_test', operations: [operation] },
        schemaOf(pointed, logs),
        facts({ serverVersion }),
      )
    expect(() => plan(key, 170_000)).toThrow('holds everybody up for some 390 ms')
    expect(plan({ ...key, unsafe: REASON }, 170_000).steps.flatMap(({ hazards }) => hazards)).toContainEqual(
      expect.objectContaining({ code: 'unsafe', because: expect.stringContaining(REASON) }),
    )
    expect(plan(key, 180_000).steps).not.toEqual([])

    const ofColumn: Operation = {
      kind: 'alter_column',
      ...on,
      table: 'logs',
      column: 'team',
      references: { ...on, table: 'events', column: 'team' },
    }
    expect(() => plan(ofColumn, 170_000)).toThrow('holds everybody up for some 390 ms')
    expect(
      plan({ ...ofColumn, unsafe: REASON }, 170_000).steps.flatMap(({ hazards }) => hazards),
    ).toContainEqual(expect.objectContaining({ code: 'unsafe', because: expect.stringContaining(REASON) }))
    expect(plan(ofColumn, 180_000).steps).not.toEqual([])
  })
})

describe('a reason for waiting', () => {
  const of = { namespace: 'public', name: 'events' }
  const value = valueKey({ table: of, expression: 'lower(name)', fits: { type: 'text' }, as: 'row' })
  const anew = (more: Partial<ReturnType<typeof table>>, count: number) =>
    makePlan(
      {
        name: '0001_test',
        operations: [
          {
            kind: 'add_column',
            ...on,
            table: 'events',
            column: 'lower',
            type: 'text',
            nullable: true,
            generated: 'lower(name)',
            stored: true,
            unsafe: REASON,
          },
        ],
      },
      schemaOf({ ...events(count), ...more }),
      factsWithTypes({ text: 'text' }, { values: { [value]: { text: 'lower(name)' } } }),
    ).steps.find((step): step is TransactionStep => step.kind === 'ddl')

  test('says nothing of rows of a table that seems to be empty', () => {
    const step = anew({ bytes: 0 }, 1_200)
    expect(step?.requires).toMatchObject([
      { otherwise: expect.stringContaining('"events" is not empty: it would be written anew') },
    ])
    const said = step?.hazards.map(({ because }) => because).join()
    expect(said).toContain(`The reason given: ${REASON}`)
    expect(said).not.toContain('written anew')
  })

  test.each([
    ['has rows', { bytes: 8192 }, 1_200],
    ['was never analysed, with so few partitions that it can only be for them', { bytes: 0 }, 65],
  ])('is one for a table that is written anew, too, which %s', (_what, more, count) => {
    const step = anew(more, count)
    expect(step?.requires).toMatchObject([{ code: 'plan_refused' }, { code: 'txn_conflict' }])
    expect(step?.hazards).toContainEqual({
      code: 'unsafe',
      because: `The table is written anew. The reason given: ${REASON}`,
    })
  })
})
