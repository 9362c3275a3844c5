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
  const part = (
    of: string,
    [behind, bounds, isDivided]: readonly [string, string, boolean],
  ): readonly string[] => {
    const name = `${of}${behind}`
    return [
      `create table ${id(name)} partition of ${id(of)} ${bounds}${isDivided ? ' partition by hash (id)' : ''};`,
      ...(isDivided ? PARTS.hash.flatMap((one) => part(name, one)) : []),
    ]
  }
  return { by: ` partition by ${divided} (id)`, parts: PARTS[divided].flatMap((one) => part(table, one)) }
}

/** One that applications name themselves. */
export function namedPart(table: string, divided: Division): string {
  return { hash: `${table}_1`, range: `${table}_rest` }[divided]
}
