import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { OPERATION_KINDS } from '../../src/core/operations/index.ts'
import { isTransaction, type Step } from '../../src/core/plan/step.ts'
import { trusted } from '../../src/core/sql.ts'
import { testDatabase } from '../support/database.ts'
import { type LockRow, lockRows, renderedLocks, undeclared } from '../support/lock-table.ts'
import { MAJORS, matrixMajor } from '../support/matrix.ts'
import { operationCases } from '../support/operation-cases.ts'
import { lockingCases } from '../support/partitioned-key-cases.ts'
import { tracing } from '../support/traced.ts'
import { tracedLife } from '../support/traced-life.ts'

const CASES = OPERATION_KINDS.flatMap((kind) =>
  lockingCases(kind).map((one) => [kind, one.name, one] as const),
)

const rows: LockRow[] = []

/**
 * How the steps of every operation meet the tables of a user, forth and back: see test/support/operation-cases.ts, where a new operation
 * adds a case.
 */
describe('the steps of an operation', () => {
  test.for(OPERATION_KINDS)('%s has a case', (kind) => {
    expect(operationCases(kind).length).toBeGreaterThan(0)
  })

  test.for(CASES)(
    'lock no more than they declare, and read or copy a table only where they say so: %s, %s',
    async ([kind, name, one]) => {
      const { steps, others } = await tracedLife(one)

      const unseen = steps.filter(({ step, traces }) => step.kind !== 'gate' && traces.length === 0)
      expect(
        unseen.map(({ step }) => step.id),
        'every step was taken and looked at',
      ).toEqual([])
      expect(steps.flatMap(undeclared)).toEqual([])
      expect(
        others.flatMap(({ locks }) => locks).filter(({ level }) => level !== 'access_share'),
        'nothing of the user is locked between steps, but for reading how it is defined',
      ).toEqual([])
      const read = steps.filter(
        ({ step, traces }) => isInstant(step) && traces.some(({ scanned }) => scanned.length > 0),
      )
      expect(
        read.map(({ step, traces }) => [step.id, traces.flatMap(({ scanned }) => scanned)]),
        'no table is read in an instant',
      ).toEqual([])
      const copied = steps.filter(
        ({ step, traces }) => !isOfSmall(step) && traces.some(({ rewritten }) => rewritten.length > 0),
      )
      expect(
        copied.map(({ step }) => step.id),
        'no table is written anew that may be large',
      ).toEqual([])
      rows.push(...steps.flatMap((traced) => lockRows(kind, name, traced)))
    },
  )
})

function isInstant(step: Step): boolean {
  return isTransaction(step) && step.cost === 'instant'
}

function isOfSmall(step: Step): boolean {
  return isTransaction(step) && step.cost === 'small'
}

describe('what is traced', () => {
  const seen = async (...statements: readonly string[]) => {
    const database = await testDatabase(
      'create table t (a integer); create table other (a integer); insert into t values (1)',
    )
    const { sent, traces } = await tracing(database, [])
    const bounds = {
      run: 1,
      locks: [],
      lockTimeoutMs: 1_000,
      statementTimeoutMs: 1_000,
      requires: [],
      events: [],
    }
    const { ahead = [], statements: all } = sent({ ...bounds, statements: statements.map(trusted) })
    await database.query(['begin', ...ahead, ...all, 'commit'].join('; '))
    const [trace] = await traces()
    return trace
  }
  const relation = { namespace: 'public', name: 't' }

  test('is every lock that a transaction holds in the end, whichever statement took it', async () => {
    const trace = await seen('select from t', 'create index on t (a)', 'lock table other in share mode')
    expect(trace?.locks).toEqual(
      expect.arrayContaining([
        { relation, level: 'share' },
        { relation, level: 'access_share' },
        { relation: { ...relation, name: 'other' }, level: 'share' },
      ]),
    )
  })

  test('is not what a transaction made itself, nor a catalog', async () => {
    expect(
      await seen('create table new (a integer)', 'lock table pg_class in access share mode'),
    ).toMatchObject({ locks: [] })
  })

  test.for([
    ['a constraint that is proved at once', 'alter table t add check (a > 0)', ['t'], []],
    ['NOT NULL without a proof', 'alter table t alter a set not null', ['t'], []],
    ['an index', 'create index on t (a)', ['t'], []],
    ['a default that differs from row to row', 'alter table t add b float default random()', ['t'], ['t']],
    ['another type', 'alter table t alter a type bigint', ['t'], ['t']],
    ['a constraint for new rows', 'alter table t add check (a > 0) not valid', [], []],
    ['a constant default', 'alter table t add b integer default 7', [], []],
  ] as const)('is a table that is read, or written anew: %s', async ([, statement, scanned, rewritten]) => {
    expect(await seen(statement)).toMatchObject({ scanned, rewritten })
  })
})

/** Written anew by `npm run test:matrix -- test/acceptance/locks.test.ts --update`. */
describe('the table of locks', () => {
  const file = (major: string) => path.join(import.meta.dirname, `locks/taken.${major}.jsonl`)

  test('is the one that is checked in for this PostgreSQL', async () => {
    const lines = rows.map((row) => `${JSON.stringify(row)}\n`)
    await expect(lines.join('')).toMatchFileSnapshot(file(matrixMajor()))
  })

  test('is the one of docs/locks.md, for every PostgreSQL', async () => {
    const checkedIn = (major: string): readonly LockRow[] =>
      readFileSync(file(major), 'utf8')
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    const seen = MAJORS.map((major) => [major, major === matrixMajor() ? rows : checkedIn(major)] as const)
    const page = path.join(import.meta.dirname, '../../docs/locks.md')
    await expect(renderedLocks(new Map(seen))).toMatchFileSnapshot(page)
  })
})
