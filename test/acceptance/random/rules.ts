import { defaultName } from '../../../src/core/plan/names.ts'
import { id } from '../../../src/core/sql.ts'
import { matrixMajor } from '../../support/matrix.ts'
import type { Draw } from './draw.ts'
import type { RandomColumn } from './schema.ts'
import { isOrdered } from './types.ts'
import {
  atStart,
  type Drawn,
  drawPlace,
  drawTarget,
  type Generator,
  type Place,
  replaced,
  using,
  type Way,
} from './way.ts'

export const addConstraint: Generator = (draw, way) =>
  draw.one([uniqueOrCheck, uniqueOrCheck, foreignKey, exclusion, primaryKey])(draw, way)

const uniqueOrCheck: Generator = (draw, way) => {
  const place = drawPlace(draw, draw.chance(0.3) ? way.added : way.free)
  if (place === undefined) return undefined
  const { table, column } = place
  if (draw.chance(0.4) && isOrdered(column.type))
    return {
      operation: { kind: 'add_constraint', namespace: 'public', table, unique: [column.name, 'id'] },
      way: using(way, place, `alter table ${id(atStart(way, table))} add unique (${id(column.name)}, id);`),
    }
  const check = `${id(column.name)}::text <> 'nobody'`
  return {
    operation: { kind: 'add_constraint', namespace: 'public', table, check },
    way: using(way, place, `alter table ${id(atStart(way, table))} add check (${check});`),
    ...(column.checked === undefined
      ? { impossible: [droppedAgain(table, defaultName(atStart(way, table), [column.name], 'check'))] }
      : {}),
  }
}

function droppedAgain(table: string, name: string): NonNullable<Drawn['impossible']>[number] {
  return [{ kind: 'drop_constraint', namespace: 'public', table, name }, 'itself, and drops it']
}

/** Of a column that points at the first rows of a table, at those of another one. */
const foreignKey: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free, ({ references }) => references !== undefined)
  const target = drawTarget(draw, way)
  if (place === undefined || target === undefined) return undefined
  const { table, column } = place
  const cascades = draw.chance(0.5)
  const references = { namespace: 'public', table: target.table, columns: ['id'] }
  return {
    operation: {
      kind: 'add_constraint',
      namespace: 'public',
      table,
      foreign_key: {
        columns: [column.name],
        references: cascades ? { ...references, on_delete: 'cascade' as const } : references,
      },
      ...(draw.chance(0.3) ? { when: 'before_rollout' as const } : {}),
    },
    way: using(
      using(way, target),
      place,
      `alter table ${id(atStart(way, table))} add foreign key (${id(column.name)}) references ${id(atStart(way, target.table))} (id)${cascades ? ' on delete cascade' : ''};`,
    ),
  }
}

const exclusion: Generator = (draw, way) => {
  // Before PostgreSQL 17 no partitioned table has one.
  const canHave = (name: string) =>
    Number(matrixMajor()) >= 17 || way.tables.some((one) => one.name === name && one.divided === undefined)
  const fitting = way.free.filter(({ table, column }) => canHave(table) && isOrdered(column.type))
  const place = drawPlace(draw, fitting)
  if (place === undefined) return undefined
  const { table, column } = place
  const exclude = `using btree (${id(column.name)} with =, id with =)`
  return {
    operation: { kind: 'add_constraint', namespace: 'public', table, exclude },
    way: using(way, place, `alter table ${id(atStart(way, table))} add exclude ${exclude};`),
  }
}

/** Of a table whose rows are told apart by a unique constraint alone. */
const primaryKey: Generator = (draw, way) => {
  const place = drawPlace(
    draw,
    way.free.filter(({ table }) =>
      way.tables.some((one) => one.name === table && !one.numbers.isPrimary && one.isKeyed === undefined),
    ),
  )
  if (place === undefined) return undefined
  const { table } = place
  return {
    operation: { kind: 'add_constraint', namespace: 'public', table, primary_key: ['id'] },
    way: {
      ...way,
      tables: way.tables.map((one) => (one.name === table ? { ...one, isKeyed: true as const } : one)),
    },
  }
}

/** What stands on a column, by its name, and the column without it, or with it under another name. */
interface Standing {
  readonly name: string
  readonly without: RandomColumn
  readonly called: (name: string) => RandomColumn
}

function standingOn(table: string, column: RandomColumn): Standing | undefined {
  const { unique, checked, references, pointing, ...rest } = column
  const named = (given: string, suffix: string) =>
    given === '' ? defaultName(table, [column.name], suffix) : given
  if (unique !== undefined)
    return {
      name: named(unique, 'key'),
      without: { ...rest, ...(checked === undefined ? {} : { checked }) },
      called: (name) => ({ ...column, unique: name }),
    }
  if (checked !== undefined)
    return {
      name: named(checked, 'check'),
      without: { ...rest, ...(references === undefined ? {} : { references }) },
      called: (name) => ({ ...column, checked: name }),
    }
  return references === undefined
    ? undefined
    : {
        name: named(pointing ?? '', 'fkey'),
        without: rest,
        called: (name) => ({ ...column, pointing: name }),
      }
}

export const dropConstraint: Generator = (draw, way) => {
  const drawn = drawStanding(draw, way)
  if (drawn === undefined) return undefined
  const { place, standing } = drawn
  const { table, column } = place
  const { references: target } = column
  const left = replaced(way, place, standing.without)
  const other = left.free.find((one) => one.table === target)
  // What a foreign key with an action points at waits for it, and is to be there under its name.
  if (target !== undefined && standing.without.references === undefined && other === undefined)
    return undefined
  return {
    operation: { kind: 'drop_constraint', namespace: 'public', table, name: standing.name },
    way: target === undefined || other === undefined ? left : using(left, other),
  }
}

export const renameConstraint: Generator = (draw, way) => {
  // Of a foreign key those of partitions keep their names.
  const isDivided = (name?: string) => way.start.some((one) => one.name === name && one.divided !== undefined)
  const fitting = way.free.filter(
    ({ table, column: { unique, checked, references } }) =>
      (unique ?? checked) !== undefined || !(isDivided(atStart(way, table)) || isDivided(references)),
  )
  const drawn = drawStanding(draw, { ...way, free: fitting })
  if (drawn === undefined) return undefined
  const { place, standing } = drawn
  const to = draw.name()
  return {
    operation: {
      kind: 'rename_constraint',
      namespace: 'public',
      table: place.table,
      from: standing.name,
      to,
    },
    way: replaced(way, place, standing.called(to)),
  }
}

function drawStanding(
  draw: Draw,
  way: Way,
): { readonly place: Place; readonly standing: Standing } | undefined {
  const place = drawPlace(
    draw,
    way.free,
    ({ unique, checked, references }) => (unique ?? checked ?? references) !== undefined,
  )
  if (place === undefined) return undefined
  const standing = standingOn(atStart(way, place.table), place.column)
  return standing === undefined ? undefined : { place, standing }
}
