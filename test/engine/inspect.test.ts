import { expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../../src/config.ts'
import { BellowsError } from '../../src/core/errors.ts'
import { sql } from '../../src/core/sql.ts'
import type { Driving } from '../../src/engine/context.ts'
import { tellingRows } from '../../src/engine/inspect.ts'

const STEP = {
  id: '0001_test/retire/1',
  refusedBy: {
    table: { namespace: 'public', name: 'stays' },
    offenders: sql`select 1`,
    otherwise: 'Rows exclude one another.',
    hint: 'Change them.',
  },
} as const
const failure = (sqlstate: string) => new BellowsError('statement_failed', 'It did not go.', { sqlstate })

/** What is told of a step that was refused, and how often rows were looked for. */
async function toldOf(refused: Error, look: readonly object[] | Error) {
  let looks = 0
  const readOnly = async (_query: unknown, timeoutMs: number) => {
    looks += 1
    expect(timeoutMs, 'nobody waits for it as long as for a build').toBeLessThanOrEqual(60_000)
    if (look instanceof Error) throw look
    return look
  }
  const engine = { settings: DEFAULT_SETTINGS, database: { readOnly } } as unknown as Driving
  const error = await tellingRows(engine, STEP, () => Promise.reject(refused)).catch(
    (thrown: unknown) => thrown,
  )
  return { error, looks }
}

test.each(['23503', '23505', '23514', '23P01'])(
  'rows that refuse a step are told where they can be found: %s',
  async (sqlstate) => {
    const { error } = await toldOf(failure(sqlstate), [{ id: 7 }])
    expect(error).toMatchObject({
      code: 'rows_in_the_way',
      message: 'Rows exclude one another. Such as: {"id":7}',
      step: STEP.id,
      facts: { rows: [{ id: 7 }] },
    })
  },
)

test.each([
  ['a look that takes too long', failure('57014')],
  ['a connection that is lost', new BellowsError('connection_lost', 'It is gone.')],
  ['something unforeseen', new Error('no')],
])('what refused the step is told in spite of %s', async (_what, look) => {
  const refused = failure('23P01')
  expect(await toldOf(refused, look)).toEqual({ error: refused, looks: 1 })
})

test('where such rows have gone meanwhile the same command goes on', async () => {
  const { error } = await toldOf(failure('23505'), [])
  expect(error).toMatchObject({
    code: 'statement_failed',
    message: 'It did not go.',
    sqlstate: '23505',
    step: STEP.id,
    hint: expect.stringContaining('Run the same command again'),
  })
})

test('nobody looks where something else failed', async () => {
  const failed = failure('42501')
  expect(await toldOf(failed, [{ id: 7 }])).toEqual({ error: failed, looks: 0 })
})
