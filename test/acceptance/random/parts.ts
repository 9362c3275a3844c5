import { defaultName } from '../../../src/core/plan/names.ts'
import { id } from '../../../src/core/sql.ts'
import type { Draw } from './draw.ts'

export type Division = 'hash' | 'range'

/** By the `id` of a table: what stands behind the name of each partition, its bounds, and whether it has partitions itself. */
const PARTS = {
  hash: [
    ['_0', 'for values with (modulus 2, remainder 0)', false],
    ['_1', 'for values with (modulus 2, remainder 1)', false],
  ],
  range: [
    ['_0', 'for values from (minvalue) to (6)', false],
    ['_1', 'for values from (6) to (25)', true],
    ['_rest', 'default', false],
  ],
} as const

export function drawDivision(draw: Draw): { readonly divided?: Division } {
  return draw.chance(0.3) ? { divided: draw.one(['hash', 'range']) } : {}
}

/** What stands behind the columns of a table, and what makes its partitions. */
export function divisionSql(
  table: string,
  divided?: Division,
): { readonly by: string; readonly parts: readonly string[] } {
  if (divided === undefined) return { by: '', parts: [] }
  return { by: ` partition by ${divided} (id)`, parts: partsOf(table, divided).map(({ sql }) => sql) }
}

/** Those of a partition behind it. */
function partsOf(
  table: string,
  divided: Division,
): readonly { readonly name: string; readonly sql: string }[] {
  return PARTS[divided].flatMap(([behind, bounds, isDivided]) => {
    const name = `${table}${behind}`
    const by = isDivided ? ' partition by hash (id)' : ''
    const sql = `create table ${id(name)} partition of ${id(table)} ${bounds}${by};`
    return [{ name, sql }, ...(isDivided ? partsOf(name, 'hash') : [])]
  })
}

/** Of an index on a column that takes the place of another one: its parts keep the number that they got beside those of that one. */
export function numberedParts(table: string, column: string, divided?: Division): readonly string[] {
  if (divided === undefined) return []
  return partsOf(table, divided).map(({ name }) => {
    const [index, numbered] = ['idx', 'idx1'].map((suffix) => id(defaultName(name, [column], suffix)))
    return `alter index ${index} rename to ${numbered};`
  })
}

/** One that applications name themselves. */
export function namedPart(table: string, divided: Division): string {
  return { hash: `${table}_1`, range: `${table}_rest` }[divided]
}
