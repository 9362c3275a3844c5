import type { MappingNeed } from '../../schema/mappings.ts'
import type { QualifiedName } from '../../schema/model.ts'
import type { OperationNeeds } from '../needs.ts'

/** Columns of a table that take the place of others, each made of all of them: what a split and a merge have in common. */
export interface Reshape {
  readonly table: QualifiedName
  readonly olds: readonly OldColumn[]
  readonly news: readonly NewColumn[]
}

export interface OldColumn {
  readonly name: string
  /** Its value, as an SQL expression over the new columns. */
  readonly down: string
}

export interface NewColumn {
  readonly name: string
  /** As in SQL, such as `varchar(20)`. */
  readonly type: string
  readonly nullable: boolean
  /** Its value, as an SQL expression over the old columns. */
  readonly up: string
}

export function reshapeNeeds(shape: Reshape): OperationNeeds {
  const { table, olds, news } = shape
  return {
    tables: [{ ...table, columns: olds.map(({ name }) => name) }],
    types: news.map(({ type }) => type),
    mappings: [...upNeeds(shape), ...downNeeds(shape)],
    touches: [...new Set([...olds, ...news].map(({ name }) => name))].map((column) => ({
      table,
      column,
      how: 'replaces',
    })),
  }
}

/** For each new column what it is made of. */
export function upNeeds({ table, olds, news }: Reshape): readonly MappingNeed[] {
  const over = olds.map(({ name }) => ({ name }))
  return news.map(({ name, type, up }) => ({ table, expression: up, over, into: { name, type } }))
}

export function downNeeds({ table, olds, news }: Reshape): readonly MappingNeed[] {
  const over = news.map(({ name, type }) => ({ name, type }))
  return olds.map(({ name, down }) => ({ table, expression: down, over, into: { name } }))
}
