import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { probeQuestion } from '../../../src/core/operations/sql/probe.ts'
import type { RunSql } from '../../../src/core/operations/sql/run-sql.ts'
import { runSql } from '../../../src/core/operations/sql.ts'
import { meetingProblems } from '../../../src/core/plan/meetings.ts'
import { relationExists } from '../../../src/core/plan/probes.ts'
import { inSearchPath } from '../../../src/core/plan/search-path.ts'
import type { Answer } from '../../../src/core/schema/facts.ts'
import type { Schema } from '../../../src/core/schema/model.ts'
import { context, facts, raw, schemaOf, table, told, USERS } from '../../support/model.ts'

const op = (more: Partial<RunSql> = {}): RunSql => ({
  kind: 'sql',
  namespace: 'public',
  up: 'alter table users alter age set default 3',
  down: 'alter table users alter age drop default',
  probe: 'is_default(3)',
  phase: 'expand',
  ...more,
})
/** Without one of the fields. */
const without = (field: keyof RunSql, more: Partial<RunSql> = {}): RunSql => {
  const { [field]: _left, ...rest } = op(more)
  return rest as RunSql
}

const answered = (of: RunSql, answer: Answer = [{ holds: false }], schema: Schema = schemaOf(table())) => ({
  ...context(schema),
  facts: facts({
    answers: Object.fromEntries((runSql.needs(of).questions ?? []).map((question) => [question, answer])),
  }),
})
const problems = (of: RunSql, answer?: Answer, schema?: Schema) =>
  told(runSql.check(of, answered(of, answer, schema)))
const made = without('probe', { up: 'create table plans ()', down: 'drop table plans' })

describe('what sql needs', () => {
  test('is what it works on and does not make itself, and whether it is done', () => {
    const of = without('probe', {
      up: 'create table plans (owner int references users); create index on plans (owner); insert into app.log values (1)',
    })
    expect(runSql.needs(of)).toEqual({
      tables: [
        { ...USERS, columns: [] },
        { namespace: 'app', name: 'log', columns: [] },
      ],
      questions: [],
      touches: [
        { table: USERS, how: 'alters' },
        { table: { namespace: 'app', name: 'log' }, how: 'alters' },
        { table: { namespace: 'public', name: 'plans' }, how: 'adds' },
      ],
    })
    expect(runSql.needs(made).questions).toEqual(
      [probeQuestion(relationExists({ namespace: 'public', name: 'plans' }))].map((question) =>
        question.replace('select ', 'select (').replace(' as holds', ') as holds'),
      ),
    )
  })

  test('lets no other kind of operation touch what it works on', () => {
    const rename = {
      kind: 'rename_column',
      namespace: 'public',
      table: 'users',
      from: 'name',
      to: 'b',
    } as const
    const meet = (...operations: readonly Operation[]) =>
      told(meetingProblems({ name: '0001_test', operations }))
    const refusal = ['name', 'b'].map((column) => [
      'plan_refused',
      `Two operations of the migration touch "users"."${column}".`,
    ])
    expect(meet(op(), rename)).toEqual(refusal)
    expect(meet(rename, op())).toHaveLength(1)
    expect(meet(op(), op())).toEqual([])
  })

  test('is nothing of a text that cannot be read', () => {
    expect(runSql.needs(op({ up: 'alter tabel' })).tables).toEqual([])
  })
})

describe('sql that can be used', () => {
  test.each<[string, RunSql]>([
    ['with a probe of its own', op()],
    ['that tells by its form', made],
    ['that has no way back, for a reason', without('down', { irreversible: 'it only counts' })],
    ['in the contract', without('down', { phase: 'contract' })],
    [
      'that is unsafe for a reason',
      op({ up: 'alter table users alter age set not null', unsafe: 'ten rows' }),
    ],
  ])('%s', (_what, of) => {
    expect(problems(of)).toEqual([])
  })

  test('and is done already may be where nothing is taken back', () => {
    expect(problems(without('down', { irreversible: 'x' }), [{ holds: true }])).toEqual([])
  })
})

describe('sql that is refused', () => {
  test.each<[string, RunSql, readonly [string, string]]>([
    [
      'for its syntax',
      op({ up: 'alter tabel users' }),
      ['migration_invalid', 'The "up" of sql cannot be used: syntax error at or near "tabel".'],
    ],
    [
      'without a statement',
      op({ up: ' -- nothing\n' }),
      ['migration_invalid', 'The "up" of sql cannot be used: it holds no statement.'],
    ],
    [
      'with a NUL',
      op({ down: 'a\0' }),
      ['migration_invalid', 'The "down" of sql cannot be used: it contains a NUL.'],
    ],
    [
      'with a probe of two expressions',
      op({ probe: 'true); drop table users; select (true' }),
      ['migration_invalid', 'The "probe" of sql cannot be used: it is more than one expression.'],
    ],
    [
      'with a probe that ends in a comment',
      op({ probe: 'true -- x' }),
      ['migration_invalid', 'The "probe" of sql cannot be used: it contains a comment.'],
    ],
    ['without a way back', without('down'), ['migration_invalid', 'sql has no way back.']],
    [
      'with a way back and a reason for none',
      op({ irreversible: 'x' }),
      ['migration_invalid', 'sql has both "down" and "irreversible".'],
    ],
    [
      'with a way back in the contract',
      op({ phase: 'contract' }),
      ['migration_invalid', 'sql in the contract has a way back that would never be gone.'],
    ],
    [
      'without a probe',
      without('probe'),
      ['migration_invalid', 'sql does not tell by its form whether it is done.'],
    ],
    [
      'where it hides something unsafe',
      op({ up: 'analyze users; alter table users alter age type bigint' }),
      [
        'plan_refused',
        'Statement 2 of "up" changes the type of a column: the table and its indexes may be rewritten while nobody can read it.',
      ],
    ],
    [
      'where its way back is unsafe',
      op({ down: 'update users set age = 0' }),
      [
        'plan_refused',
        'Statement 1 of "down" changes every row of a table: all of them stay locked until the step is over, and it may not end in time.',
      ],
    ],
    [
      'where no reason helps',
      op({ up: 'commit', unsafe: 'please' }),
      [
        'plan_refused',
        'Statement 1 of "up" begins or ends a transaction, but the step and its record in the journal are one transaction, which Bellows ends.',
      ],
    ],
    [
      'for a reason for nothing',
      op({ unsafe: 'x' }),
      ['migration_invalid', 'sql gives a reason for something unsafe, but nothing in it is.'],
    ],
    [
      'for a table that is not there',
      op({ namespace: 'app' }),
      ['table_not_found', 'sql names app.users, which is not there.'],
    ],
  ])('%s', (_what, of, expected) => {
    expect(problems(of)).toEqual([expected])
  })

  test('where the role is not the owner, only for what takes an owner', () => {
    const foreign = schemaOf(table({ owned: false }))
    expect(problems(op(), [{ holds: false }], foreign)).toEqual([
      [
        'plan_refused',
        'The connected role may not change public.users: it is not a member of the role that owns it.',
      ],
    ])
    expect(
      problems(op({ up: `update users set age = 1 where id = 1` }), [{ holds: false }], foreign),
    ).toEqual([])
  })

  test('where it is done already and would be taken back', () => {
    expect(problems(made, [{ holds: true }])).toEqual([
      [
        'plan_refused',
        'What sql is to do is done already, by its probe; a rollback would take it from whoever did it.',
      ],
    ])
  })

  test('where the server does not take the probe', () => {
    expect(problems(op(), { problem: 'function is_default(integer) does not exist' })).toEqual([
      [
        'migration_invalid',
        'The "probe" of sql cannot be used: function is_default(integer) does not exist.',
      ],
    ])
  })
})

describe('the steps of sql', () => {
  const within = (text: string) => inSearchPath('public', [raw(`${text}\n`)])
  const MADE = expect.stringMatching(
    /^what "alter table users alter age set default 3" makes \([0-9a-f]{8}\)$/,
  )
  const probe = '((coalesce((is_default(3)), false)))'

  test('are one transaction forward and one back, with the locks of the statements', () => {
    const of = op()
    const shared = { kind: 'ddl', phase: 'expand', hazards: [], requires: [], cost: 'instant' }
    expect(runSql.expand(of, answered(of))).toEqual([
      {
        ...shared,
        does: 'run: alter table users alter age set default 3',
        probe,
        locks: [{ relation: USERS, level: 'access_exclusive' }],
        statements: within('alter table users alter age set default 3'),
        makes: MADE,
      },
    ])
    expect(runSql.rollback(of, answered(of))).toEqual([
      {
        ...shared,
        does: 'take back: alter table users alter age drop default',
        probe: `not ${probe}`,
        locks: [{ relation: USERS, level: 'access_exclusive' }],
        statements: within('alter table users alter age drop default'),
        unmakes: MADE,
      },
    ])
    expect(runSql.contract(of, answered(of))).toEqual([])
  })

  test('go back as long as a part of them stands', () => {
    const of = without('probe', { up: 'create table a (); create table b ()', down: 'drop table b, a' })
    const [a, b] = ['a', 'b'].map((name) => relationExists({ namespace: 'public', name }))
    expect(runSql.rollback(of, answered(of))).toMatchObject([
      { probe: `(not (${a})) and (not (${b}))`, after: `not ((${a}) and (${b}))` },
    ])
  })

  test('come in the purge of a contract', () => {
    const of = without('down', { phase: 'contract' })
    expect(runSql.expand(of, answered(of))).toEqual([])
    expect(runSql.rollback(of, answered(of))).toEqual([])
    expect(runSql.contract(of, answered(of))).toMatchObject([
      { kind: 'gate', thing: { reach: 'all' } },
      { phase: 'purge', statements: within(of.up), retires: { thing: { reach: 'all' } } },
    ])
  })

  test('say why what is unsafe is done, and what stays', () => {
    const of = without('down', {
      up: 'alter table users alter age set not null',
      unsafe: 'ten rows',
      irreversible: 'nobody minds',
    })
    const [step] = runSql.expand(of, answered(of))
    expect(step).toMatchObject({
      cost: 'unknown',
      hazards: [
        {
          code: 'unsafe',
          because:
            'Statement 1 sets NOT NULL: the table is read while nobody can use it, and old writers may fail. The reason given: ten rows',
        },
        { code: 'stays', because: 'A rollback leaves what this step did: nobody minds' },
      ],
    })
    expect(step).not.toHaveProperty('makes')
  })

  test('read the table where a constraint is validated', () => {
    const of = without('down', { up: 'alter table users validate constraint k', irreversible: 'it holds' })
    expect(runSql.expand(of, answered(of))).toMatchObject([
      { cost: 'scan', locks: [{ relation: USERS, level: 'share_update_exclusive' }] },
    ])
  })

  test('build an index as every other one is built, and drop it outside of transactions', () => {
    const of = without('probe', {
      up: 'create index concurrently by_age on public.users (age)',
      down: 'drop index concurrently public.by_age',
      outside_transaction: true,
    })
    expect(runSql.expand(of, answered(of))).toMatchObject([
      { kind: 'concurrent_index', index: { namespace: 'public', name: 'by_age' }, statement: of.up },
    ])
    expect(runSql.rollback(of, answered(of))).toMatchObject([{ kind: 'outside', statements: [of.down] }])
  })

  test('lock ahead what the model knows to be a table, and leave the rest to the statement', () => {
    const of = op({
      up: 'create trigger t after insert on users execute function f(); create or replace view v as select 1',
    })
    const schema = schemaOf(table(), table({ name: 'v', kind: 'view' }))
    expect(runSql.expand(of, answered(of, [{ holds: false }], schema))).toMatchObject([
      {
        locks: [
          { relation: USERS, level: 'share_row_exclusive' },
          { relation: { namespace: 'public', name: 'v' }, level: 'access_exclusive', implied: true },
        ],
      },
    ])
  })

  test('tell of a trigger that it fires for everybody, but not of one on what they make', () => {
    const trigger = (on: string) => `create trigger t after insert on ${on} execute function f()`
    const hazards = (up: string, more: Partial<RunSql> = {}) => {
      const of = without('probe', { up, down: 'drop trigger t on users', ...more })
      const drafts = [...runSql.expand(of, answered(of)), ...runSql.contract(of, answered(of))]
      return drafts.flatMap((draft) => draft.hazards.map(({ code }) => code))
    }
    expect(hazards(trigger('users'))).toEqual(['may_break'])
    expect(hazards(`create table n (); ${trigger('n')}`)).toEqual([])
  })

  test('change nothing that the model knows', () => {
    const schema = schemaOf(table())
    expect(runSql.apply(op(), schema, facts())).toBe(schema)
    expect(runSql.backfill(op(), answered(op()))).toEqual([])
  })
})
