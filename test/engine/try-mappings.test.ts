import { expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../../src/config.ts'
import { BellowsError } from '../../src/core/errors.ts'
import type { Plan } from '../../src/core/plan/plan.ts'
import type { Trial } from '../../src/core/plan/trial.ts'
import type { Notice } from '../../src/core/run/event.ts'
import { sql } from '../../src/core/sql.ts'
import type { Engine } from '../../src/engine/context.ts'
import { tryMappings } from '../../src/engine/try-mappings.ts'

const tried = (column: string, notNull = false) => ({
  column,
  called: column,
  type: sql`int`,
  from: ['said'],
  values: [sql`new."said"::int`],
  notNull,
})
const fill = (table: string, ...tries: readonly ReturnType<typeof tried>[]) => ({
  kind: 'backfill',
  table: { namespace: 'public', name: table },
  key: ['id'],
  ...(tries.length === 0 ? {} : { tries }),
})
const planOf = (steps: readonly unknown[], ...operations: readonly object[]): Plan =>
  ({ steps, migration: { operations } }) as unknown as Plan

async function lookedAt(plan: Plan, answer: Trial | Error, onBadRow: 'stop' | 'quarantine' = 'stop') {
  const [asked, told]: [string[], Notice[]] = [[], []]
  const engine = {
    settings: { ...DEFAULT_SETTINGS, batch: { ...DEFAULT_SETTINGS.batch, onBadRow } },
    notify: (notice: Notice) => told.push(notice),
    database: {
      readOnly: async (_query: string, _timeoutMs: number, before: string) => {
        asked.push(before)
        if (answer instanceof Error) throw answer
        return [answer]
      },
    },
  } as unknown as Engine
  const error = await tryMappings(engine, plan).then(
    () => undefined,
    (thrown: unknown) => thrown as BellowsError,
  )
  return { asked, told, error }
}

const WHOLE: Trial = { pages: 7, seen: 7, found: [] }
const failure = (code: 'statement_failed' | 'connection_lost', sqlstate?: string) =>
  new BellowsError(code, 'It did not go.', sqlstate === undefined ? {} : { sqlstate })

test('each table is looked at once, and only where a row could be in the way', async () => {
  const plan = planOf([fill('users', tried('a')), fill('teams'), fill('users', tried('b'))])
  const { asked, told, error } = await lookedAt(plan, WHOLE)
  expect({ asked: asked.length, told, error }).toEqual({ asked: 1, told: [], error: undefined })
  expect(asked[0]).toContain('"a"')
  expect(asked[0]).toContain('"b"')
})

test('rows in the way are named, with what is wrong with each and what can be done', async () => {
  const found = [{ row: { id: 7, said: 'x' }, because: 'invalid input' }]
  const { error } = await lookedAt(planOf([fill('users', tried('a'))]), { ...WHOLE, found })
  expect(error).toMatchObject({
    code: 'rows_in_the_way',
    message:
      'Rows of "users" cannot be given their value of "a"; nothing was changed. Such as id=7 (said x): invalid input.',
    hint: expect.stringContaining('--on-bad-row quarantine'),
    facts: { rows: [{ id: 7, said: 'x' }], because: ['invalid input'] },
  })
})

test('where rows that fail are left out a NULL alone is looked for, and nothing where there may be one', async () => {
  const found = [{ row: { id: 7 }, because: '"b" would be NULL' }]
  const plan = planOf([fill('users', tried('a')), fill('teams', tried('b', true))])
  const { asked, error } = await lookedAt(plan, { ...WHOLE, found }, 'quarantine')
  expect(asked).toHaveLength(1)
  expect(error?.message).toContain('"teams"')
  expect(error?.hint).not.toContain('--on-bad-row')
})

test.for([
  ['only some of it was seen', { pages: 900, seen: 32, found: [] }, ['32 of its 900 pages']],
  ['a row took too long', failure('statement_failed', '57014'), ['It did not go; the backfill']],
  ['the migration makes the table', failure('statement_failed', '42P01'), []],
] as const)('nobody is stopped, and what was not tried is said, where %s', async ([, answer, texts]) => {
  const { told, error } = await lookedAt(planOf([fill('users', tried('a'))]), answer)
  expect(error).toBeUndefined()
  expect(told).toEqual(
    texts.map((text) => ({ type: 'partly_tried', table: 'users', because: expect.stringContaining(text) })),
  )
})

test('a statement of the migration may correct the rows, so nothing is said of them', async () => {
  const before = { kind: 'sql', phase: 'expand' }
  const { asked, told } = await lookedAt(planOf([fill('users', tried('a'))], before), WHOLE)
  expect(asked).toEqual([])
  expect(told).toMatchObject([{ because: expect.stringContaining('may change them first') }])
})

test('a statement of the contract comes too late for that', async () => {
  const behind = { kind: 'sql', phase: 'contract' }
  const { asked, told } = await lookedAt(planOf([fill('users', tried('a'))], behind), WHOLE)
  expect(asked).toHaveLength(1)
  expect(told).toEqual([])
})

test('a server that is lost is lost', async () => {
  const { error } = await lookedAt(planOf([fill('users', tried('a'))]), failure('connection_lost'))
  expect(error?.code).toBe('connection_lost')
})
