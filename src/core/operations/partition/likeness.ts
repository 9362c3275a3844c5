import type { BellowsError } from '../../errors.ts'
import { readIndex } from '../../plan/index-text.ts'
import { refused } from '../../plan/table-checks.ts'
import type { Index } from '../../schema/indexes.ts'
import { type Column, type Constraint, findColumn, type Table } from '../../schema/model.ts'
import { qualified, shown } from '../../sql.ts'

/**
 * What a table lacks to become a partition in an instant. PostgreSQL refuses some of it; the rest it makes itself, by reading the
 * partition while nobody can use it.
 */
export function likenessProblems(table: Table, part: Table): readonly BellowsError[] {
  return [
    ...columnProblems(table, part),
    ...table.constraints.flatMap((one) => constraintProblems(one, table, part)),
    ...table.indexes.flatMap((one) => indexProblems(one, table, part)),
    ...table.triggers
      .filter(({ name }) => part.triggers.some((one) => one.name === name))
      .map(({ name }) => refused(`Both have a trigger ${shown(name)}.`, `Drop that of "${part.name}".`)),
  ]
}

function columnProblems(table: Table, part: Table): readonly BellowsError[] {
  const of = (name: string) => `"${part.name}"."${name}"`
  const more = part.columns.filter(({ name }) => findColumn(table, name) === undefined)
  return [
    ...more.map(({ name }) => refused(`${of(name)} is no column of "${table.name}".`, 'Drop it first.')),
    ...table.columns.flatMap((column) => {
      const mine = findColumn(part, column.name)
      if (mine === undefined)
        return [refused(`"${part.name}" has no column "${column.name}".`, 'Add it first, of the same type.')]
      const problem = differenceOf(column, mine)
      return problem === undefined ? [] : [refused(`${of(column.name)} ${problem}.`, 'Change it first.')]
    }),
  ]
}

function differenceOf(column: Column, mine: Column): string | undefined {
  if (mine.type !== column.type) return `is of type ${mine.type}, not ${column.type}`
  if (JSON.stringify(mine.collation) !== JSON.stringify(column.collation)) return 'has another collation'
  if (mine.generated !== column.generated) return 'differs in whether it is generated'
  if (mine.identity !== 'no') return 'is an identity column'
  return mine.nullable && !column.nullable ? 'takes NULL' : undefined
}

/** The name counts of a check alone. */
function constraintProblems(one: Constraint, table: Table, part: Table): readonly BellowsError[] {
  if (one.kind === 'not_null') return []
  if (one.kind === 'exclusion')
    return [
      refused(
        `PostgreSQL builds the exclusion constraint ${shown(one.name)} of "${table.name}" for a partition that is attached, also beside one like it, while nobody can use that.`,
        'Make an empty partition with create_table, and write the rows to it.',
      ),
    ]
  const isLike = (mine: Constraint) =>
    mine.kind === one.kind &&
    mine.definition === one.definition &&
    mine.validated &&
    (one.kind !== 'check' || mine.name === one.name)
  if (part.constraints.some(isLike)) return []
  const name = one.kind === 'check' ? ` ${shown(one.name)}` : ''
  return [
    refused(
      `"${part.name}" lacks the constraint ${shown(one.name)} of "${table.name}": ${one.definition}.`,
      `Add it first, with add_constraint: alter table ${qualified(part)} add constraint${name} ${one.definition}`,
    ),
  ]
}

function indexProblems(index: Index, table: Table, part: Table): readonly BellowsError[] {
  if (index.constraint !== null) return []
  const wanted = behindTable(index)
  const isLike = (mine: Index) =>
    mine.valid && mine.constraint === null && mine.unique === index.unique && behindTable(mine) === wanted
  if (part.indexes.some(isLike)) return []
  return [
    refused(
      `"${part.name}" lacks an index like ${shown(index.name)} of "${table.name}", which would be built while nobody can use it.`,
      `Create it first, with create_index: create ${index.unique ? 'unique ' : ''}index on ${qualified(part)} ${wanted}`,
    ),
  ]
}

/** How the server prints an index, from the method on. */
export function behindTable({ definition }: Pick<Index, 'definition'>): string {
  const read = readIndex(definition.replace(' ON ONLY ', ' ON '))
  return 'problem' in read ? definition : read.rest
}
