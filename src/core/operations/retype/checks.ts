import type { BellowsError } from '../../errors.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { isNeverNull } from '../../plan/never-null.ts'
import { isSmall, tooLarge } from '../../plan/small-table.ts'
import { refused } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { collationKey } from '../../schema/mappings.ts'
import { type Column, needsColumn, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { ruleProblems } from '../copy/checks.ts'
import type { Retyped } from './retype.ts'
import type { Target } from './target.ts'

/** What holds for the old column, and perhaps not for one of other values or of another order. */
export function retypeProblems(
  op: Retyped,
  table: Table,
  from: Column,
  { target, facts }: { readonly target: Target; readonly facts: Facts },
): readonly BellowsError[] {
  const domain = domainProblems(op, table, facts)
  if (domain.length > 0) return domain
  if (op.up === undefined) return op.collation === undefined ? [] : collationProblems(op, table, facts)
  return [
    ...ruleProblems(table, op.from, op.to),
    ...(target.baseType === from.baseType ? [] : indexProblems(op, table)),
  ]
}

/** PostgreSQL writes the table anew for such a column, which is NULL until it is filled; and not every value keeps to it. */
function domainProblems(
  { type = '', up, to }: Retyped,
  table: Table,
  { types }: Facts,
): readonly BellowsError[] {
  const domain = types[type]?.domain
  if (domain === undefined) return []
  const of = `The domain ${type} of "${to}"`
  if (!isSmall(table))
    return [
      refused(
        `${of} has a constraint or a default: PostgreSQL writes the whole table anew for such a column under a lock, and ${tooLarge(table)}.`,
        'Take the type that the domain is of, and put a check on the column in the same migration that says what the domain says.',
      ),
    ]
  if (domain.hasDefault || !domain.takesNull)
    return [
      refused(
        `${of} ${domain.hasDefault ? 'has a default' : 'does not take NULL'}, and the new column is NULL until it is filled.`,
        'Take the type that the domain is of, and give the column the rest.',
      ),
    ]
  if (up !== undefined) return []
  return [
    refused(
      `${of} has a constraint, and nobody knows whether every value keeps to it.`,
      'Write up: <the value, such that it keeps to it>, and down; a write fails for which it does not.',
    ),
  ]
}

/** An expression or an operator class for the old type need not exist for the new one. */
function indexProblems({ from }: Retyped, table: Table): readonly BellowsError[] {
  const isPlain = (definition: string, parts: readonly string[]) =>
    parts.every((part) => table.columns.some(({ name }) => name === part)) &&
    !/ WHERE | COLLATE |_ops\b/.test(definition)
  return table.indexes
    .filter((one) => one.columns.includes(from) && !isPlain(one.definition, one.nameParts))
    .map(({ name }) =>
      refused(
        `The index ${shown(name)} is made for the old type of "${from}".`,
        'Drop it for the time of the migration, and create one for the new type afterwards.',
      ),
    )
}

/** What holds in one order of texts need not hold in another one. */
function collationProblems(op: Retyped, table: Table, facts: Facts): readonly BellowsError[] {
  const collation = facts.collations[collationKey({ namespace: op.namespace, name: op.collation ?? '' })]
  const rules =
    collation?.deterministic === true
      ? table.constraints.filter((one) => one.kind === 'check' && needsColumn(table, one, op.from))
      : table.constraints.filter((one) => one.kind !== 'not_null' && needsColumn(table, one, op.from))
  const uniques =
    collation?.deterministic === true
      ? []
      : table.indexes.filter((one) => one.unique && one.constraint === null && one.columns.includes(op.from))
  return [...rules, ...uniques].map(({ name }) =>
    refused(
      `${shown(name)} holds for "${op.from}" as it is ordered now; nobody knows whether it holds under ${op.collation}.`,
      'Drop it for the time of the migration, and add it again afterwards.',
    ),
  )
}

/** A mapping that a person wrote may fail for a value that somebody writes. */
export function mappingHazards(op: Retyped, notNull: boolean): readonly Hazard[] {
  if (op.up === undefined) return []
  const mayBeNull = notNull && !isNeverNull(op.up)
  return [
    {
      code: 'may_break',
      because: `From the expand on a write fails for whose value of "${op.from}" up (${op.up}) fails${mayBeNull ? ' or gives NULL, which is refused' : ''}. Rows that are there are tried by the backfill, before the contract.`,
    },
  ]
}
