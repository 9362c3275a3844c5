import { describe, expect, test } from 'vitest'
import { returnStep, takeBackSteps } from '../../../../src/core/operations/copy/back-steps.ts'
import { hideStep, purgeStep } from '../../../../src/core/operations/copy/leave-steps.ts'
import { asPlannedRequirements } from '../../../../src/core/operations/copy/work.ts'
import type { RenameColumn } from '../../../../src/core/operations/rename/rename.ts'
import { workFor } from '../../../../src/core/operations/rename/work.ts'
import { clearColumnState, setColumnState } from '../../../../src/core/plan/column-state.ts'
import { nothingElseOn } from '../../../../src/core/plan/dependents.ts'
import { noIdentityOn } from '../../../../src/core/plan/identity.ts'
import { uninstallCounterSql } from '../../../../src/core/plan/old-writes.ts'
import {
  all,
  columnAbsent,
  columnExists,
  constraintAbsent,
  constraintValidated,
  dualWriteAbsent,
  dualWriteIsLast,
  dualWriteStands,
  indexValid,
} from '../../../../src/core/plan/probes.ts'
import { functionSql } from '../../../../src/core/plan/row-trigger.ts'
import type { StepDraft, TransactionStep } from '../../../../src/core/plan/step.ts'
import type { Column, Table } from '../../../../src/core/schema/model.ts'
import {
  check,
  column,
  context,
  facts,
  foreignKey,
  index,
  indexOf,
  notNull,
  table,
  tableWith,
  USERS,
  unique,
} from '../../../support/model.ts'

const TAG = '8f44d509'
const PROOF = `bellows_proof_${TAG}_name`
const FILLED = `bellows_filled_${TAG}_name`
const HIDDEN = `bellows_retired_${TAG}_name`
const TRIGGER = `zzz_bellows_dual_write_${TAG}_name`
const FUNCTION = `bellows_dual_write_${TAG}_name`
const ON = 'alter table "public"."users"'
const FORWARD = { transform: 'trim', overlap: 'forward_only' } as const
const teams = { namespace: 'public', name: 'teams' }

const work = (of: Table = table(), more: Partial<RenameColumn> = {}) =>
  workFor(
    { kind: 'rename_column', namespace: 'public', table: 'users', from: 'name', to: 'full_name', ...more },
    context(of, facts()),
  )
const transaction = (step: StepDraft): Omit<TransactionStep, 'id'> => step as Omit<TransactionStep, 'id'>
const withName = (of: Partial<Column>) => tableWith([column('name', 'text', of)])

const key = unique('users_name_key', ['name'])
const rich = tableWith([column('name', 'text', { nullable: false })], {
  constraints: [
    key,
    check('rule', ['name'], "CHECK ((name <> ''::text))"),
    foreignKey('users_name_fkey', ['name']),
  ],
  indexes: [indexOf(key), index('by_name', ['name'])],
})
const copyOf = (of: Table, original: string) => work(of).names.copy(original)

describe('the step that hides the old column', () => {
  test('renames it aside and keeps it in step under that name', () => {
    const of = work()
    const step = transaction(hideStep(of))
    expect(step).toMatchObject({
      kind: 'retire',
      phase: 'retire',
      does: 'hide the column "name" of "users"',
      locks: [{ relation: of.table, level: 'access_exclusive' }],
      statements: [
        `${ON} rename column "name" to "${HIDDEN}"`,
        setColumnState(USERS, 'name', 'retired'),
        functionSql(of.hidden),
      ],
      cost: 'instant',
    })
  })

  test('makes sure that the dual write and every proof still stand', () => {
    const of = work(rich)
    const requires = transaction(hideStep(of)).requires.slice(3)
    expect(requires.map(({ that }) => that)).toEqual([
      ...asPlannedRequirements(of).map(({ that }) => that),
      dualWriteStands(of.installed),
      dualWriteIsLast(of.installed),
      constraintValidated(rich, PROOF),
      constraintValidated(rich, FILLED),
      constraintValidated(rich, copyOf(rich, 'rule')),
      indexValid({ namespace: 'public', name: copyOf(rich, 'by_name') }),
      indexValid({ namespace: 'public', name: copyOf(rich, 'users_name_key') }),
    ])
    expect(requires.every(({ code }) => code === 'drift_found')).toBe(true)
    expect(requires.at(-1)?.otherwise).toBe(
      `the copy "${copyOf(rich, 'users_name_key')}" of "users_name_key" is missing or invalid`,
    )
  })

  test('lets go of it where no value can come back', () => {
    const of = work(table(), FORWARD)
    expect(transaction(hideStep(of)).statements).toEqual([
      `${ON} rename column "name" to "${HIDDEN}"`,
      setColumnState(USERS, 'name', 'retired'),
      `${ON} drop constraint "${PROOF}", alter column "${HIDDEN}" drop not null`,
      `drop trigger if exists "${TRIGGER}" on "public"."users"`,
      `drop function if exists bellows."${FUNCTION}"()`,
      ...uninstallCounterSql(of.counting),
      clearColumnState(USERS, 'full_name'),
    ])
  })
})

describe('the step that drops it', () => {
  test('takes away what was put up, and the column last of all', () => {
    const of = work()
    expect(purgeStep(of)).toEqual({
      shares: expect.objectContaining({ at: 'drop' }),
      kind: 'purge',
      phase: 'purge',
      does: 'drop the column "name" of "users"',
      hazards: [
        {
          code: 'drops_values',
          because: 'There is no way back after this step; "full_name" holds every value.',
        },
      ],
      probe: `(${columnAbsent(USERS, HIDDEN)}) and (${constraintAbsent(USERS, PROOF)})`,
      changes: { kind: 'removed', column: 'name' },
      locks: [{ relation: of.table, level: 'access_exclusive' }],
      requires: [
        {
          that: nothingElseOn(USERS, HIDDEN, [PROOF]),
          code: 'drift_found',
          otherwise:
            'an index or a constraint was put on "users"."name" since the plan was made; it would be lost',
        },
        {
          that: dualWriteStands(of.hidden),
          code: 'drift_found',
          otherwise: `the trigger "${TRIGGER}" on "users" is missing, disabled or not as it was installed`,
        },
        {
          that: constraintValidated(USERS, PROOF),
          code: 'drift_found',
          otherwise: `the constraint "${PROOF}" on "users" is missing or not validated`,
        },
        noIdentityOn(USERS, HIDDEN, 'name'),
      ],
      statements: [
        `drop trigger if exists "${TRIGGER}" on "public"."users"`,
        `drop function if exists bellows."${FUNCTION}"()`,
        ...uninstallCounterSql(of.counting),
        `${ON} drop constraint "${PROOF}", drop column "${HIDDEN}" restrict`,
        clearColumnState(USERS, 'name'),
      ],
      cost: 'instant',
    })
  })

  test('gives the new column NOT NULL and the default before the old one goes', () => {
    const of = withName({ nullable: false, default: "'x'::text" })
    expect(transaction(purgeStep(work(of))).statements.slice(8)).toEqual([
      `${ON} alter column "full_name" set not null, alter column "full_name" set default 'x'::text`,
      `${ON} drop constraint "${PROOF}", drop constraint "${FILLED}", drop column "${HIDDEN}" restrict`,
      clearColumnState(USERS, 'name'),
    ])
  })

  test('settles names, locks the other tables, and asks for every copy', () => {
    const of = work(rich)
    const step = transaction(purgeStep(of))
    expect(step.locks).toEqual([
      { relation: rich, level: 'access_exclusive' },
      { relation: teams, level: 'access_exclusive', implied: true },
    ])
    expect(step.statements.slice(8)).toEqual([
      `${ON} alter column "full_name" set not null`,
      `${ON} drop constraint "${PROOF}", drop constraint "${FILLED}", drop column "${HIDDEN}" restrict`,
      `${ON} rename constraint "${copyOf(rich, 'users_name_key')}" to "users_full_name_key"`,
      `${ON} rename constraint "${copyOf(rich, 'rule')}" to "rule"`,
      `${ON} rename constraint "${copyOf(rich, 'users_name_fkey')}" to "users_full_name_fkey"`,
      `alter index "public"."${copyOf(rich, 'by_name')}" rename to "by_name"`,
      clearColumnState(USERS, 'name'),
    ])
    expect(step.requires.map(({ that }) => that)).toContain(
      indexValid({ namespace: 'public', name: copyOf(rich, 'by_name') }),
    )
    expect(step.requires[0]?.that).toBe(
      nothingElseOn(USERS, HIDDEN, [
        'users_name_key',
        'by_name',
        'users_name_key',
        'rule',
        'users_name_fkey',
        PROOF,
      ]),
    )
  })

  test('hands the replica identity over', () => {
    const of = tableWith([column('name')], {
      indexes: [index('by_name', ['name'], { unique: true, replicaIdentity: true })],
    })
    expect(transaction(purgeStep(work(of))).statements[8]).toBe(
      `${ON} replica identity using index "${copyOf(of, 'by_name')}"`,
    )
  })

  test('hands the sequence over, and gives it the name that PostgreSQL would have given', () => {
    const sequences = [
      { namespace: 'public', name: 'users_name_seq' },
      { namespace: 'app', name: 'my_own' },
    ]
    const of = withName({
      sequences,
      default: "nextval('public.users_name_seq'::regclass)",
      defaultVolatility: 'volatile',
    })
    expect(transaction(purgeStep(work(of))).statements.slice(8, 12)).toEqual([
      `${ON} alter column "full_name" set default nextval('public.users_name_seq'::regclass)`,
      'alter sequence "public"."users_name_seq" owned by "public"."users"."full_name"',
      'alter sequence "public"."users_name_seq" rename to "users_full_name_seq"',
      'alter sequence "app"."my_own" owned by "public"."users"."full_name"',
    ])
  })

  test('leaves the sequence its name where the other one is taken', () => {
    const of = {
      ...withName({ sequences: [{ namespace: 'public', name: 'users_name_seq' }] }),
      neighbours: ['users_full_name_seq'],
    }
    expect(transaction(purgeStep(work(of))).statements.filter((text) => text.includes('rename to'))).toEqual(
      [],
    )
  })

  test.each<[string, string, number]>([
    ['a name that somebody chose', 'filled', 1],
    ['the default name, which PostgreSQL gives by itself', 'users_name_not_null', 0],
  ])('keeps the name of a NOT NULL: %s', (_what, name, count) => {
    const of = tableWith([column('name', 'text', { nullable: false })], {
      constraints: [notNull(name, 'name')],
    })
    const { statements } = transaction(purgeStep(work(of)))
    const renaming = statements.filter((text) => text.includes('rename constraint'))
    expect(renaming).toHaveLength(count)
    for (const text of renaming) expect(text).toContain(`''${name}''`)
  })

  test('takes nothing away twice where no value can come back', () => {
    const step = transaction(purgeStep(work(table(), FORWARD)))
    expect(step.requires).toHaveLength(2)
    expect(step.statements).toEqual([
      `${ON} drop column "${HIDDEN}" restrict`,
      clearColumnState(USERS, 'name'),
    ])
  })

  test('does not scan, and does not cascade', () => {
    for (const of of [table(), rich]) {
      const { statements, requires } = transaction(purgeStep(work(of)))
      expect(statements.join('\n')).not.toMatch(/validate constraint|cascade/i)
      for (const { that } of requires) {
        const read = [...that.matchAll(/\b(?:from|join) ([a-z_]+)\./g)].map(([, namespace]) => namespace)
        expect([that, [...new Set(read)]]).toEqual([that, ['pg_catalog']])
      }
    }
  })
})

describe('the step that brings it back', () => {
  test('needs no more than its name and its function', () => {
    const of = work()
    expect(returnStep(of)).toMatchObject({
      kind: 'ddl',
      phase: 'retire',
      probe: all([columnExists(USERS, 'name'), columnAbsent(USERS, HIDDEN)]),
      statements: [
        `${ON} rename column "${HIDDEN}" to "name"`,
        clearColumnState(USERS, 'name'),
        functionSql(of.installed),
      ],
      cost: 'instant',
    })
  })
})

describe('the step that takes everything back', () => {
  test('works from whatever point the run has come to', () => {
    const of = work()
    expect(takeBackSteps(of)[0]).toEqual({
      shares: expect.objectContaining({ at: 'take back' }),
      kind: 'ddl',
      phase: 'expand',
      does: 'drop the column "full_name" of "users" again',
      hazards: [],
      probe: `(${dualWriteAbsent(of.installed)}) and (${columnAbsent(USERS, 'full_name')})`,
      locks: [{ relation: of.table, level: 'access_exclusive' }],
      requires: [noIdentityOn(USERS, 'full_name', 'full_name')],
      statements: [
        `drop trigger if exists "${TRIGGER}" on "public"."users"`,
        `drop function if exists bellows."${FUNCTION}"()`,
        ...uninstallCounterSql(of.counting),
        `${ON} drop constraint if exists "${PROOF}", drop constraint if exists "${FILLED}"`,
        `${ON} drop column if exists "full_name" restrict`,
        clearColumnState(USERS, 'full_name'),
      ],
      cost: 'instant',
      retires: { table: of.table, column: 'full_name' },
    })
  })

  test('takes the copies away, and locks the table that a foreign key points at', () => {
    const step = transaction(takeBackSteps(work(rich))[0] as StepDraft)
    expect(step.locks.at(-1)).toEqual({ relation: teams, level: 'access_exclusive', implied: true })
    expect(step.statements.slice(9, -2)).toEqual([
      `${ON} drop constraint if exists "${copyOf(rich, 'users_name_key')}"`,
      `${ON} drop constraint if exists "${copyOf(rich, 'rule')}"`,
      `${ON} drop constraint if exists "${copyOf(rich, 'users_name_fkey')}"`,
      `drop index if exists "public"."${copyOf(rich, 'by_name')}"`,
      `drop index if exists "public"."${copyOf(rich, 'users_name_key')}"`,
    ])
  })

  test('leaves a column that was there before, with the attributes that it had', () => {
    const of = work(
      tableWith([
        column('name', 'text', { comment: 'c', statisticsTarget: 7 }),
        column('full_name', 'text', { comment: 'mine' }),
      ]),
    )
    const step = transaction(takeBackSteps(of)[0] as StepDraft)
    expect(step).toMatchObject({
      does: 'let go of "full_name" of "users"',
      probe: `(${dualWriteAbsent(of.installed)})`,
    })
    expect(step.statements.slice(9)).toEqual([
      `${ON} alter column "full_name" set statistics -1`,
      `comment on column "public"."users"."full_name" is 'mine'`,
      clearColumnState(USERS, 'full_name'),
    ])
    // Whoever writes it must know that nobody follows any more.
    expect(step.retires).toEqual({ table: of.table, column: 'full_name' })
  })
})
