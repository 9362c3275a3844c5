import { findTable, type Schema, withTable } from '../../schema/model.ts'
import { commandsOf, constraintOf, relationName } from '../../statements/statement.ts'
import { type RunSql, upOf } from './run-sql.ts'

/** The foreign keys that `up` adds, as far as locks need them: whoever validates or drops one locks the other table as well. */
export function withForeignKeys(op: RunSql, schema: Schema): Schema {
  return upOf(op).reduce((before, statement) => {
    const relation = 'AlterTableStmt' in statement ? statement.AlterTableStmt.relation : undefined
    const table = findTable(before, relationName(relation, op.namespace))
    const keys = commandsOf(statement).flatMap((command) => {
      const { conname: name, pktable } = constraintOf(command) ?? {}
      if (name === undefined || pktable === undefined) return []
      return [
        {
          name,
          kind: 'foreign_key' as const,
          columns: [],
          definition: '',
          dependents: [],
          validated: false,
          deferrable: false,
          comment: null,
          index: null,
          references: relationName(pktable, op.namespace),
          setsDefault: false,
        },
      ]
    })
    if (table === undefined || keys.length === 0) return before
    return withTable(before, { ...table, constraints: [...table.constraints, ...keys] })
  }, schema)
}
