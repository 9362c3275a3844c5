import { describe, expect, test } from 'vitest'
import {
  askedAheadText,
  committed,
  requirementSql,
  transactionText,
} from '../../../src/adapters/postgres/transaction.ts'
import { sql } from '../../../src/core/sql.ts'
import type { Transaction } from '../../../src/engine/ports.ts'

const users = { namespace: 'public', name: 'users' }
const teams = { namespace: "My 'App'", name: 'te"ams' }

const transaction = (more: Partial<Transaction> = {}): Transaction => ({
  run: 7,
  locks: [],
  lockTimeoutMs: 100,
  statementTimeoutMs: 2000,
  requires: [],
  statements: [],
  events: [],
  ...more,
})
const textOf = (more: Partial<Transaction> = {}) => transactionText(transaction(more), 42)

/** What every transaction begins with; the bound of the whole is a setting that PostgreSQL 16 does not have. */
const BEGIN = `begin;
set local lock_timeout = '100ms';
set local statement_timeout = '2100ms';
select pg_catalog.set_config('transaction_timeout', '8400', true) where pg_catalog.current_setting('server_version_num')::integer >= 170000;
select bellows.fence(42)`

describe('the text of a transaction', () => {
  test.each<[string, Partial<Transaction>, string]>([
    ['is bounds, fence and commit', {}, ''],
    ['has its statements in their order', { statements: [sql`a`, sql`b`] }, 'a;\nb;\n'],
    [
      'takes its locks first, in their order',
      {
        locks: [
          { relation: users, level: 'access_exclusive' },
          { relation: teams, level: 'share_row_exclusive' },
        ],
        statements: [sql`a`],
      },
      `lock table "public"."users" in access exclusive mode;\nlock table "My 'App'"."te""ams" in share row exclusive mode;\na;\n`,
    ],
    [
      'leaves the partitions out where only the table is meant',
      { locks: [{ relation: users, level: 'access_exclusive', only: true }] },
      `lock table only "public"."users" in access exclusive mode;\n`,
    ],
    [
      'waits for what comes ahead of the locks while it stops nobody',
      { ahead: [sql`wait`], locks: [{ relation: users, level: 'share' }], statements: [sql`a`] },
      'wait;\nlock table "public"."users" in share mode;\na;\n',
    ],
    [
      'leaves locks to the statements that take them as they go',
      {
        locks: [
          { relation: teams, level: 'access_exclusive', implied: true },
          { relation: users, level: 'share' },
        ],
      },
      'lock table "public"."users" in share mode;\n',
    ],
    [
      'asks for what it requires before it changes anything',
      {
        requires: [{ that: sql`x is null`, code: 'drift_found', otherwise: "it's \\ there" }],
        statements: [sql`a`],
      },
      `select bellows.require((x is null), 'drift_found',  e'it''s \\\\ there');\na;\n`,
    ],
    [
      'asks afterwards whether it is done',
      { statements: [sql`a`], probe: sql`y or z` },
      `a;\nselect bellows.require((y or z), 'probe_failed', 'the step ran, but what it should have brought about does not hold');\n`,
    ],
    [
      'records what happened',
      {
        events: [
          { type: 'phase_entered', phase: 'expand' },
          { type: 'step_done', step: "it's/1", how: 'performed' },
        ],
      },
      `select bellows.record(7, 42, '{"type":"phase_entered","phase":"expand"}') as recorded;\nselect bellows.record(7, 42, '{"type":"step_done","step":"it''s/1","how":"performed"}') as recorded;\n`,
    ],
    [
      'does all of this in one order',
      {
        locks: [{ relation: users, level: 'share' }],
        requires: [{ that: sql`r`, code: 'drift_found', otherwise: 'o' }],
        statements: [sql`s`],
        probe: sql`p`,
        events: [{ type: 'run_completed' }],
      },
      `lock table "public"."users" in share mode;\nselect bellows.require((r), 'drift_found', 'o');\ns;\nselect bellows.require((p), 'probe_failed', 'the step ran, but what it should have brought about does not hold');\nselect bellows.record(7, 42, '{"type":"run_completed"}') as recorded;\n`,
    ],
  ])('%s', (_what, more, middle) => {
    expect(textOf(more)).toBe(`${BEGIN};\n${middle}commit`)
  })

  test('gives a statement the time of the lock that it may wait for, and the whole four times that', () => {
    expect(textOf({ lockTimeoutMs: 1, statementTimeoutMs: 86_400_000 })).toContain(
      `set local lock_timeout = '1ms';\nset local statement_timeout = '86400001ms';\nselect pg_catalog.set_config('transaction_timeout', '345600004', true)`,
    )
  })

  test('has the backslashes of an event survive', () => {
    const event = { type: 'step_failed', step: 's', code: 'statement_failed', message: 'a\\b\n"c"' } as const
    const text = textOf({ events: [event] })
    expect(text).toContain(`bellows.record(7, 42,  e'{"type":"step_failed"`)
    expect(text).toContain(String.raw`"message":"a\\\\b\\n\\"c\\""}')`)
  })
})

describe('a requirement', () => {
  test('is a question with a code and what to say', () => {
    expect(requirementSql({ that: sql`a and b`, code: 'gate_expired', otherwise: 'look again' })).toBe(
      `select bellows.require((a and b), 'gate_expired', 'look again')`,
    )
  })

  test('takes no code that is not on the list', () => {
    // @ts-expect-error The codes are a closed union.
    expect(requirementSql({ that: sql`a`, code: 'oops', otherwise: 'x' })).toContain("'oops'")
  })
})

describe('what a transaction brought', () => {
  const recorded = { seq: 1 }
  const other = { seq: 2, version: 3 }

  test.each<[string, Parameters<typeof committed>[0], ReturnType<typeof committed>]>([
    ['is nothing without rows', [], { result: undefined, recorded: [] }],
    ['is nothing from statements without columns', [[], [], []], { result: undefined, recorded: [] }],
    [
      'is not what other columns hold',
      [[{ fence: '' }], [{ require: '' }]],
      { result: undefined, recorded: [] },
    ],
    ['is the result of a statement', [[], [{ result: { rows: 3 } }]], { result: { rows: 3 }, recorded: [] }],
    ['is the last of several results', [[{ result: 1 }], [{ result: 2 }]], { result: 2, recorded: [] }],
    ['is a result that is null', [[{ result: 1 }], [{ result: null }]], { result: null, recorded: [] }],
    [
      'is what the journal recorded, in its order',
      [[{ recorded }], [{ result: 'x' }], [{ recorded: other }], []],
      { result: 'x', recorded: [recorded, other] },
    ],
  ])('%s', (_what, results, expected) => {
    expect(committed(results)).toEqual(expected)
  })
})

describe('what is asked under the locks', () => {
  const locks = [{ relation: { namespace: 'public', name: 'users' }, level: 'access_exclusive' }] as const
  const one = { that: sql`a`, code: 'drift_found', otherwise: 'no a' } as const

  test('is asked once before them, with what is in the way and what must hold behind', () => {
    const bounds = { lockTimeoutMs: 100, statementTimeoutMs: 2_000 }
    const asked = {
      locks,
      requires: [one, { ...one, that: sql`b`, which: sql`c` }],
      probe: sql`d`,
      ...bounds,
    }
    // Within the bounds that the transaction has: some look at tables.
    expect(askedAheadText(transaction(asked))?.text.split(';\n')).toEqual([
      `select pg_catalog.set_config('lock_timeout', '100', true)`,
      `select pg_catalog.set_config('statement_timeout', '2100', true)`,
      'select (a)',
      'select (b)',
      'select (c)',
      'select (d)',
    ])
  })

  test('is nothing where nobody waits, or nothing is required', () => {
    expect(askedAheadText(transaction({ locks: [], requires: [one] }))).toBeUndefined()
    expect(askedAheadText(transaction({ locks, requires: [] }))).toBeUndefined()
  })
})
