import { id } from '../../../src/core/sql.ts'
import type { Draw } from './draw.ts'
import { forgetSql } from './schema.ts'
import type { Generator } from './way.ts'

/** How the rows of a table are divided: what stands behind PARTITION BY, and the bounds of a partition that is there and of another. */
const DIVISIONS = [
  { by: 'range (n)', there: 'from (minvalue) to (100)', other: 'from (100) to (200)' },
  { by: 'list (n)', there: `in (${numbers(0, 99)})`, other: `in (${numbers(100, 199)})` },
  { by: 'hash (n)', there: 'with (modulus 2, remainder 0)', other: 'with (modulus 2, remainder 1)' },
] as const

/** So many rows each partition has. */
const ROWS = 30

/** A table of its own, one partition of it, and a table that is one, or becomes one. */
interface Divided {
  readonly table: string
  readonly there: string
  readonly other: string
  readonly value: string
  readonly by: (typeof DIVISIONS)[number]
  readonly hasKey: boolean
  readonly hasIndex: boolean
  readonly check: string
  /** A partition for all other rows. */
  readonly fallback: string | undefined
}

export const attachPartition: Generator = (draw, way) => {
  const of = drawDivided(draw)
  const isDefault = of.by.by !== 'hash (n)' && draw.chance(0.4)
  const divided = isDefault ? { ...of, fallback: draw.name() } : of
  const given = `${made(divided)} ${apart(divided)}`
  return {
    operation: {
      kind: 'attach_partition',
      namespace: 'public',
      table: of.table,
      partition: of.other,
      bounds: `for values ${of.by.other}`,
    },
    way: { ...way, more: [...way.more, `${given} ${attached(of)}`] },
    besides: lived(divided, `${given} ${filled(of)}`),
  }
}

export const detachPartition: Generator = (draw, way) => {
  const of = drawDivided(draw)
  const given = `${made(of)} ${apart(of)} ${attached(of)}`
  const detached = `alter table ${id(of.table)} detach partition ${id(of.other)};`
  return {
    operation: { kind: 'detach_partition', namespace: 'public', table: of.table, partition: of.other },
    way: { ...way, more: [...way.more, `${given} ${detached}`] },
    besides: lived(of, `${given} ${filled(of)}`),
  }
}

function drawDivided(draw: Draw): Divided {
  return {
    table: draw.name(),
    there: draw.name(),
    other: draw.name(),
    value: draw.name(),
    by: draw.one(DIVISIONS),
    hasKey: draw.chance(0.5),
    hasIndex: draw.chance(0.5),
    check: draw.name(),
    fallback: undefined,
  }
}

function made(of: Divided): string {
  const { table, there, by, fallback } = of
  return `create table ${id(table)} (${['id bigint', 'n integer not null', valueSql(of), ...rulesOf(of)].join(', ')}) partition by ${by.by};
    create table ${id(there)} partition of ${id(table)} for values ${by.there};
    ${fallback === undefined ? '' : `create table ${id(fallback)} partition of ${id(table)} default;`}
    ${indexOf(of, table)}`
}

/** With its columns in another order. */
function apart(of: Divided): string {
  return `create table ${id(of.other)} (${[valueSql(of), 'n integer not null', 'id bigint', ...rulesOf(of)].join(', ')}); ${indexOf(of, of.other)}`
}

function valueSql({ value }: Divided): string {
  return `${id(value)} text default 'none'`
}

function rulesOf({ value, check, hasKey }: Divided): readonly string[] {
  return [
    `constraint ${id(check)} check (${id(value)} <> 'never')`,
    ...(hasKey ? ['primary key (id, n)'] : []),
  ]
}

function indexOf({ value, hasIndex }: Divided, table: string): string {
  return hasIndex ? `create index on ${id(table)} (lower(${id(value)}), n);` : ''
}

function attached({ table, other, by }: Divided): string {
  return `alter table ${id(table)} attach partition ${id(other)} for values ${by.other};`
}

/** Of the numbers that belong there; where the rows are divided by hash, only the table knows which. */
function filled({ table, there, other, value, by }: Divided): string {
  const rows = (into: string, first: number, remainder: number) =>
    `insert into ${id(into)} (id, n, ${id(value)}) select i, i, 'v' || i from generate_series(${first}, ${first + ROWS - 1}) i
      ${by.by === 'hash (n)' ? `where satisfies_hash_partition('${id(table).replaceAll("'", "''")}'::regclass, 2, ${remainder}, i)` : ''};`
  return rows(there, 0, 0) + rows(other, 100, 1)
}

/** Both versions write rows of the partition that stays, and of the other one by its own name. */
function lived({ table, there, other, value }: Divided, given: string) {
  const statements = [
    `insert into ${id(table)} (id, n, ${id(value)}) select 1000 + $1::bigint, n, 'w' || $1 from ${id(there)} where id = (select min(id) from ${id(there)})`,
    ...[table, other].map(
      (name) =>
        `update ${id(name)} set ${id(value)} = 'u' || $1 where id % 100 = $1::bigint % ${ROWS} and id < 200`,
    ),
    `insert into ${id(other)} (id, n) select 1000 + $1::bigint, n from ${id(other)} where id = (select min(id) from ${id(other)})`,
    `select count(*) from ${id(table)} where $1::bigint > 0`,
    ...[there, other].map((name) => forgetSql(id(name), 'id')),
  ]
  return {
    given,
    old: [{ name: `old ${table}`, statements }],
    renewed: [{ name: `new ${table}`, statements }],
    // Whoever goes back takes the rows of the partition out of the table, or into it.
    kept: [
      `${[table, other].map((name) => `select id, n, ${id(value)} from ${id(name)}`).join(' union ')} order by id, 2, 3`,
    ],
  }
}

function numbers(first: number, last: number): string {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at).join(', ')
}
