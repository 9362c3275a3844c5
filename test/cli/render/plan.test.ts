import { describe, expect, test } from 'vitest'
import { renderPlan } from '../../../src/cli/render/plan.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import type { Estimate } from '../../../src/core/plan/estimate.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import type { Plan } from '../../../src/core/plan/plan.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import { column, factsWithTypes, index, schemaOf, table, tableWith } from '../../support/model.ts'
import { marked, plain } from '../../support/terminals.ts'

const on = { namespace: 'public', table: 'users' } as const
const ADD: Operation = {
  kind: 'add_column',
  ...on,
  column: 'slug',
  type: 'text',
  nullable: false,
  default: "'x'",
}
const DROP: Operation = { kind: 'drop_column', ...on, column: 'name' }
const RENAME: Operation = { kind: 'rename_column', ...on, from: 'name', to: 'full_name' }

const planOf = (operation: Operation, of: Table = table()): Plan =>
  makePlan({ name: '0001_test', operations: [operation] }, schemaOf(of), factsWithTypes({ text: 'text' }))

/** The lines of one step, without the blank line behind it. */
const stepOf = (plan: Plan, id: string): readonly string[] => {
  const lines = renderPlan(plan, plain).split('\n')
  const first = lines.findIndex((line) => line.startsWith(`  ${id}  `))
  return lines.slice(first, lines.indexOf('', first))
}

describe('the plan of an added column', () => {
  test('is told in full', () => {
    // The brackets around a default are the business of the operation.
    expect(renderPlan(planOf(ADD), plain).replace("default ('x')", "default 'x'")).toBe(`Plan of 0001_test

expand
  0001_test/expand/1  add the column "slug" to "users"
      lock    access exclusive on users
      cost    instant; no scan, no rewrite
      hazard  Every statement on users waits while the step holds its lock: for the lock timeout at most, and then for some milliseconds.
      sql     alter table "public"."users" add column "slug" text not null default 'x'

rollback, possible until purge
  0001_test/rollback/1  drop the column "slug" of "users" again
      lock    access exclusive on users
      cost    instant; no scan, no rewrite
      hazard  Every statement on users waits while the step holds its lock: for the lock timeout at most, and then for some milliseconds.
      hazard  The values written to "slug" so far are dropped with it.
      sql     alter table "public"."users" drop column "slug" restrict
`)
  })
})

describe('the plan of a dropped column', () => {
  test('has a heading for each phase, and only for those that have steps', () => {
    const headings = renderPlan(planOf(DROP), plain)
      .split('\n')
      .filter((line) => /^\S/.test(line))
    expect(headings).toEqual([
      'Plan of 0001_test',
      'expand',
      'rollout',
      'retire',
      'purge',
      'rollback, possible until purge',
    ])
  })

  test('has a gate that takes no lock and runs nothing', () => {
    expect(stepOf(planOf(DROP), '0001_test/rollout/1')).toEqual([
      '  0001_test/rollout/1  wait until nobody needs "users"."name"',
      '      lock    none',
      '      cost    waits for instances, does nothing to the table',
    ])
  })

  test('has several statements one below the other', () => {
    const plan = planOf(DROP)
    const [retire] = plan.steps.filter(({ kind }) => kind === 'retire')
    const statements = retire !== undefined && 'statements' in retire ? retire.statements : []
    const [first = '', ...more] = statements.join(';\n').split('\n')
    expect(more.length).toBeGreaterThan(0)
    expect(stepOf(plan, '0001_test/retire/1').slice(-1 - more.length)).toEqual([
      `      sql     ${first}`,
      ...more.map((line) => `              ${line}`),
    ])
  })
})

describe('the plan of a renamed column', () => {
  const users = tableWith([column('name')], { indexes: [index('by_name', ['name'])] })
  const plan = planOf(RENAME, users)

  test('says what a backfill needs, and how rows are gone through, where that is known', () => {
    const needs: Estimate = {
      step: '0001_test/backfill/1',
      way: { strategy: 'plain ranges', because: 'each row is tried once' },
      rows: 1_000_000,
      logBytes: 444_000_000,
      growthBytes: 70_500_000,
      seconds: { least: 6, most: 27 },
    }
    const lines = renderPlan(plan, plain, { estimates: [needs], room: undefined }).split('\n')
    expect(lines).toContain('      way     plain ranges of blocks, because each row is tried once')
    expect(lines).toContain(
      '      needs   about 1,000,000 rows: 423 MB of log, 67 MB more of table and indexes, 6 s on an idle server with one worker, 27 s on a busy one',
    )
  })

  test.each([
    [64, ['  all backfills together: needs 3 GB, of 64 GB that are free 2 GB stay for everybody else']],
    [
      4,
      [
        '  all backfills together: needs 3 GB, of 4 GB that are free 2 GB stay for everybody else: too little, no backfill is begun',
      ],
    ],
    [
      null,
      [
        '  all backfills together: needs 3 GB; how much is free is not known',
        '  PostgreSQL does not tell the size of its disk: say it in the config file, as settings.brake.diskBytes',
      ],
    ],
  ])('says of the disk, of which %s GB are free, whether there is room', (free, expected) => {
    const gb = 1024 ** 3
    const room = { needBytes: 3 * gb, reserveBytes: 2 * gb, freeBytes: free === null ? null : free * gb }
    const lines = renderPlan(plan, plain, { estimates: [], room }).split('\n')
    const at = lines.indexOf('disk')
    expect(lines.slice(at + 1, lines.indexOf('', at))).toEqual(expected)
    expect(renderPlan(plan, plain)).not.toContain('disk')
  })

  test('says that a backfill works in batches', () => {
    expect(stepOf(plan, '0001_test/backfill/1')).toEqual([
      '  0001_test/backfill/1  fill "full_name" from "name" where "users" still lacks it',
      '      lock    row locks of one batch on users',
      '      cost    writes every row that is unfilled, in batches; reads the table once more to prove that none is left',
      '      sql     update users set "full_name" = "name" where ("full_name" is null and "name" is not null)  -- a range of blocks at a time',
    ])
  })

  test('says that a comparison reads the table', () => {
    expect(stepOf(plan, '0001_test/verify/1')).toEqual([
      '  0001_test/verify/1  compare "name" and "full_name" in every row of "users"',
      '      lock    none',
      '      cost    reads the table once, in chunks',
      '      sql     select count(*) from users where ("full_name" is null and "name" is not null) or not pg_catalog.record_image_eq(row("full_name"), row("name"))  -- a range at a time',
    ])
  })

  test('says that a proof is made while writers go on', () => {
    expect(stepOf(plan, '0001_test/verify/3').slice(0, 5)).toEqual([
      '  0001_test/verify/3  prove that every row of "users" keeps to it',
      '      lock    share update exclusive on users, share row exclusive on users',
      '      cost    reads the table once; readers and writers go on',
      '      hazard  Reads the whole table once; readers and writers go on.',
      '      hazard  At its end writers of users wait: for the lock timeout at most, and then for some milliseconds.',
    ])
  })

  test('says that an index is built beside the old one', () => {
    const [step] = plan.steps.filter(({ kind }) => kind === 'concurrent_index')
    expect(stepOf(plan, '0001_test/verify/4')).toEqual([
      '  0001_test/verify/4  build the index "by_name" for "full_name"',
      '      lock    share update exclusive on users',
      '      cost    reads the table twice; readers and writers go on',
      `      sql     ${step !== undefined && 'statement' in step ? step.statement : ''}`,
    ])
  })

  test('says that a step without a table takes no lock', () => {
    expect(stepOf(plan, '0001_test/verify/5')[1]).toBe('      lock    none')
  })

  test('names every lock of a step', () => {
    const locked = {
      ...plan,
      steps: plan.steps.map((step) =>
        step.id === '0001_test/expand/1' && 'locks' in step
          ? {
              ...step,
              locks: [
                ...step.locks,
                { relation: { namespace: 'public', name: 'teams' }, level: 'share_row_exclusive' as const },
              ],
            }
          : step,
      ),
    }
    expect(stepOf(locked, '0001_test/expand/1')[1]).toBe(
      '      lock    access exclusive on users, share row exclusive on teams',
    )
  })

  test('shows every step, in the order in which it will run', () => {
    const ids = [...renderPlan(plan, plain).matchAll(/^ {2}(\S+) {2}/gm)].map(([, id]) => id)
    expect(ids).toEqual([...plan.steps, ...plan.rollback].map(({ id }) => id))
  })

  test('shows every statement, every hazard and nothing that is longer than the others', () => {
    const text = renderPlan(plan, plain)
    for (const step of [...plan.steps, ...plan.rollback]) {
      for (const { because } of step.hazards) expect(text).toContain(`      hazard  ${because}`)
      if (!('statements' in step)) continue
      for (const line of step.statements.flatMap((statement) => statement.split('\n'))) {
        expect(text).toContain(line)
      }
    }
  })
})

describe('the colours of a plan', () => {
  test('are bold for headings, yellow for hazards and dim for the rest', () => {
    const text = renderPlan(planOf(ADD), marked)
    const styled = [...text.matchAll(/<(\w+)>(.*?)<\/>/g)].map(([, style, inner]) => [style, inner?.trim()])
    expect(styled).toEqual([
      ['bold', 'Plan of 0001_test'],
      ['bold', 'expand'],
      ['dim', 'lock'],
      ['dim', 'cost'],
      ['yellow', 'hazard'],
      ['dim', 'sql'],
      ['bold', 'rollback, possible until purge'],
      ['dim', 'lock'],
      ['dim', 'cost'],
      ['yellow', 'hazard'],
      ['yellow', 'hazard'],
      ['dim', 'sql'],
    ])
  })
})

describe('a plan without steps', () => {
  test('says that there is nothing to roll back', () => {
    const empty: Plan = { ...planOf(ADD), steps: [], rollback: [] }
    expect(renderPlan(empty, plain)).toBe(
      'Plan of 0001_test\n\nrollback, possible until purge\n  nothing to do',
    )
  })
})
