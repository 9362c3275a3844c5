import { seedOf } from '../../src/core/operations/change-type/keys/keys.ts'
import type { Operation } from '../../src/core/operations/migration.ts'
import type { Retyped } from '../../src/core/operations/retype/retype.ts'
import { arranged } from '../../src/core/plan/arranged.ts'
import { namesFor } from '../../src/core/plan/names.ts'
import { placesOf } from '../../src/core/plan/place.ts'
import type { Plan } from '../../src/core/plan/plan.ts'
import { theTable } from '../../src/core/plan/table-checks.ts'
import {
  findColumn,
  findTable,
  isSameName,
  type QualifiedName,
  type Schema,
} from '../../src/core/schema/model.ts'
import { id, lit } from '../../src/core/sql.ts'

/**
 * What a migration says in two ways for as long as both are there: old columns, and the new ones that take their place. Of what is
 * planned only the names are taken; how a value goes over is read off the operation, so a plan that compares the wrong thing is found.
 */
export interface Twin {
  /** By the names of the start: that of the old columns, and that of the new ones where it is another one. */
  readonly tables: readonly [QualifiedName] | readonly [QualifiedName, QualifiedName]
  /** Which rows of the two belong together: `old_row` and `new_row`. */
  readonly on?: string
  /** What each is called until it is hidden, and from then on. */
  readonly olds: readonly { readonly name: string; readonly hidden: string }[]
  /** What each is called as long as the old ones are seen, and in the end. */
  readonly news: readonly { readonly until: string; readonly name: string }[]
  /** Texts of the new values over the old columns, and of the old ones over the new, each by the names that an operation gives them. */
  readonly up: readonly string[]
  readonly down?: readonly string[]
  /** Are the old columns kept in step while they are hidden? */
  readonly isKept: boolean
}

/** @param schema as it is at the start */
export function twinsOf(plan: Plan, schema: Schema): readonly Twin[] {
  const migration = arranged(plan.migration)
  const placeOf = placesOf(migration)
  const compared = comparisonsOf(plan)
  const twins = migration.operations.flatMap((op, at) =>
    twinsOfOne(op, placeOf(at).seed, { compared, schema }),
  )
  const lacking = compared.filter(({ table, to }) => !twins.some((twin) => isOf(twin, table, to)))
  if (lacking.length > 0) throw new Error(`nothing is known of ${JSON.stringify(lacking)}`)
  return twins
}

interface Compared {
  readonly table: QualifiedName
  readonly from: string
  readonly to: string
}

/** What the plan compares: nobody but it knows which other columns follow a key, or have a type. */
function comparisonsOf({ steps }: Plan): readonly Compared[] {
  return steps.flatMap((step) =>
    step.kind === 'verify'
      ? (step.each ?? [step]).map(({ columns }) => ({ table: step.table, ...columns }))
      : [],
  )
}

function isOf({ tables, news }: Twin, table: QualifiedName, to: string): boolean {
  const last = tables.at(-1)
  // Of several columns they are listed.
  return last !== undefined && isSameName(last, table) && news.some(({ until }) => to.startsWith(until))
}

interface Known {
  readonly compared: readonly Compared[]
  readonly schema: Schema
}

function twinsOfOne(op: Operation, seed: string, known: Known): readonly Twin[] {
  switch (op.kind) {
    case 'rename_column': {
      const { hidden } = namesFor(seed, op.from, [])
      const isCompared = known.compared.some(({ from, to }) => from === op.from && to === op.to)
      return isCompared ? [retypedTwin(op, { hidden, until: op.to }, known)] : []
    }
    case 'change_type': {
      const { hidden, twin } = namesFor(seed, op.column, [])
      const own = { ...op, from: op.column, to: op.column }
      const isCopied = known.compared.some(({ to }) => to === twin)
      return [
        ...(isCopied ? [retypedTwin(own, { hidden, until: twin }, known)] : []),
        ...following(seed, known).map((one) => sameTwin(one)),
      ]
    }
    case 'remove_enum_value':
      return following(seed, known).map((one) => ({ ...sameTwin(one), up: [withoutValue(op, one, known)] }))
    case 'split_column':
      return [reshaped(op, { seed, olds: [{ name: op.from, down: op.down }], news: op.to })]
    case 'merge_columns':
      return [reshaped(op, { seed, olds: op.from, news: [{ name: op.to, type: op.type, up: op.up }] })]
    case 'move_column':
      return [movedTwin(op)]
    default:
      return []
  }
}

const TRANSFORMS = { copy: '', trim: 'btrim', upper: 'upper', lower: 'lower' } as const

function retypedTwin(
  op: Retyped & { readonly transform?: keyof typeof TRANSFORMS; readonly overlap?: string },
  { hidden, until }: { readonly hidden: string; readonly until: string },
  { schema }: Known,
): Twin {
  const { from, to, transform = 'copy', up, down } = op
  const table = findTable(schema, theTable(op))
  const was = table === undefined ? undefined : findColumn(table, from)?.type
  const type = op.type ?? was
  const isKept = op.overlap === undefined && transform === 'copy'
  const back = up === undefined ? id(to) : down
  return {
    tables: [theTable(op)],
    olds: [{ name: from, hidden }],
    news: [{ until, name: to }],
    up: [textOf(up ?? `${TRANSFORMS[transform]}(${id(from)})`, type)],
    ...(isKept && back !== undefined ? { down: [textOf(back, was)] } : {}),
    isKept,
  }
}

/** As the column has it: a value goes through the type on its way. */
function textOf(expression: string, type: string | undefined): string {
  return type === undefined ? `(${expression})::text` : `((${expression})::${type})::text`
}

/** Columns that a plan copies besides, under names that come of the same seed. */
function following(seed: string, { compared }: Known) {
  return compared.flatMap(({ table, from, to }) => {
    const { twin, hidden } = namesFor(seedOf(seed, { table, column: from }), from, [])
    return twin === to ? [{ table, from, hidden, until: twin }] : []
  })
}

type Following = ReturnType<typeof following>[number]

function sameTwin({ table, from, hidden, until }: Following): Twin {
  return {
    tables: [table],
    olds: [{ name: from, hidden }],
    news: [{ until, name: from }],
    up: [textOf(id(from), undefined)],
    down: [textOf(id(from), undefined)],
    isKept: true,
  }
}

function withoutValue(
  { value, becomes }: Extract<Operation, { kind: 'remove_enum_value' }>,
  { table, from }: Following,
  { schema }: Known,
): string {
  const of = findTable(schema, table)
  const type = of === undefined ? undefined : findColumn(of, from)?.type
  if (type?.endsWith('[]') === true)
    return `array_replace(${id(from)}::text[], ${lit(value)}, ${lit(becomes)})::text`
  return `case when ${id(from)}::text = ${lit(value)} then ${lit(becomes)} else ${id(from)}::text end`
}

interface Reshaped {
  readonly seed: string
  readonly olds: readonly { readonly name: string; readonly down: string }[]
  readonly news: readonly { readonly name: string; readonly type: string; readonly up: string }[]
}

function reshaped(
  on: { readonly namespace: string; readonly table: string },
  { seed, olds, news }: Reshaped,
): Twin {
  return {
    tables: [theTable(on)],
    olds: olds.map(({ name }) => ({ name, hidden: namesFor(`${seed} ${name}`, name, []).hidden })),
    news: news.map(({ name }) => ({ until: name, name })),
    up: news.map(({ up, type }) => textOf(up, type)),
    down: olds.map(({ down }) => textOf(down, undefined)),
    isKept: true,
  }
}

/** While it is hidden the old column has what it had: what is written meanwhile is noted, and brought back by an undo. */
function movedTwin({ from, to, on }: Extract<Operation, { kind: 'move_column' }>): Twin {
  return {
    tables: [theTable(from), theTable(to)],
    on: on.map((one) => `old_row.${id(one.source)} = new_row.${id(one.target)}`).join(' and '),
    olds: [{ name: from.column, hidden: '' }],
    news: [{ until: to.column, name: to.column }],
    up: [textOf(id(from.column), undefined)],
    isKept: false,
  }
}
