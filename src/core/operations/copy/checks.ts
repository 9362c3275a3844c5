import type { BellowsError } from '../../errors.ts'
import { ownPartProblems, refused, ruledProblems, unprovedNulls } from '../../plan/table-checks.ts'
import { type Column, type Constraint, needsColumn, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { unprovedProblems } from '../keys/primary-key.ts'

/** Why the values of a column cannot be copied in step with its writers. */
export function sourceProblems(table: Table, { name, ...from }: Column): readonly BellowsError[] {
  const of = `"${table.name}"."${name}"`
  const found: (string | undefined)[] = [
    from.generated === 'no' ? undefined : `${of} is a generated column; a trigger does not see its value.`,
    from.identity === 'no'
      ? undefined
      : `${of} is an identity column, which cannot be moved to another column yet.`,
    from.typeKind === 'composite'
      ? `${of} is of a composite type, where NULL and a row of NULLs cannot be told apart.`
      : undefined,
    from.typeConstrained
      ? `${of} is of a domain with constraints; adding another such column rewrites the table.`
      : undefined,
    table.rowSecurityForced
      ? `Row security is forced on "${table.name}"${table.kind === 'partitioned' ? ', or a partition of it,' : ''} for the connected role, which would see only a part of the rows.`
      : undefined,
  ]
  return [
    ...found.filter((message) => message !== undefined).map((message) => refused(message)),
    ...unprovedNulls(table, name),
    ...ruledProblems(table),
    ...ownPartProblems(table, [name]),
  ]
}

/** What hangs on the column and cannot get a twin while both columns live. Refused by name, before anything runs. */
export function carryProblems(table: Table, from: Column): readonly BellowsError[] {
  const mine = table.constraints.filter((one) => needsColumn(table, one, from.name))
  const found = mine
    .flatMap((one): readonly (readonly [string, string?])[] => {
      if (isTooWide(table, one))
        return [
          [
            `"${table.name}" has ${table.parts.length} partitions, and the primary key ${shown(one.name)} of all goes over in one moment, in which nobody can use the table: that is for at most ${KEYED_PARTS_MAX}.`,
            'Detach partitions first, as far as they can be missed, and attach them again afterwards.',
          ],
        ]
      if (one.kind === 'exclusion')
        return [[`The exclusion constraint ${shown(one.name)} cannot be built without stopping writers.`]]
      if (one.kind === 'unique' && one.deferrable) {
        return [
          [
            `The unique constraint ${shown(one.name)} is deferrable; a twin would be checked at once while it is built.`,
          ],
        ]
      }
      if (one.definition.includes('WITHOUT OVERLAPS'))
        return [
          [`The constraint ${shown(one.name)} is WITHOUT OVERLAPS, which cannot be built concurrently.`],
        ]
      if (one.setsDefault)
        return [[`The foreign key ${shown(one.name)} sets a default, which two columns cannot share.`]]
      return []
    })
    .map(([message, hint]) =>
      refused(
        message,
        hint ?? 'Drop the constraint for the time of the migration, and add it again afterwards.',
      ),
    )
  const keys = mine.filter(({ kind }) => kind === 'foreign_key')
  return [...found, ...keys.flatMap((key) => unprovedProblems(table, key))]
}

/** A rule that holds for the old values need not hold for the changed ones; then every write of the application would fail. */
export function ruleProblems(table: Table, from: string, to: string): readonly BellowsError[] {
  const rules = table.constraints.filter((one) => needsColumn(table, one, from) && one.kind !== 'not_null')
  const uniques = table.indexes.filter(
    (one) => one.unique && one.constraint === null && one.columns.includes(from),
  )
  return [...rules, ...uniques].map(({ name }) =>
    refused(
      `${shown(name)} holds for "${from}"; nobody knows whether it holds for the changed values in "${to}".`,
      'Drop it for the time of the migration, and make it anew afterwards.',
    ),
  )
}

/** On a server that has several times as much to do as it has cores for, some 5 ms for each partition; the bound of a transaction is 2 s. */
const KEYED_PARTS_MAX = 100

function isTooWide({ kind, parts }: Table, one: Constraint): boolean {
  return kind === 'partitioned' && one.kind === 'primary_key' && parts.length > KEYED_PARTS_MAX
}
