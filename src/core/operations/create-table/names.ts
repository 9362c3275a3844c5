import { columnsNamed } from '../../parse.ts'
import { defaultName } from '../../plan/names.ts'
import type { CreateTable, NewConstraint } from './create-table.ts'

/** What a constraint is called, and the columns of the table that it is about, each once. */
export interface Named<C extends NewConstraint = NewConstraint> {
  readonly constraint: C
  readonly name: string
  readonly columns: readonly string[]
}

const SUFFIX = { unique: 'key', check: 'check', foreign_key: 'fkey' } as const

/** The constraints of a new table with their names: as they are given, or as PostgreSQL would choose them. */
export function namedConstraints(op: CreateTable): readonly Named[] {
  const taken = new Set(op.constraints.flatMap(({ name }) => name ?? []))
  return op.constraints.map((constraint) => {
    const columns =
      constraint.kind === 'check'
        ? columnsNamed(constraint.expression).filter((name) => op.columns.some((one) => one.name === name))
        : constraint.columns
    const name = constraint.name ?? freeName(op.table, constraint, columns, taken)
    taken.add(name)
    return { constraint, name, columns }
  })
}

export function primaryKeyName({ table }: CreateTable): string {
  return defaultName(table, [], 'pkey')
}

/** A check of several columns is called after none of them. Further ones of the same name are counted. */
function freeName(
  table: string,
  { kind }: NewConstraint,
  columns: readonly string[],
  taken: ReadonlySet<string>,
): string {
  const parts = kind === 'check' && columns.length !== 1 ? [] : columns
  for (let count = 0; ; count += 1) {
    const name = defaultName(table, parts, `${SUFFIX[kind]}${count === 0 ? '' : count}`)
    if (!taken.has(name)) return name
  }
}
