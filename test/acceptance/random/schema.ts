import { id } from '../../../src/core/sql.ts'
import type { Draw } from './draw.ts'
import { type Division, divisionSql, drawDivision } from './parts.ts'

/** A column beside `id`, which every table has. */
export interface RandomColumn {
  readonly name: string
  /** Where it had another name at the start. */
  readonly was?: string
  readonly type: string
  readonly collation?: string
  readonly nullable: boolean
  readonly byDefault?: string
  /** Names of what stands on it alone; PostgreSQL's own where it is an empty one. */
  readonly unique?: string
  readonly checked?: string
  readonly indexed?: string
  /** What stands behind the column in the index. */
  readonly order?: string
  /** A table that was made before. */
  readonly references?: string
  /** What its value of the start is in the end, over the columns of the start, where that is another one. */
  readonly mapped?: string
  /** How PostgreSQL makes its values, which no application writes. */
  readonly generated?: string
  /** What an application writes into it. */
  readonly values: Values
}

interface Values {
  readonly type: TypeName
  /** Does it write NULL now and then? */
  readonly nulls: boolean
  /** Its value made of one of the type. */
  readonly as?: (value: string) => string
}

export interface RandomTable {
  readonly name: string
  /** Where it was made under another name. */
  readonly was?: string
  readonly columns: readonly RandomColumn[]
  /** Its rows are in partitions. */
  readonly divided?: Division
}

/** How to make a value of a type that is another one for every number. */
const VALUES = {
  integer: (n: string) => `(${n})::integer`,
  bigint: (n: string) => `(${n})::bigint`,
  text: (n: string) => `'v' || (${n})`,
  'character varying(40)': (n: string) => `'v' || (${n})`,
  'numeric(12,2)': (n: string) => `(${n})::numeric / 4`,
  'timestamp with time zone': (n: string) => `timestamptz '2024-01-01 00:00Z' + (${n}) * interval '1 minute'`,
  date: (n: string) => `date '2024-01-01' + (${n})::integer`,
  uuid: (n: string) => `md5((${n})::text)::uuid`,
  jsonb: (n: string) => `jsonb_build_object('n', (${n}))`,
  'integer[]': (n: string) => `array[(${n})::integer, 7]`,
} as const
export type TypeName = keyof typeof VALUES

export const DEFAULTS: Readonly<Record<TypeName, string>> = {
  integer: '7',
  bigint: '7',
  text: "'none'",
  'character varying(40)': "'none'",
  'numeric(12,2)': '1.50',
  'timestamp with time zone': 'now()',
  date: 'CURRENT_DATE',
  uuid: "'00000000-0000-0000-0000-000000000000'",
  jsonb: `'{"a": 1}'`,
  'integer[]': "'{1,2}'",
}

export const TYPES = Object.keys(VALUES) as readonly TypeName[]
/** Rows that are there at the start. The first of them are never changed, and are what foreign keys point at. */
export const ROWS = 30
export const KEPT = 10

export function drawColumn(draw: Draw, others: readonly RandomTable[] = []): RandomColumn {
  const target = others.length > 0 && draw.chance(0.25) ? draw.one(others).name : undefined
  const type = target === undefined ? draw.one(TYPES) : 'bigint'
  const unique = target === undefined && draw.chance(0.2)
  const nullable = draw.chance(0.6)
  return {
    name: draw.name(),
    type,
    nullable,
    // A foreign key would have to hold for it, and a unique constraint takes it only once.
    ...(target === undefined && !unique && draw.chance(0.4) ? { byDefault: DEFAULTS[type] } : {}),
    ...(unique ? { unique: '' } : {}),
    ...(draw.chance(0.3) ? { checked: '' } : {}),
    ...(draw.chance(0.3) ? { indexed: '' } : {}),
    ...(target === undefined ? {} : { references: target }),
    // Where it never does the column may be NOT NULL in the end.
    values: { type, nulls: nullable && draw.chance(0.8) },
  }
}

/** A column on which nothing stands. */
export function drawPlainColumn(draw: Draw): RandomColumn {
  const { name, type, nullable, byDefault, values } = drawColumn(draw)
  return { name, type, nullable, values, ...(byDefault === undefined ? {} : { byDefault }) }
}

/** What is unique in each partition is not so in all, and a column with a foreign key cannot be copied there. */
function drawDividedColumn(draw: Draw): RandomColumn {
  const { unique: _, ...column } = drawColumn(draw)
  return column
}

function isWhole({ divided }: RandomTable): boolean {
  return divided === undefined
}

export function isPlain({ unique, checked, indexed, references, byDefault }: RandomColumn): boolean {
  return [unique, checked, indexed, references, byDefault].every((one) => one === undefined)
}

export function drawTables(draw: Draw): readonly RandomTable[] {
  const tables: RandomTable[] = []
  for (let left = draw.number(1, 3); left > 0; left -= 1) {
    const division = drawDivision(draw)
    const columns = Array.from({ length: draw.number(2, 5) }, () =>
      division.divided === undefined ? drawColumn(draw, tables.filter(isWhole)) : drawDividedColumn(draw),
    )
    tables.push({
      name: draw.name(),
      columns: [...columns, ...(draw.chance(0.3) ? drawTexts(draw) : [])],
      ...division,
    })
  }
  return tables
}

/** Such as may become one, or each of them several. */
function drawTexts(draw: Draw): readonly RandomColumn[] {
  return [1, 2].map(() => ({
    name: draw.name(),
    type: 'text',
    nullable: false,
    values: { type: 'text', nulls: false },
  }))
}

export function tableSql({ name, was = name, columns, divided }: RandomTable): string {
  const { by, parts } = divisionSql(was, divided)
  const indexes = columns.flatMap(({ indexed, order = '', ...column }) =>
    indexed === undefined
      ? []
      : [`create index ${indexed === '' ? '' : id(indexed)} on ${id(was)} (${id(column.name)}${order});`],
  )
  return [
    `create table ${id(was)} (id bigint generated by default as identity primary key${columns.map((column) => `, ${columnSql(column)}`).join('')})${by};`,
    ...parts,
    ...indexes,
  ].join('\n')
}

function columnSql(column: RandomColumn): string {
  const { name, type, collation, nullable, byDefault, generated, unique, checked, references } = column
  const named = (constraint: string) => (constraint === '' ? '' : `constraint ${id(constraint)} `)
  return [
    `${id(name)} ${type}`,
    collation === undefined ? '' : `collate ${id(collation)}`,
    nullable ? '' : 'not null',
    byDefault === undefined ? '' : `default ${byDefault}`,
    generated ?? '',
    unique === undefined ? '' : `${named(unique)}unique`,
    checked === undefined ? '' : `${named(checked)}check (${id(name)}::text <> 'never')`,
    references === undefined ? '' : `references ${id(references)}`,
  ].join(' ')
}

export function isWritten({ generated }: RandomColumn): boolean {
  return generated === undefined
}

/** A value of a column; each number has its own, unless it must be one that is there in another table. */
export function valueSql({ values, references }: RandomColumn, n: string): string {
  const { type, nulls, as = (value) => value } = values
  const value = references === undefined ? as(VALUES[type](n)) : `1 + (${n})::bigint % ${KEPT}`
  return nulls ? `case when (${n}) % 7 <> 0 then ${value} end` : value
}

export function insertSql({ name, columns: all }: RandomTable, n: string, from = ''): string {
  const columns = all.filter(isWritten)
  const names = columns.map((column) => id(column.name)).join(', ')
  return names === ''
    ? `insert into ${id(name)} default values`
    : `insert into ${id(name)} (${names}) select ${columns.map((column) => valueSql(column, n)).join(', ')}${from}`
}

/** The same for an expression that must be immutable. */
export function immutableSql(type: TypeName, n: string): string {
  if (type === 'timestamp with time zone') return `to_timestamp((${n})::double precision)`
  if (type === 'jsonb') return `(${n})::text::jsonb`
  return VALUES[type](type === 'text' || type === 'character varying(40)' ? `(${n})::text` : n)
}

/** Most of what is written goes again, so that the machine's haste does not make a table large, nor a life long. */
export function forgetSql(table: string, key: string): string {
  return `delete from ${table} where ${key} = (select max(${key}) from ${table} where ${key} > ${ROWS}) and $1::bigint % 5 > 0`
}
