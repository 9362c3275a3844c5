import { describe, expect, test } from 'vitest'
import {
  lastRequirement,
  proofNames,
  standsRequirement,
  validatedRequirement,
} from '../../../../src/core/operations/copy/work.ts'
import type { RenameColumn } from '../../../../src/core/operations/rename/rename.ts'
import { workFor } from '../../../../src/core/operations/rename/work.ts'
import { onTable } from '../../../../src/core/plan/on-table.ts'
import { constraintValidated, dualWriteIsLast, dualWriteStands } from '../../../../src/core/plan/probes.ts'
import type { Table } from '../../../../src/core/schema/model.ts'
import {
  check,
  column,
  context,
  factsWithTypes,
  index,
  notNull,
  table,
  tableWith,
  trigger,
  USERS,
} from '../../../support/model.ts'

const TAG = '8f44d509'
const known = factsWithTypes({ bigint: 'bigint' })
const work = (of: Table = table(), more: Partial<RenameColumn> = {}) =>
  workFor(
    { kind: 'rename_column', namespace: 'public', table: 'users', from: 'name', to: 'full_name', ...more },
    context(of, known),
  )

describe('the work of a rename', () => {
  test('has names that come from the seed, the old column and the triggers of the table', () => {
    const { names, leaving, installed, hidden } = work(table({ triggers: [trigger('zzzz')] }))
    expect(names).toMatchObject({
      trigger: `~~~_bellows_dual_write_${TAG}_name`,
      function: `bellows_dual_write_${TAG}_name`,
      hidden: `bellows_retired_${TAG}_name`,
    })
    expect(leaving).toMatchObject({ column: 'name', hidden: names.hidden })
    for (const one of [installed, hidden]) {
      expect(one).toMatchObject({ trigger: names.trigger, function: names.function })
    }
  })

  test('has a dual write for each name of the old column', () => {
    const { installed, hidden } = work()
    expect(installed.body).toContain('new."full_name" := new."name";')
    expect(installed.body).not.toContain('bellows_retired')
    expect(hidden.body).toContain(`new."full_name" := new."bellows_retired_${TAG}_name";`)
    expect(hidden.body).not.toContain('new."name"')
  })

  test('keeps the default of the old column in mind under both names', () => {
    const users = tableWith([column('name', 'text', { default: "'x'::text" })])
    for (const { body } of [work(users).installed, work(users).hidden])
      expect(body).toContain(`('x'::pg_catalog.text)::pg_catalog.text`)
  })

  test('knows what hangs on the column, and its own proof', () => {
    const users = tableWith([column('name'), column('age')], {
      constraints: [check('rule', ['name'], "CHECK ((name <> ''::text))"), notNull('filled', 'name')],
      indexes: [index('by_name', ['name']), index('by_age', ['age'])],
    })
    expect(work(users).leaving.known).toEqual(['by_name', 'rule', 'filled', `bellows_proof_${TAG}_name`])
  })

  test('starts from a new column that has nothing yet', () => {
    const rich = column('name', 'text', {
      nullable: false,
      default: "'x'",
      defaultVolatility: 'stable',
      comment: 'c',
      statisticsTarget: 7,
      options: ['n_distinct=5'],
      storage: 'external',
      compression: 'pglz',
      grants: [{ grantee: 'app', toPublic: false, privilege: 'SELECT', grantable: false }],
      sequences: [USERS],
    })
    const { toColumn, adopted } = work(tableWith([rich]))
    expect(adopted).toBe(false)
    expect(toColumn).toEqual(column('full_name'))
  })

  test('starts from a new column with the collation of the old one', () => {
    const collation = { namespace: 'pg_catalog', name: 'C' }
    expect(work(tableWith([column('name', 'text', { collation })])).toColumn).toEqual(
      column('full_name', 'text', { collation }),
    )
  })

  test('starts from the type that is asked for', () => {
    const { toColumn } = work(tableWith([column('name', 'integer')]), { type: 'bigint' })
    expect(toColumn).toEqual(column('full_name', 'bigint'))
  })

  test('starts from the column that is there', () => {
    const there = column('full_name', 'text', { comment: 'mine', statisticsTarget: 3 })
    const { toColumn, adopted } = work(tableWith([column('name'), there]))
    expect(adopted).toBe(true)
    expect(toColumn).toBe(there)
  })

  test.each<[string, Partial<RenameColumn>]>([
    ['no table', { table: 'gone' }],
    ['no column', { from: 'gone' }],
    ['no type', { type: 'gone' }],
    ['no mapping', { transform: 'trim', from: 'id' }],
  ])('comes after the check: %s', (_what, more) => {
    expect(() => work(table(), more)).toThrow('Bellows broke its own rule: steps come after check')
  })
})

describe('the proofs', () => {
  test.each<[string, Table, readonly string[]]>([
    ['a nullable column', table(), [`bellows_proof_${TAG}_name`]],
    [
      'a NOT NULL column',
      tableWith([column('name', 'text', { nullable: false })]),
      [`bellows_proof_${TAG}_name`, `bellows_filled_${TAG}_name`],
    ],
    [
      'checks, of which one was never validated',
      tableWith([column('name')], {
        constraints: [
          check('a', ['name'], "CHECK ((name <> ''::text))"),
          check('b', ['name'], "CHECK ((name <> 'b'::text)) NOT VALID", { validated: false }),
        ],
      }),
      [`bellows_proof_${TAG}_name`, expect.stringMatching(/^bellows_copy_[0-9a-f]{8}_a$/)],
    ],
  ])('of %s', (_what, of, names) => {
    expect(proofNames(work(of))).toEqual(names)
  })
})

describe('what steps have in common', () => {
  test('is a short lock on the table', () => {
    expect(onTable(USERS)).toEqual({
      locks: [{ relation: USERS, level: 'access_exclusive' }],
      requires: [],
      cost: 'instant',
      hazards: [],
    })
  })

  test('is that the dual write stands as it was installed', () => {
    const { installed } = work()
    expect(standsRequirement(installed)).toEqual({
      that: dualWriteStands(installed),
      code: 'drift_found',
      otherwise: `the trigger "zzz_bellows_dual_write_${TAG}_name" on "users" is missing, disabled or not as it was installed`,
    })
  })

  test('is that no other trigger has the last word', () => {
    const { installed } = work()
    expect(lastRequirement(installed)).toEqual({
      that: dualWriteIsLast(installed),
      code: 'drift_found',
      otherwise: `a trigger on "users" fires behind "zzz_bellows_dual_write_${TAG}_name"; give it a name that sorts before`,
    })
  })

  test('is that a proof still holds', () => {
    expect(validatedRequirement(USERS, 'rule')).toEqual({
      that: constraintValidated(USERS, 'rule'),
      code: 'drift_found',
      otherwise: 'the constraint "rule" on "users" is missing or not validated',
    })
  })
})
