import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { holdMs, keyedHoldMs } from '../../../src/core/plan/hold.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import type { LockLevel, StepDraft } from '../../../src/core/plan/step.ts'
import type { Part } from '../../../src/core/schema/model.ts'
import { sql } from '../../../src/core/sql.ts'
import { column, facts, indexOf, primaryKeyOf, schemaOf, table } from '../../support/model.ts'

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
    expect(holdMs(taking(50, 50), 180_000)).toBeUndefined()
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
    const plan = (operation: Operation, serverVersion: number) =>
      makePlan(
        { name: '0001_test', operations: [operation] },
        schemaOf(events(50), logs),
        facts({ serverVersion }),
      )
    expect(() => plan(key, 170_000)).toThrow('holds everybody up for some 390 ms')
    expect(plan({ ...key, unsafe: REASON }, 170_000).steps.flatMap(({ hazards }) => hazards)).toContainEqual(
      expect.objectContaining({ code: 'unsafe', because: expect.stringContaining(REASON) }),
    )
    expect(plan(key, 180_000).steps).not.toEqual([])
  })
})
