import { describe, expect, test } from 'vitest'
import { verifySteps } from '../../../../src/core/operations/copy/verify-steps.ts'
import { asPlannedRequirements } from '../../../../src/core/operations/copy/work.ts'
import type { RenameColumn } from '../../../../src/core/operations/rename/rename.ts'
import { workFor } from '../../../../src/core/operations/rename/work.ts'
import { clearColumnState, columnIsOffered } from '../../../../src/core/plan/column-state.ts'
import {
  constraintExists,
  constraintValidated,
  dualWriteIsLast,
  dualWriteStands,
} from '../../../../src/core/plan/probes.ts'
import { USUAL_SEARCH_PATH } from '../../../../src/core/plan/search-path.ts'
import type { Table } from '../../../../src/core/schema/model.ts'
import {
  check,
  column,
  context,
  factsWithTypes,
  index,
  indexOf,
  table,
  tableWith,
  unique,
} from '../../../support/model.ts'

const TAG = '8f44d509'
const PROOF = `bellows_proof_${TAG}_name`
const FILLED = `bellows_filled_${TAG}_name`
const known = factsWithTypes({ bigint: 'bigint' })
const FORWARD = { transform: 'trim', overlap: 'forward_only' } as const

const work = (of: Table, more: Partial<RenameColumn> = {}) =>
  workFor(
    { kind: 'rename_column', namespace: 'public', table: 'users', from: 'name', to: 'full_name', ...more },
    context(of, known),
  )
const steps = (of: Table = table(), more: Partial<RenameColumn> = {}) => verifySteps(work(of, more))
const same = (a: string, b: string) => `pg_catalog.record_image_eq(row(${a}), row(${b}))`

describe('the comparison', () => {
  test('looks at every row, and names those that differ by their key', () => {
    const users = table()
    expect(steps(users)[0]).toEqual({
      shares: expect.objectContaining({ at: 'compare' }),
      kind: 'verify',
      phase: 'verify',
      does: 'compare "name" and "full_name" in every row of "users"',
      hazards: [],
      table: users,
      unfilled: '("full_name" is null and "name" is not null)',
      relation: same('"full_name"', '"name"'),
      lossy: 'false',
      key: ['id'],
      columns: { from: 'name', to: 'full_name' },
    })
  })

  test('counts what only the way back makes right', () => {
    expect(steps(tableWith([column('name', 'integer')]), { type: 'bigint' })[0]).toMatchObject({
      relation: `(${same('"full_name"', '"name"::bigint')} or ${same('"name"', '"full_name"::integer')})`,
      lossy: `not ${same('"full_name"', '"name"::bigint')}`,
    })
  })
})

describe('the proof', () => {
  test('is put up without a scan, while the dual write stands', () => {
    const users = table()
    const { installed } = work(users)
    expect(steps(users)[1]).toEqual({
      shares: expect.objectContaining({ at: 'prove' }),
      kind: 'ddl',
      phase: 'verify',
      does: 'have the database keep "name" and "full_name" equal from now on',
      hazards: [],
      probe: constraintExists(users, PROOF),
      locks: [{ relation: users, level: 'access_exclusive' }],
      requires: [
        ...asPlannedRequirements(work(users)),
        {
          that: dualWriteStands(installed),
          code: 'drift_found',
          otherwise: `the trigger "${installed.trigger}" on "users" is missing, disabled or not as it was installed`,
        },
        {
          that: dualWriteIsLast(installed),
          code: 'drift_found',
          otherwise: `a trigger on "users" fires behind "${installed.trigger}"; give it a name that sorts before`,
        },
      ],
      statements: [
        `alter table "public"."users" add constraint "${PROOF}" check (${same('"full_name"', '"name"')}) not valid`,
      ],
      cost: 'instant',
    })
  })

  test.each<[string, Table, Partial<RenameColumn>, string]>([
    [
      'NOT NULL',
      tableWith([column('name', 'text', { nullable: false })]),
      {},
      `add constraint "${PROOF}" check (${same('"full_name"', '"name"')}) not valid, add constraint "${FILLED}" check ("full_name" is not null) not valid`,
    ],
    [
      'both ways of a widening',
      tableWith([column('name', 'integer')]),
      { type: 'bigint' },
      `add constraint "${PROOF}" check ((${same('"full_name"', '"name"::bigint')} or ${same('"name"', '"full_name"::integer')})) not valid`,
    ],
    [
      'the one way without a way back',
      table(),
      FORWARD,
      `add constraint "${PROOF}" check (${same('"full_name"', 'pg_catalog.btrim("name")')}) not valid`,
    ],
  ])('covers %s', (_what, of, more, additions) => {
    expect(steps(of, more)[1]).toMatchObject({ statements: [`alter table "public"."users" ${additions}`] })
  })

  test('brings the checks of the old column along', () => {
    const users = tableWith([column('name')], {
      constraints: [check('rule', ['name'], "CHECK ((name <> ''::text))")],
    })
    const [, step] = steps(users)
    expect(step !== undefined && 'statements' in step && step.statements[0]).toMatch(
      /not valid, add constraint "bellows_copy_[0-9a-f]{8}_rule" CHECK \(full_name <> ''::text\) not valid$/,
    )
  })

  test('is then made for every row that is there, while writers go on', () => {
    const users = tableWith([column('name', 'text', { nullable: false })])
    expect(steps(users)[2]).toEqual({
      shares: expect.objectContaining({ at: 'validate' }),
      kind: 'validate',
      phase: 'verify',
      does: 'prove that every row of "users" keeps to it',
      hazards: [{ code: 'stops_clients', because: expect.stringContaining('writers of users wait') }],
      probe: `(${constraintValidated(users, PROOF)}) and (${constraintValidated(users, FILLED)})`,
      locks: [
        { relation: users, level: 'share_update_exclusive' },
        { relation: users, level: 'share_row_exclusive', implied: true },
      ],
      requires: [],
      statements: [
        USUAL_SEARCH_PATH,
        `alter table "public"."users" validate constraint "${PROOF}", validate constraint "${FILLED}"`,
        expect.stringContaining('lock table "public"."users" in share row exclusive mode'),
      ],
      cost: 'scan',
    })
  })

  test('leaves out checks that were never validated', () => {
    const users = tableWith([column('name')], {
      constraints: [check('rule', ['name'], "CHECK ((name <> ''::text)) NOT VALID", { validated: false })],
    })
    expect(steps(users)[2]).toMatchObject({
      statements: [
        USUAL_SEARCH_PATH,
        `alter table "public"."users" validate constraint "${PROOF}"`,
        expect.any(String),
      ],
    })
  })
})

describe('what hangs on the old column', () => {
  test('is built before the new one is offered', () => {
    const key = unique('users_name_key', ['name'])
    const users = tableWith([column('name')], {
      constraints: [key],
      indexes: [indexOf(key), index('by_name', ['name'])],
    })
    expect(steps(users).map(({ kind, does }) => [kind, does])).toEqual([
      ['verify', 'compare "name" and "full_name" in every row of "users"'],
      ['ddl', 'have the database keep "name" and "full_name" equal from now on'],
      ['validate', 'prove that every row of "users" keeps to it'],
      ['concurrent_index', 'build the index "by_name" for "full_name"'],
      ['concurrent_index', 'build the index "users_name_key" for "full_name"'],
      ['ddl', 'make the unique index of "users_name_key" a constraint'],
      ['ddl', 'offer "full_name" to new instances'],
    ])
  })
})

describe('the offer', () => {
  test('needs no lock on the table', () => {
    const users = table()
    expect(steps(users).at(-1)).toEqual({
      shares: expect.objectContaining({ at: 'offer' }),
      kind: 'ddl',
      phase: 'verify',
      does: 'offer "full_name" to new instances',
      hazards: [],
      probe: columnIsOffered(users, 'full_name'),
      locks: [],
      requires: [],
      statements: [clearColumnState(users, 'full_name')],
      cost: 'instant',
    })
  })

  test('is not made where nothing can come back: the column stays closed until the old one is retired', () => {
    expect(steps(table(), FORWARD).map(({ does }) => does)).not.toContain(
      'offer "full_name" to new instances',
    )
  })
})
