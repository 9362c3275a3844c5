import type { Operation } from '../../../src/core/operations/migration.ts'
import { id, lit, shown } from '../../../src/core/sql.ts'
import type { Draw } from './draw.ts'
import type { Drawn, Generator } from './way.ts'

/** Of a type of its own, with tables of its own that nothing else touches. */
interface RandomEnum {
  readonly type: string
  /** What defaults and predicates of indexes name. */
  readonly first: string
  /** In their order; all but `going` and `spare` are written by every version. */
  readonly labels: readonly string[]
  /** The old version writes it until the contract. */
  readonly going: string
  /** In no row, and nobody writes it. */
  readonly spare: string
  readonly tables: readonly EnumTable[]
}

interface EnumTable {
  readonly name: string
  readonly isPartitioned: boolean
  readonly columns: readonly EnumColumn[]
}

interface EnumColumn {
  readonly name: string
  readonly isArray: boolean
  readonly nullable: boolean
  readonly byDefault: boolean
  readonly index: 'none' | 'plain' | 'partial'
}

const LABELS = ['sad', `it's`, 'a b', '{x}', 'Ünï', 'back\\slash', '"', 'NULL', 'sa', ','] as const
const GOING = 'go,ing'
const SPARE = 'spare'
/** So many are never changed, and as many are. */
const ROWS = 20

export const addEnumValue: Generator = (draw, way) => {
  const of = drawEnum(draw)
  const value = 'new one'
  const beside = draw.one(of.labels)
  const where = draw.one(['before', 'after', 'last'] as const)
  const at = where === 'last' ? of.labels.length : of.labels.indexOf(beside) + (where === 'after' ? 1 : 0)
  return lived(of, way, {
    operation: {
      kind: 'add_enum_value',
      ...named(of),
      value,
      ...(where === 'last' ? {} : { [where]: beside }),
    },
    end: { ...of, labels: of.labels.toSpliced(at, 0, value) },
    writes: [...commonOf(of), value],
  })
}

export const renameEnumValue: Generator = (draw, way) => {
  const of = drawEnum(draw)
  const to = `ren'amed`
  return lived(of, way, {
    operation: { kind: 'rename_enum_value', ...named(of), from: of.spare, to, unsafe: 'nobody writes it' },
    end: { ...of, labels: of.labels.map((label) => (label === of.spare ? to : label)) },
    writes: commonOf(of),
  })
}

export const removeEnumValue: Generator = (draw, way) => {
  const of = drawEnum(draw)
  const mayBeNull = of.tables.every(({ columns }) => columns.every(({ nullable }) => nullable))
  const becomes = mayBeNull && draw.chance(0.3) ? null : draw.one(commonOf(of))
  const { operation, ...drawn } = lived(of, way, {
    operation: { kind: 'remove_enum_value', ...named(of), value: of.going, becomes },
    end: { ...of, labels: of.labels.filter((label) => label !== of.going) },
    writes: commonOf(of),
  })
  const became = of.tables.flatMap(({ name, columns }) =>
    columns.map((column) => ({
      before: `select id, ${mapped(id(column.name), column, of.going, becomes)} from ${id(name)} where id between 1 and ${ROWS} order by id`,
      after: `select id, ${id(column.name)}::text from ${id(name)} where id between 1 and ${ROWS} order by id`,
    })),
  )
  return { operation, ...drawn, besides: { ...drawn.besides, untouched: became } }
}

function mapped(value: string, { isArray }: EnumColumn, going: string, becomes: string | null): string {
  return isArray
    ? `array_replace(${value}::text[], ${lit(going)}, ${lit(becomes)})::text as ${value}`
    : `case when ${value}::text = ${lit(going)} then ${lit(becomes)} else ${value}::text end as ${value}`
}

function named({ type }: RandomEnum) {
  return { namespace: 'public', type } as const
}

function commonOf({ labels, going, spare }: RandomEnum): readonly string[] {
  return labels.filter((label) => label !== going && label !== spare)
}

function drawEnum(draw: Draw): RandomEnum {
  const first = draw.number(0, LABELS.length - 3)
  const labels: string[] = LABELS.slice(first, first + draw.number(2, 3))
  for (const label of [GOING, SPARE]) labels.splice(draw.number(0, labels.length), 0, label)
  const tables = Array.from({ length: draw.number(1, 2) }, (): EnumTable => {
    const isPartitioned = draw.chance(0.3)
    const columns = Array.from({ length: draw.number(1, 2) }, () => drawColumn(draw, isPartitioned))
    return { name: draw.name(), isPartitioned, columns }
  })
  return { type: draw.name(), first: LABELS[first] ?? '', labels, going: GOING, spare: SPARE, tables }
}

/** The parts of an index of a partitioned table get names that a direct one would not have. */
function drawColumn(draw: Draw, isPartitioned: boolean): EnumColumn {
  const isArray = draw.chance(0.3)
  const nullable = draw.chance(0.5)
  return {
    name: draw.name(),
    isArray,
    nullable,
    byDefault: !nullable || draw.chance(0.4),
    index: isPartitioned || isArray ? 'none' : draw.one(['none', 'plain', 'partial']),
  }
}

/** @param more how the type is in the end, and what the new version writes of it */
function lived(
  of: RandomEnum,
  way: Drawn['way'],
  more: { readonly operation: Operation; readonly end: RandomEnum; readonly writes: readonly string[] },
): Drawn & Required<Pick<Drawn, 'besides'>> {
  const { operation, end, writes } = more
  const old = [...commonOf(of), of.going]
  const rows = of.tables.map(
    (table) =>
      `insert into ${id(table.name)} (id${listed(table)}) select i${valuesOf(table, of, old, 'i')} from generate_series(1, ${2 * ROWS}) i;`,
  )
  return {
    operation,
    way: { ...way, more: [...way.more, made(end)] },
    besides: {
      given: [made(of), ...rows].join('\n'),
      old: of.tables.map((table) => ({ name: `old ${table.name}`, statements: writing(table, of, old) })),
      renewed: of.tables.map((table) => ({
        name: `new ${table.name}`,
        statements: writing(table, of, writes),
      })),
      kept: of.tables.map(
        ({ name, columns }) =>
          `select id, ${columns.map((one) => `${id(one.name)}::text`).join(', ')} from ${id(name)} order by id`,
      ),
      stays: operation.kind === 'add_enum_value' ? [`type ${shown(of.type)} kind`] : [],
    },
  }
}

function made({ type, first, labels, tables }: RandomEnum): string {
  return [
    `create type ${id(type)} as enum (${labels.map((label) => lit(label)).join(', ')});`,
    ...tables.flatMap((table) => tableSql(table, type, first)),
  ].join('\n')
}

function tableSql(
  { name, isPartitioned, columns }: EnumTable,
  type: string,
  label: string,
): readonly string[] {
  const column = ({ name: called, isArray, nullable, byDefault }: EnumColumn) =>
    `${id(called)} ${id(type)}${isArray ? '[]' : ''}${nullable ? '' : ' not null'}${byDefault ? ` default ${isArray ? `array[${lit(label)}]::${id(type)}[]` : lit(label)}` : ''}`
  return [
    `create table ${id(name)} (id bigint primary key, ${columns.map(column).join(', ')})${isPartitioned ? ' partition by hash (id)' : ''};`,
    ...(isPartitioned
      ? [0, 1].map(
          (part) =>
            `create table ${id(`${name}_${part}`)} partition of ${id(name)} for values with (modulus 2, remainder ${part});`,
        )
      : []),
    ...columns.flatMap(({ index, name: on }) =>
      index === 'none'
        ? []
        : [
            `create index on ${id(name)} (${id(on)})${index === 'partial' ? ` where ${id(on)} <> ${lit(label)}` : ''};`,
          ],
    ),
  ]
}

function listed({ columns }: EnumTable): string {
  return columns.map(({ name }) => `, ${id(name)}`).join('')
}

function valuesOf({ columns }: EnumTable, { type }: RandomEnum, of: readonly string[], n: string): string {
  return columns.map((column) => `, ${columnValue(column, type, of, n)}`).join('')
}

/** Another one for every number. */
function columnValue(
  { isArray, nullable }: EnumColumn,
  type: string,
  of: readonly string[],
  n: string,
): string {
  const one = `(array[${of.map((label) => lit(label)).join(', ')}])[1 + (${n})::bigint % ${of.length}]`
  const value = isArray ? `array[${one}, null, ${lit(of[0] ?? '')}]::${id(type)}[]` : `${one}::${id(type)}`
  return nullable ? `case when (${n})::bigint % 7 <> 0 then ${value} end` : value
}

/** Beside the rows that are there, and among them what both versions write. */
function writing(table: EnumTable, of: RandomEnum, labels: readonly string[]): readonly string[] {
  const n = '(1000 + $1::bigint)'
  return [
    `insert into ${id(table.name)} (id${listed(table)}) select ${n}${valuesOf(table, of, labels, n)}`,
    `insert into ${id(table.name)} (id) values (-$1::bigint)`,
    ...table.columns.map(
      (column) =>
        `update ${id(table.name)} set ${id(column.name)} = ${columnValue(column, of.type, labels, n)} where id = ${ROWS + 1} + $1::bigint % ${ROWS}`,
    ),
    `select id${listed(table)} from ${id(table.name)} where id = $1::bigint`,
  ]
}
