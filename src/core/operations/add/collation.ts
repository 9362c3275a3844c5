import type { BellowsError } from '../../errors.ts'
import { refused } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { collationAsNamed, collationKey } from '../../schema/mappings.ts'
import type { Column, QualifiedName } from '../../schema/model.ts'
import { qualified, type Sql, sql } from '../../sql.ts'
import type { AddColumn } from './add.ts'

export function collationNeeds({ namespace, collation }: AddColumn): readonly QualifiedName[] {
  return collation === undefined ? [] : [{ namespace, name: collation }]
}

/** The collation that the column has of its own, after the check. */
export function collationOf(op: AddColumn, facts: Facts): Column['collation'] {
  const [found] = collationNeeds(op).map((need) => facts.collations[collationKey(need)])
  return found === undefined ? null : collationAsNamed(found)
}

export function collateSql(op: AddColumn, facts: Facts): Sql {
  const collation = collationOf(op, facts)
  return collation === null ? sql`` : sql` collate ${qualified(collation)}`
}

export function collationProblems(op: AddColumn, facts: Facts): readonly BellowsError[] {
  const [need] = collationNeeds(op)
  const type = facts.types[op.type]
  if (need === undefined || type === undefined) return []
  if (facts.collations[collationKey(need)] === undefined)
    return [
      refused(
        `There is no collation "${op.collation}" for "${op.column}".`,
        'It is looked for in pg_catalog and in the namespace of the table; names are taken literally.',
      ),
    ]
  if (type.collatable) return []
  return [
    refused(
      `"${op.column}" is of type ${type.type}, which has no order of texts, so it takes no collation.`,
      'Leave the field out.',
    ),
  ]
}
