import { id } from '../../../src/core/sql.ts'
import { type Beside, drawBeside } from './beside.ts'
import type { Draw } from './draw.ts'
import { drawForm, drawNotes, type Form, type Note } from './forms.ts'
import { drawNumbers, type Numbers } from './numbers.ts'
import { type Division, drawDivision } from './parts.ts'
import { DEFAULTS, isManifold, isOrdered, TYPES, type TypeName, typedValue } from './types.ts'

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
  /** How the index is on it, where it is not the plain one. */
  readonly form?: Form
  /** A table that was made before, or its own. */
  readonly references?: string
  /** Of the foreign key, where it is not PostgreSQL's own. */
  readonly pointing?: string
  /** What stands behind the foreign key. */
  readonly action?: string
  readonly notes?: readonly Note[]
  /** What its value of the start is in the end, over the columns of the start, where that is another one. */
  readonly mapped?: string
  /** How PostgreSQL makes its values, which no application writes. */
  readonly generated?: string
  /** What an application writes into it. */
  readonly values: Values
}

interface Values {
  readonly type: TypeName
  /** Is it a number of the first rows of a table, as a foreign key wants it? */
  readonly points?: true
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
  readonly numbers: Numbers
  readonly beside?: readonly Beside[]
  /** Are there no rows at the start? */
  readonly isEmpty?: true
  /** Does the migration make it the primary key? */
  readonly isKeyed?: true
  /** Its rows are in partitions. */
  readonly divided?: Division
}

const ACTIONS = [
  '',
  '',
  'on delete cascade',
  'on delete restrict on update cascade',
  'deferrable initially deferred',
] as const

/** Rows that are there at the start. The first of them are never changed, and are what foreign keys point at. */
export const ROWS = 30
export const KEPT = 10

export function drawColumn(
  draw: Draw,
  { others = [], isWhole = true }: { readonly others?: readonly string[]; readonly isWhole?: boolean } = {},
): RandomColumn {
  const target = others.length > 0 && draw.chance(0.25) ? draw.one(others) : undefined
  const type = target === undefined ? draw.one(TYPES) : 'bigint'
  // What is unique in each partition is not so in all.
  const unique = isWhole && target === undefined && isManifold(type) && draw.chance(0.2)
  const nullable = draw.chance(0.6)
  const action = draw.one(ACTIONS)
  return {
    name: draw.name(),
    type,
    nullable,
    // A foreign key would have to hold for it, and a unique constraint takes it only once.
    ...(target === undefined && !unique && draw.chance(0.4) ? { byDefault: DEFAULTS[type] } : {}),
    ...(unique ? { unique: '' } : {}),
    ...(draw.chance(0.3) ? { checked: '' } : {}),
    ...(isOrdered(type) && draw.chance(0.35) ? drawIndex(draw, type, isWhole) : {}),
    ...(target === undefined ? {} : { references: target, action }),
    notes: drawNotes(draw, type),
    // Where it never does the column may be NOT NULL in the end.
    values: {
      type,
      nulls: nullable && draw.chance(0.8),
      ...(target === undefined ? {} : { points: true as const }),
    },
  }
}

function drawIndex(draw: Draw, type: TypeName, isWhole: boolean): Pick<RandomColumn, 'indexed' | 'form'> {
  const form = drawForm(draw, type, isWhole)
  return { indexed: form.isNamed ? draw.name() : '', form }
}

/** A column on which nothing stands. */
export function drawPlainColumn(draw: Draw): RandomColumn {
  const { name, type, nullable, byDefault, values } = drawColumn(draw)
  return { name, type, nullable, values, ...(byDefault === undefined ? {} : { byDefault }) }
}

function isUndivided({ divided }: RandomTable): boolean {
  return divided === undefined
}

export function isPlain(column: RandomColumn): boolean {
  const { unique, checked, indexed, references, byDefault, notes = [] } = column
  return (
    [unique, checked, indexed, references, byDefault].every((one) => one === undefined) && notes.length === 0
  )
}

export function drawTables(draw: Draw): readonly RandomTable[] {
  const tables: RandomTable[] = []
  for (let left = draw.number(1, 3); left > 0; left -= 1) {
    const division = drawDivision(draw)
    const isWhole = division.divided === undefined
    // Where the names of its parts are cut they are told apart by numbers, in an order that is nobody's matter.
    const name = isWhole ? draw.name() : draw.shortName()
    // Its own among them. Before PostgreSQL 18 a key from partitions to partitions is one for each two of them.
    const targets = tables.filter((one) => one.isEmpty === undefined && (isWhole || isUndivided(one)))
    const others = [...targets.map((one) => one.name), name]
    const columns = Array.from({ length: draw.number(2, 5) }, () => drawColumn(draw, { others, isWhole }))
    const pointsAtItself = columns.some(({ references }) => references === name)
    tables.push({
      name,
      numbers: drawNumbers(draw),
      columns: [
        ...columns,
        ...(draw.chance(0.3) ? drawTexts(draw) : []),
        ...(draw.chance(0.2) ? [drawComputed(draw)] : []),
      ],
      ...division,
      beside: drawBeside(draw),
      ...(!pointsAtItself && draw.chance(0.15) ? { isEmpty: true as const } : {}),
    })
  }
  return tables
}

/** One that nobody writes, and nothing touches. */
function drawComputed(draw: Draw): RandomColumn {
  return {
    name: draw.name(),
    type: 'bigint',
    nullable: true,
    generated: 'generated always as (id * 2) stored',
    values: { type: 'bigint', nulls: false },
  }
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

export function isWritten({ generated }: RandomColumn): boolean {
  return generated === undefined
}

/** A value of a column; each number has its own, unless it must be one that is there in another table. */
export function valueSql({ values }: Pick<RandomColumn, 'values'>, n: string): string {
  const { type, nulls, points, as = (value) => value } = values
  const value = points === undefined ? as(typedValue(type, n)) : `1 + (${n})::bigint % ${KEPT}`
  return nulls ? `case when (${n}) % 7 <> 0 then ${value} end` : value
}

export function insertSql(
  { name, columns: all }: Pick<RandomTable, 'name' | 'columns'>,
  n: string,
  from = '',
): string {
  const columns = all.filter(isWritten)
  const names = columns.map((column) => id(column.name)).join(', ')
  return names === ''
    ? `insert into ${id(name)} default values`
    : `insert into ${id(name)} (${names}) select ${columns.map((column) => valueSql(column, n)).join(', ')}${from}`
}

/** Most of what is written goes again, so that the machine's haste does not make a table large, nor a life long. */
export function forgetSql(table: string, key: string, below?: number): string {
  const those = `${key} > ${ROWS}${below === undefined ? '' : ` and ${key} < ${below}`}`
  return `delete from ${table} where ${key} = (select max(${key}) from ${table} where ${those}) and $1::bigint % 5 > 0`
}
