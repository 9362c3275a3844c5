import type { Tree } from '../parse.ts'
import type { QualifiedName } from '../schema/model.ts'
import { shown } from '../sql.ts'
import { droppedThings, madeThings } from './made-things.ts'
import type { Setting } from './rule.ts'
import { columnOf, commandsOf, createdBy, nameOf, partsOf, relationName } from './statement.ts'

/** A table, or a column of one. */
export interface Place {
  readonly table: QualifiedName
  readonly column?: string
}

/** Does a way back drop only what the way there has made? With IF NOT EXISTS that may be somebody else's. */
export function isTakenBack(statement: Tree.Node, { part, takesBack = [], namespace }: Setting): boolean {
  if (part !== 'down') return false
  const places = takesBack.flatMap((one) => madePlaces(one, namespace)).map(keyOf)
  const things = takesBack.flatMap((one) => madeThings(one, namespace))
  return (
    droppedPlaces(statement, namespace).every(
      (one) => places.includes(keyOf(one)) || places.includes(keyOf({ table: one.table })),
    ) && droppedThings(statement, namespace).every((one) => things.includes(one))
  )
}

/** The tables and columns that a statement makes anew. */
export function madePlaces(statement: Tree.Node, namespace: string): readonly Place[] {
  const table = createdBy(statement, namespace) ?? foreignTable(statement, namespace)
  if (table !== undefined) return [{ table }]
  const relation = 'AlterTableStmt' in statement ? statement.AlterTableStmt.relation : undefined
  return commandsOf(statement).flatMap((command) => {
    const column =
      command.subtype === 'AT_AddColumn' && command.missing_ok !== true
        ? columnOf(command)?.colname
        : undefined
    return column === undefined ? [] : [{ table: relationName(relation, namespace), column }]
  })
}

function foreignTable(statement: Tree.Node, namespace: string): QualifiedName | undefined {
  const base = 'CreateForeignTableStmt' in statement ? statement.CreateForeignTableStmt.base : undefined
  return base === undefined || base.if_not_exists === true
    ? undefined
    : relationName(base.relation, namespace)
}

/** The tables and columns that a statement drops. */
export function droppedPlaces(statement: Tree.Node, namespace: string): readonly Place[] {
  if ('DropStmt' in statement) {
    const { removeType = '', objects = [] } = statement.DropStmt
    return /_(?:FOREIGN_)?TABLE$/.test(removeType)
      ? objects.map((object) => ({ table: nameOf(partsOf(object), namespace) }))
      : []
  }
  const relation = 'AlterTableStmt' in statement ? statement.AlterTableStmt.relation : undefined
  return commandsOf(statement).flatMap(({ subtype, name = '' }) =>
    subtype === 'AT_DropColumn' ? [{ table: relationName(relation, namespace), column: name }] : [],
  )
}

function keyOf({ table, column }: Place): string {
  return [table.namespace, table.name, ...(column === undefined ? [] : [column])].map(shown).join('.')
}
