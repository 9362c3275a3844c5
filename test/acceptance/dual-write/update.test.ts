import { describe, test } from 'vitest'
import { testDatabase } from '../../support/database.ts'
import { type Cells, expectUpdates, MAPPINGS, makePair, type Shape, TWO_VALUES } from './support.ts'
import {
  CONSISTENT,
  DIVERGED,
  FORWARD_ONLY,
  FROM_NULL,
  LOSSY,
  NARROWING,
  type Tables,
  TO_NULL,
  UNFILLED,
} from './update-cells.ts'
import { MOVE_TO_OTHER_PARTITION, UPSERT_OF_EXCLUDED, waysOf } from './ways.ts'

const CASES: readonly (readonly [string, Shape, Tables])[] = [
  ['of a row in step keeps it in step', { mapping: MAPPINGS.lossless }, CONSISTENT],
  ['of a row made before leaves it filled', { mapping: MAPPINGS.lossless }, UNFILLED],
  ['of a diverged row takes only the side that is written', { mapping: MAPPINGS.lossless }, DIVERGED],
  ['never touches detail that it does not write', { mapping: MAPPINGS.lossy }, LOSSY],
  ['takes NULL for filled where the mapping makes it', { mapping: MAPPINGS.emptyToNull }, TO_NULL],
  ['fills where the mapping makes a value of NULL', { mapping: MAPPINGS.nullToNobody }, FROM_NULL],
  ['is refused where there is no way back', { mapping: MAPPINGS.forwardOnly }, FORWARD_ONLY],
  [
    'fails where the old value does not fit into the new type',
    { mapping: MAPPINGS.narrowing, type: 'bigint', toType: 'integer' },
    NARROWING,
  ],
]

describe('an UPDATE of any kind', () => {
  test.for(CASES)('%s', async ([, shape, tables]) => {
    const database = await testDatabase()
    await expectUpdates(await makePair(database, shape), tables, (await waysOf(database)).toUpdate)
  })

  test('does the same whatever the default of the old column is', async () => {
    const database = await testDatabase('create sequence numbers')
    const { toUpdate } = await waysOf(database)
    for (const expression of ["'a'", "'b'", "lower('A')", "nextval('numbers')::text"]) {
      const volatility = expression.startsWith('nextval') ? 'volatile' : 'stable'
      const pair = await makePair(database, { mapping: MAPPINGS.lossless, default: [expression, volatility] })
      await expectUpdates(pair, [...CONSISTENT, ...UNFILLED, ...DIVERGED], toUpdate)
    }
  })
})

describe('in a partitioned table an UPDATE', () => {
  const ways = { 'UPDATE that moves the row': MOVE_TO_OTHER_PARTITION }

  test('does the same, whether the row stays in its partition or moves', async () => {
    const database = await testDatabase()
    const { toUpdate } = await waysOf(database)
    for (const [, shape, tables] of CASES.filter(([, { type }]) => type === undefined)) {
      const isDiverged = tables === DIVERGED
      const pair = await makePair(database, { ...shape, partitioned: true })
      await expectUpdates(pair, tables, isDiverged ? toUpdate : { ...toUpdate, ...ways })
    }
  })

  test('moves a row in step without reading it as one that leaves the old column out', async () => {
    const database = await testDatabase('create sequence numbers')
    for (const expression of ["' a '", "nextval('numbers')::text"]) {
      const pair = await makePair(database, {
        mapping: MAPPINGS.lossy,
        default: [expression, expression.startsWith('nextval') ? 'volatile' : 'stable'],
        partitioned: true,
      })
      await expectUpdates(pair, LOSSY, ways)
    }
  })

  test('that moves a diverged row writes it anew and must decide: it is refused, or the old column gives way', async () => {
    const pair = await makePair(await testDatabase(), { mapping: MAPPINGS.lossless, partitioned: true })
    await expectUpdates(
      pair,
      [
        [['a', 'b'], [[{}, TWO_VALUES]]],
        [[null, 'b'], [[{}, "'b' | 'b'"]]],
      ],
      ways,
    )
  })
})

describe('an upsert that sets columns to EXCLUDED', () => {
  test('sees what the trigger made of the row that it proposed', async () => {
    const pair = await makePair(await testDatabase(), { mapping: MAPPINGS.lossless })
    const cells: Cells = [
      [{ name: 'b' }, "'b' | 'b'"],
      [{ name: null }, 'null | null'],
      [{ full_name: 'c' }, "'c' | 'c'"],
      [{ name: 'b', full_name: 'b' }, "'b' | 'b'"],
      [{ name: 'b', full_name: 'c' }, TWO_VALUES],
      // The proposed row was in step already, so both columns are given the same value.
      [{ name: 'b', full_name: null }, "'b' | 'b'"],
      [{ name: null, full_name: 'c' }, "'c' | 'c'"],
    ]
    await expectUpdates(
      pair,
      [
        [['a', 'a'], cells],
        [['a', null], cells],
        [['x', 'y'], cells],
      ],
      { upsert: UPSERT_OF_EXCLUDED },
    )
  })
})
