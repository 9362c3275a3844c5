import { OPERATION_KINDS } from '../../../src/core/operations/index.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { mayStandBeside } from '../../../src/core/plan/renamed-table.ts'
import { id } from '../../../src/core/sql.ts'
import { COMPANION } from '../../support/companion.ts'
import type { Lifecycle } from '../../support/lifecycle.ts'
import { DOMAIN } from './added.ts'
import { NOTING } from './beside.ts'
import { client } from './clients.ts'
import type { Draw } from './draw.ts'
import { GENERATORS } from './generators.ts'
import { drawTables, insertSql, isWritten, KEPT, type RandomTable, ROWS } from './schema.ts'
import { inSpace, spaceSql } from './space.ts'
import { tablesSql } from './table-sql.ts'
import { OWN_TYPES } from './types.ts'
import { type Drawn, isRenamed, type Place, type Way } from './way.ts'

const OPERATIONS_MAX = 12

/** A schema and a migration of it, with what lives beside. */
export function drawLife(draw: Draw): Lifecycle {
  const tables = drawTables(draw)
  const drawn = drawOperations(draw, tables)
  const way = drawn.at(-1)?.way
  const end = way?.tables ?? tables
  const besides = drawn.flatMap((one) => one.besides ?? [])
  const space = draw.chance(0.3) ? draw.one(['app', `My "Shop"`]) : 'public'
  const rows = tables.flatMap((table) =>
    table.isEmpty === true ? [] : [`${insertSql(table, 'i', ` from generate_series(1, ${ROWS}) i`)};`],
  )
  const made = [spaceSql(space), OWN_TYPES, DOMAIN, NOTING]
  return {
    given: [
      ...made,
      ...tablesSql(tables),
      ...rows,
      ...besides.map(({ given }) => given),
      COMPANION.given,
    ].join('\n'),
    operations: [...drawn.flatMap(operationsOf), COMPANION.operation].map((one) => inSpace(space, one)),
    inFront: drawEnds(draw, drawn.length),
    impossible: drawn.flatMap(({ impossible = [] }) =>
      impossible.map(([one, because]) => [inSpace(space, one), because] as const),
    ),
    direct: [...made, ...tablesSql(end), ...(way?.more ?? []), ...(way?.last ?? []), COMPANION.direct].join(
      '\n',
    ),
    ...(draw.chance(0.5) ? { batchRows: 50 } : {}),
    old: [...tables.map((table) => client(draw, 'old', table)), ...besides.flatMap(({ old = [] }) => old)],
    renewed: [
      ...end.map((table) => client(draw, 'new', table)),
      ...besides.flatMap(({ renewed = [] }) => renewed),
    ],
    kept: [
      ...tables.map(
        ({ name, columns }) =>
          `select id, ${columns.map((column) => id(column.name)).join(', ')} from ${id(name)} order by id`,
      ),
      ...besides.flatMap(({ kept = [] }) => kept),
    ],
    untouched: [
      ...tables.flatMap((table) => untouched(table, end)),
      ...besides.flatMap((one) => one.untouched ?? []),
    ],
    afterwards: besides.flatMap(({ afterwards = [] }) => afterwards),
    stays: besides.flatMap(({ stays = [] }) => stays),
  }
}

/** Where one migration ends and the next one begins, of two or three that are released together. */
function drawEnds(draw: Draw, operations: number): readonly number[] {
  const most = Math.min(operations - 1, draw.one([0, 0, 1, 2]))
  const ends = Array.from({ length: Math.max(most, 0) }, () => draw.number(1, operations - 1))
  return [...new Set(ends)].sort((a, b) => a - b)
}

function drawOperations(draw: Draw, tables: readonly RandomTable[]): readonly Drawn[] {
  const drawn: Drawn[] = []
  const free = tables.flatMap(({ name, columns }) =>
    columns.filter(isWritten).map((column) => ({ table: name, column })),
  )
  let way: Way = { start: tables, tables, more: [], last: [], free, added: [], made: [] }
  for (let left = draw.number(1, OPERATIONS_MAX); left > 0; left -= 1) {
    const kind = draw.one(OPERATION_KINDS)
    const hidden = mayStandBeside({ kind } as Operation) ? () => false : isRenamed(way)
    const one = GENERATORS[kind](
      draw,
      placesOf(way, (place) => !hidden(place)),
    )
    if (one === undefined) continue
    const { free, added } = placesOf(way, hidden)
    way = { ...one.way, free: [...one.way.free, ...free], added: [...one.way.added, ...added] }
    drawn.push(one)
  }
  return drawn
}

function operationsOf({ before, operation, behind }: Drawn): readonly Operation[] {
  return [before, operation, behind].filter((one) => one !== undefined)
}

function placesOf(way: Way, which: (place: Place) => boolean): Way {
  return { ...way, free: way.free.filter(which), added: way.added.filter(which) }
}

/** The first rows of a table, in the columns that stay, as they are called at the start and in the end. */
function untouched(table: RandomTable, end: readonly RandomTable[]): NonNullable<Lifecycle['untouched']> {
  const last = end.find(({ name, was = name }) => was === table.name)
  if (last === undefined || table.isEmpty === true) return []
  const values = table.columns.flatMap(({ name }) => {
    const now = last.columns.find((column) => (column.was ?? column.name) === name)
    return now === undefined ? [] : [{ before: now.mapped ?? id(name), after: id(now.name) }]
  })
  const select = (from: string, columns: readonly string[]) =>
    `select ${['id', ...columns.map((value, at) => `(${value})::text as c${at}`)].join(', ')} from ${id(from)} where id <= ${KEPT} order by id`
  return [
    {
      before: select(
        table.name,
        values.map(({ before }) => before),
      ),
      after: select(
        last.name,
        values.map(({ after }) => after),
      ),
    },
  ]
}
