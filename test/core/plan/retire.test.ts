import { describe, expect, test } from 'vitest'
import { clearColumnState, doorIsClosed, setColumnState } from '../../../src/core/plan/column-state.ts'
import { hasNoDependents, nothingElseOn } from '../../../src/core/plan/dependents.ts'
import { all, columnAbsent, columnExists } from '../../../src/core/plan/probes.ts'
import {
  companionsOf,
  gateStep,
  type Leaving,
  noStrangers,
  retireStep,
  undoStep,
} from '../../../src/core/plan/retire.ts'
import { sql } from '../../../src/core/sql.ts'
import { check, column, index, indexOf, tableWith, USERS, unique } from '../../support/model.ts'

const leaving: Leaving = {
  table: USERS,
  column: 'name',
  hidden: 'bellows_retired_x_name',
  known: ['users_name_idx'],
}

describe('the companions of a column', () => {
  const key = unique('users_name_age_key', ['name', 'age'])
  const users = tableWith([column('name'), column('age', 'integer')], {
    constraints: [key, check('positive', ['age'], 'CHECK ((age > 0))')],
    indexes: [indexOf(key), index('by_length', ['name']), index('by_age', ['age'])],
  })

  test.each<[string, readonly string[]]>([
    ['id', ['users_pkey', 'users_pkey']],
    ['name', ['users_name_age_key', 'by_length', 'users_name_age_key']],
    ['age', ['users_name_age_key', 'by_age', 'users_name_age_key', 'positive']],
    ['other', []],
  ])('%s are the indexes and constraints that need it, by name', (name, names) => {
    expect(companionsOf(users, name)).toEqual(names)
  })
})

describe('the gate', () => {
  test('waits for everybody who needs the column, and is passed when it is gone', () => {
    expect(gateStep(leaving)).toEqual({
      kind: 'gate',
      phase: 'rollout',
      does: 'wait until nobody needs "users"."name"',
      hazards: [],
      probe: columnAbsent(USERS, 'name'),
      table: USERS,
      column: 'name',
    })
  })
})

describe('the step that hides a column', () => {
  const more = {
    requires: [{ that: sql`a fact`, code: 'drift_found', otherwise: 'it is not so' }],
    statements: [sql`a statement`],
  } as const

  test('renames it aside and tells the registry, in one transaction', () => {
    expect(retireStep(leaving, more)).toEqual({
      shares: expect.objectContaining({ at: 'hide' }),
      kind: 'retire',
      phase: 'retire',
      does: 'hide the column "name" of "users"',
      hazards: [],
      probe: `(${columnAbsent(USERS, 'name')}) and (${columnExists(USERS, 'bellows_retired_x_name')})`,
      locks: [{ relation: USERS, level: 'access_exclusive' }],
      requires: [
        {
          that: nothingElseOn(USERS, 'name', ['users_name_idx']),
          code: 'drift_found',
          otherwise:
            'an index or a constraint was put on "users"."name" since the plan was made; it would be lost',
        },
        {
          that: doorIsClosed(USERS, 'name'),
          code: 'gate_expired',
          otherwise: 'the gate of "name" has lapsed; look again',
        },
        {
          that: hasNoDependents(USERS, 'name'),
          code: 'dependents_found',
          otherwise: 'something depends on "users"."name" since the gate was passed',
        },
        { that: 'a fact', code: 'drift_found', otherwise: 'it is not so' },
      ],
      statements: [
        'alter table "public"."users" rename column "name" to "bellows_retired_x_name"',
        setColumnState(USERS, 'name', 'retired'),
        'a statement',
      ],
      cost: 'instant',
      retires: { table: USERS, column: 'name' },
    })
  })

  test('quotes what it renames', () => {
    const odd = { ...leaving, column: 'say "x"', table: { namespace: 'a"b', name: "c'd" } }
    const step = retireStep(odd, { requires: [], statements: [] })
    expect('statements' in step && step.statements[0]).toBe(
      `alter table "a""b"."c'd" rename column "say ""x""" to "bellows_retired_x_name"`,
    )
  })
})

describe('a stranger', () => {
  test('is looked for under the name that the column has at the moment', () => {
    expect(noStrangers(leaving, leaving.hidden)).toEqual({
      that: nothingElseOn(USERS, 'bellows_retired_x_name', ['users_name_idx']),
      code: 'drift_found',
      otherwise:
        'an index or a constraint was put on "users"."name" since the plan was made; it would be lost',
    })
  })
})

describe('the step that undoes it', () => {
  test('gives the column its name back, and lets instances use it again', () => {
    expect(undoStep(leaving, [sql`more`])).toEqual({
      shares: expect.objectContaining({ at: 'show' }),
      kind: 'ddl',
      phase: 'retire',
      does: 'bring the column "name" of "users" back',
      hazards: [],
      probe: all([columnExists(USERS, 'name'), columnAbsent(USERS, 'bellows_retired_x_name')]),
      locks: [{ relation: USERS, level: 'access_exclusive' }],
      requires: [expect.objectContaining({ that: `not ${columnExists(USERS, 'name')}`, early: true })],
      statements: [
        'alter table "public"."users" rename column "bellows_retired_x_name" to "name"',
        clearColumnState(USERS, 'name'),
        'more',
      ],
      cost: 'instant',
    })
  })
})
