import { OPERATION_KINDS } from '../../../src/core/operations/index.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { mayStandBeside } from '../../../src/core/plan/renamed-table.ts'
import { id } from '../../../src/core/sql.ts'
import { COMPANION } from '../../support/companion.ts'
import type { Lifecycle } from '../../support/lifecycle.ts'
import type { Client } from '../../support/workload.ts'
import { DOMAIN } from './added.ts'
import type { Draw } from './draw.ts'
import { GENERATORS } from './generators.ts'
import { namedPart } from './parts.ts'
import {
  drawTables,
  forgetSql,
  insertSql,
  isWritten,
  KEPT,
  type RandomTable,
  ROWS,
  tableSql,
  valueSql,
} from './schema.ts'
import { type Drawn, isRenamed, type Place, type Way } from './way.ts'

const OPERATIONS_MAX = 12

/** A schema and a migration of it, with what lives beside. */
export function drawLife(draw: Draw): Lifecycle {
  const tables = drawTables(draw)
  const drawn = drawOperations(draw, tables)
  const way = drawn.at(-1)?.way
  const end = way?.tables ?? tables
  const besides = drawn.flatMap((one) => one.besides ?? [])
  const isOfTwo = drawn.length > 1 && draw.chance(0.4)
  const rows = tables.map((table) => `${insertSql(table, 'i', ` from generate_series(1, ${ROWS}) i`)};`)
  return {
    given: [
      DOMAIN,
      ...tables.map(tableSql),
      ...rows,
      ...besides.map(({ given }) => given),
      COMPANION.given,
    ].join('\n'),
    operations: [...drawn.flatMap(operationsOf), COMPANION.operation],
    ...(isOfTwo ? { inFront: draw.number(1, drawn.length - 1) } : {}),
    impossible: drawn.flatMap(({ impossible = [] }) => impossible),
    direct: [DOMAIN, ...end.map(tableSql), ...(way?.more ?? []), ...(way?.last ?? []), COMPANION.direct].join(
      '\n',
    ),
    old: [...tables.map((table) => client('old', table)), ...besides.flatMap(({ old = [] }) => old)],
    renewed: [...end.map((table) => client('new', table)), ...besides.flatMap(({ renewed = [] }) => renewed)],
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

function drawOperations(draw: Draw, tables: readonly RandomTable[]): readonly Drawn[] {
  const drawn: Drawn[] = []
  const free = tables.flatMap(({ name, columns }) => columns.map((column) => ({ table: name, column })))
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

/** Writes as an application of one version does, beside the first rows; of a table with partitions also to one of these. */
function client(version: string, { name, was = name, columns, divided }: RandomTable): Client {
  const n = `(1000 + $1::bigint)`
  const row = `where id = ${KEPT + 1} + $1::bigint % ${ROWS - KEPT}`
  const written = divided === undefined ? [name] : [name, namedPart(was, divided)]
  const writable = columns.filter(isWritten)
  const listed = writable.map((column) => `${id(column.name)} = ${id(column.name)}`)
  return {
    name: `${version} ${name}`,
    statements: [
      insertSql({ name, columns }, n),
      ...writable.flatMap((column) =>
        written.map((one) => `update ${id(one)} set ${id(column.name)} = ${valueSql(column, n)} ${row}`),
      ),
      ...(listed.length === 0 ? [] : [`update ${id(name)} set ${listed.join(', ')} ${row}`]),
      `select ${columns.map((column) => id(column.name)).join(', ')} from ${id(name)} ${row}`,
      forgetSql(id(name), 'id'),
    ],
  }
}

/** The first rows of a table, in the columns that stay, as they are called at the start and in the end. */
function untouched(table: RandomTable, end: readonly RandomTable[]): NonNullable<Lifecycle['untouched']> {
  const last = end.find(({ name, was = name }) => was === table.name)
  if (last === undefined) return []
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
