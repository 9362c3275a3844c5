import type { BellowsError } from '../../errors.ts'
import { refused } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import type { Index } from '../../schema/indexes.ts'
import { isSameName, type QualifiedName, type Schema, type Table, withTable } from '../../schema/model.ts'
import { regclass, type Sql, shown, sql } from '../../sql.ts'

/** A partition may have indexes for itself alone, beside its parts of those that its table has. */

/** No row of an index that is part of none. */
export function wholeQuestion(index: QualifiedName): Sql {
  return sql`select h.inhparent::pg_catalog.regclass::pg_catalog.text as whole from pg_catalog.pg_inherits h where h.inhrelid = ${regclass(index)}`
}

/** A part goes, and is another one, with the whole. */
export function partOfWholeProblems(index: QualifiedName, { answers }: Facts): readonly BellowsError[] {
  const answer = answers[wholeQuestion(index)]
  const [found] = answer === undefined || 'problem' in answer ? [] : answer
  if (found === undefined) return []
  return [
    refused(
      `The index ${shown(index.name)} is the part of ${String(found.whole)} that the partition has.`,
      'Do it to that index: its parts go along.',
    ),
  ]
}

/** The index is built as that of a table, which one that is partitioned itself is not. */
export function dividedProblems(table: Table): readonly BellowsError[] {
  if (table.kind !== 'partition' || (table.parts.length === 0 && table.keyedBy.length === 0)) return []
  return [
    refused(
      `${shown(table.namespace)}.${shown(table.name)} is a partition that is partitioned itself.`,
      'Do it to each of its partitions, or to its table.',
    ),
  ]
}

/** What its table knows of a partition: it would be lost with a column of the table. */
export function withOwnIndexes(schema: Schema, before: Table, after: Table): Schema {
  const changed = withTable(schema, after)
  if (after.kind !== 'partition') return changed
  const gone = before.indexes.filter(({ name }) => after.indexes.every((one) => one.name !== name))
  const made = after.indexes.filter(({ name }) => before.indexes.every((one) => one.name !== name))
  return changed.tables
    .filter(({ parts }) => parts.some((part) => isSameName(part, after)))
    .reduce(
      (all, table) =>
        withTable(all, { ...table, parts: table.parts.map((part) => owning(part, after, { gone, made })) }),
      changed,
    )
}

function owning(
  part: Table['parts'][number],
  of: QualifiedName,
  { gone, made }: { readonly gone: readonly Index[]; readonly made: readonly Index[] },
): Table['parts'][number] {
  if (!isSameName(part, of)) return part
  const own = part.own.filter(({ what }) => !gone.some(({ name }) => what === called(name)))
  return { ...part, own: [...own, ...made.map(({ name, columns }) => ({ what: called(name), columns }))] }
}

function called(name: string): string {
  return `the index ${name} of its own`
}
