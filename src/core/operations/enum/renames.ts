import { nameOf, partsOf } from '../../statements/statement.ts'
import type { Operation } from '../migration.ts'
import { upOf } from '../sql/run-sql.ts'
import type { OfType } from './enum.ts'

/** A value of an enum that gets another name. */
export interface ValueRename extends OfType {
  readonly from: string
  readonly to: string
}

/** The values that an operation gives other names, also where a person writes the statement. */
export function valueRenames(op: Operation): readonly ValueRename[] {
  if (op.kind === 'rename_enum_value') return [op]
  if (op.kind !== 'sql') return []
  return upOf(op).flatMap((statement) => {
    if (!('AlterEnumStmt' in statement)) return []
    const { typeName, oldVal: from, newVal: to } = statement.AlterEnumStmt
    const { namespace, name: type } = nameOf(partsOf(typeName), op.namespace)
    return from === undefined || to === undefined ? [] : [{ namespace, type, from, to }]
  })
}
