import { type Constraint, findTable, type Schema, withTable } from '../../schema/model.ts'
import { sql } from '../../sql.ts'
import { commandsOf, constraintOf, partsOf, relationName } from '../../statements/statement.ts'
import { foreignKeyRule } from '../rules/rule.ts'
import { PLAIN_CONSTRAINT } from '../rules/schema.ts'
import { definitionSql } from '../rules/words.ts'
import { type RunSql, upOf } from './run-sql.ts'

/** The foreign keys that `up` adds, as far as locks need them: whoever validates or drops one locks the other table as well. */
export function withForeignKeys(op: RunSql, schema: Schema): Schema {
  return upOf(op).reduce((before, statement) => {
    const relation = 'AlterTableStmt' in statement ? statement.AlterTableStmt.relation : undefined
    const table = findTable(before, relationName(relation, op.namespace))
    const keys = commandsOf(statement).flatMap((command) => foreignKey(constraintOf(command), op.namespace))
    if (table === undefined || keys.length === 0) return before
    return withTable(before, { ...table, constraints: [...table.constraints, ...keys] })
  }, schema)
}

type Added = ReturnType<typeof constraintOf>

function foreignKey(added: Added, namespace: string): readonly Constraint[] {
  const { conname: name, pktable, fk_attrs, pk_attrs } = added ?? {}
  if (name === undefined || pktable === undefined) return []
  const references = relationName(pktable, namespace)
  const rule = foreignKeyRule(partsOf(fk_attrs), partsOf(pk_attrs), { ...references, table: references.name })
  const definition = sql`${definitionSql(rule)} not valid`
  return [
    {
      ...PLAIN_CONSTRAINT,
      name,
      kind: 'foreign_key',
      columns: rule.columns,
      definition,
      validated: false,
      references,
    },
  ]
}
