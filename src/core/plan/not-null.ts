import type { Constraint, Facts } from '../schema/model.ts'
import { id } from '../sql.ts'
import { defaultName } from './names.ts'

/** Since PostgreSQL 18 a NOT NULL is a constraint with a name. */
export function notNullConstraint(
  op: { readonly table: string; readonly column: string },
  facts: Facts,
): readonly Constraint[] {
  if (facts.serverVersion < 180_000) return []
  return [
    {
      name: defaultName(op.table, [op.column], 'not_null'),
      kind: 'not_null',
      columns: [op.column],
      definition: `NOT NULL ${id(op.column)}`,
      validated: true,
      deferrable: false,
      comment: null,
      index: null,
      references: null,
      setsDefault: false,
    },
  ]
}
