import { describe, expect, test } from 'vitest'
import { type AddColumn, addColumn } from '../../../../src/core/operations/add-column.ts'
import { makePlan } from '../../../../src/core/plan/make-plan.ts'
import { needsOf } from '../../../../src/core/plan/needs.ts'
import { undoSteps } from '../../../../src/core/plan/plan.ts'
import type { StepDraft } from '../../../../src/core/plan/step.ts'
import { conditionKey, expressionKey, type Facts, valueKey } from '../../../../src/core/schema/facts.ts'
import { collationKey } from '../../../../src/core/schema/mappings.ts'
import {
  column,
  context,
  factsWithTypes,
  indexOf,
  primaryKeyOf,
  schemaOf,
  table,
  told,
  USERS,
} from '../../../support/model.ts'

const add = (more: Partial<AddColumn> = {}): AddColumn => ({
  kind: 'add_column',
  namespace: 'public',
  table: 'users',
  column: 'code',
  type: 'text',
  nullable: true,
  ...more,
})
const LONG = { constraint: 'length(code) > 3' }
const TO_TEAMS = { namespace: 'public', table: 'teams', column: 'id' }
const key = primaryKeyOf(['id'], 'teams_pkey')
const SCHEMA = schemaOf(
  table(),
  table({ name: 'teams', columns: [column('id', 'integer')], constraints: [key], indexes: [indexOf(key)] }),
)
const known: Facts = factsWithTypes(
  { text: 'text', integer: 'integer' },
  {
    conditions: {
      [conditionKey(USERS, LONG.constraint)]: { volatility: 'stable' },
      [conditionKey(USERS, 'nonsense')]: { problem: 'Column "nonsense" does not exist' },
    },
    expressions: {
      [expressionKey("'x'", 'text')]: { volatility: 'stable', text: 'x' },
      [expressionKey('random()', 'text')]: { volatility: 'volatile', text: null },
    },
    collations: {
      [collationKey({ namespace: 'public', name: 'C' })]: {
        namespace: 'pg_catalog',
        name: 'C',
        deterministic: true,
      },
    },
  },
)
const at = context(SCHEMA, known)
const statementsOf = (steps: readonly StepDraft[]) =>
  steps.flatMap((step) =>
    'statements' in step ? step.statements : 'statement' in step ? [step.statement] : [],
  )
const planned = (op: AddColumn) => makePlan({ name: '0001_add', operations: [op] }, SCHEMA, known)
const phases = (steps: readonly StepDraft[]) => steps.map(({ kind, phase }) => `${kind} ${phase}`)

describe('the rules of a new column', () => {
  test('come up as those of add_constraint, behind the rollout', () => {
    const op = add({ check: LONG, unique: {} })
    expect(addColumn.check(op, at)).toEqual([])
    const { steps } = planned(op)
    expect(statementsOf(steps)[0]).toBe('alter table "public"."users" add column "code" text')
    expect(phases(steps)).toEqual([
      'ddl expand',
      'gate rollout',
      'gate rollout',
      'inspect retire',
      'ddl retire',
      'validate retire',
      'inspect retire',
      'concurrent_index retire',
      'ddl retire',
    ])
    expect(statementsOf(steps)).toEqual(
      expect.arrayContaining([
        'alter table "public"."users" add constraint "users_code_check" check (length(code) > 3) not valid',
        'create unique index concurrently "users_code_key" on "public"."users" ("code")',
        'alter table "public"."users" add constraint "users_code_key" unique using index "users_code_key"',
      ]),
    )
  })

  test('come up when all rows have their values, and before the column is offered', () => {
    const op = add({
      type: 'integer',
      identity: 'always',
      when: 'before_rollout',
      references: { ...TO_TEAMS, name: 'of_team', on_delete: 'cascade' },
    })
    expect(addColumn.check(op, at)).toEqual([])
    const { steps } = planned(op)
    expect(phases(steps)).toEqual([
      'install_dual_write expand',
      'backfill backfill',
      'inspect verify',
      'ddl verify',
      'validate verify',
      'ddl verify',
      'validate verify',
      'ddl verify',
    ])
    expect(steps.at(-1)?.does).toBe('offer "code" to new instances')
    expect(statementsOf(steps)).toContain(
      'alter table "public"."users" add constraint "of_team" foreign key ("code") references "public"."teams" ("id") on delete cascade not valid',
    )
  })

  test('go before their column when it is taken back, those behind the rollout by the undo', () => {
    const plan = planned(add({ check: LONG, unique: { name: 'codes' } }))
    expect(plan.rollback.map(({ phase, does }) => `${phase}: ${does}`)).toEqual([
      'retire: take the unique constraint "codes" of "users" away again',
      'retire: drop the unique index of "codes" on "users" again',
      'retire: take the check "users_code_check" of "users" away again',
      'expand: drop the column "code" of "users" again',
    ])
    expect(undoSteps(plan)).toHaveLength(3)
  })

  test('are in the schema with the column', () => {
    const after = addColumn.apply(add({ check: LONG, unique: {}, collation: 'C' }), SCHEMA, known)
    expect(after.tables[0]?.columns.at(-1)).toMatchObject({
      name: 'code',
      collation: { namespace: 'pg_catalog', name: 'C' },
    })
    expect(after.tables[0]?.constraints.map(({ name }) => name)).toEqual([
      'users_pkey',
      'users_code_check',
      'users_code_key',
    ])
  })

  test('are asked for with the column, which the table does not have yet', () => {
    const op = add({ check: LONG, references: TO_TEAMS })
    const needs = needsOf({ name: '0001_add', operations: [op] })
    expect(needs.conditions).toEqual([
      { table: USERS, condition: LONG.constraint, added: [{ column: 'code', type: 'text' }] },
    ])
    expect(needs.tables.map(({ name }) => name)).toEqual(['users', 'teams'])
  })

  test.each<[Partial<AddColumn>, readonly [string, string]]>([
    [
      { check: { constraint: 'nonsense' } },
      [
        'migration_invalid',
        'The check nonsense of "users" cannot be used: Column "nonsense" does not exist.',
      ],
    ],
    [
      { unique: {}, default: "'x'" },
      ['plan_refused', `"code" is unique and has the default 'x', which is one value for all rows.`],
    ],
    [
      { references: { ...TO_TEAMS, table: 'squads' } },
      ['table_not_found', 'There is no table public.squads.'],
    ],
    [
      { type: 'integer', references: { ...TO_TEAMS, on_delete: 'set_null' }, identity: 'always' },
      ['plan_refused', 'The action set_null would fail every time: "users"."code" is NOT NULL.'],
    ],
    [
      { type: 'integer', generated: 'id', references: TO_TEAMS },
      ['plan_refused', '"users"."code" is a virtual generated column, which cannot be a foreign key.'],
    ],
    [{ when: 'before_rollout' }, ['migration_invalid', '"when" is said of "code", and no rule.']],
    [{ collation: 'D' }, ['plan_refused', 'There is no collation "D" for "code".']],
    [
      { type: 'integer', collation: 'C' },
      ['plan_refused', '"code" is of type integer, which has no order of texts, so it takes no collation.'],
    ],
  ])('are refused: %j', (more, problem) => {
    const op = add(more)
    const values = Object.fromEntries(
      (addColumn.needs(op).values ?? []).map((value) => [valueKey(value), { text: 'id' }]),
    )
    expect(told(addColumn.check(op, context(SCHEMA, { ...known, values })))).toContainEqual(problem)
  })
})

describe('a collation of its own', () => {
  test.each<[string, Partial<AddColumn>, string]>([
    ['at once', {}, 'alter table "public"."users" add column "code" text collate "pg_catalog"."C"'],
    [
      'NOT NULL with a default',
      { nullable: false, default: "'x'" },
      `alter table "public"."users" add column "code" text collate "pg_catalog"."C" not null default ('x')`,
    ],
  ])('is given to the column: %s', (_how, more, statement) => {
    const op = add({ ...more, collation: 'C' })
    expect(addColumn.check(op, at)).toEqual([])
    expect(statementsOf(addColumn.expand(op, at))).toEqual([statement])
  })
})
