import type { Tree } from '../parse.ts'
import type { Lock, LockLevel } from '../plan/step.ts'
import {
  type Constraint,
  findTable,
  isSameName,
  needsColumn,
  type Schema,
  type Table,
} from '../schema/model.ts'
import { commandsOf, nameOf, partsOf, relationName, type Statements } from './statement.ts'
import { highest, locksOf, type StatementLock } from './statement-locks.ts'

/**
 * What stops writers of a table is locked ahead, in the order of the statements; views and indexes are not locked by name, nor the
 * table at the other end of a foreign key, which may be of another role.
 */
export function stepLocks(statements: Statements, namespace: string, schema: Schema): readonly Lock[] {
  const named = locksOf(statements, namespace)
  const partners = statements.flatMap((one) => partnerLocks(one, namespace, schema))
  return highest([...named, ...partners]).map((lock) => {
    const table = findTable(schema, lock.relation)
    const isNamed = named.some((one) => isSameName(one.relation, lock.relation) && one.level === lock.level)
    const isAhead = isNamed && table?.kind === 'table' && table.owned && !WEAK.has(lock.level)
    return isAhead ? lock : { ...lock, implied: true }
  })
}

/** Of reading and writing rows. */
const WEAK = new Set<LockLevel>(['access_share', 'row_share', 'row_exclusive'])

/** The other tables of foreign keys that a statement names, or drops with what it names. */
function partnerLocks(statement: Tree.Node, namespace: string, schema: Schema): readonly StatementLock[] {
  if ('DropStmt' in statement && statement.DropStmt.removeType === 'OBJECT_TABLE')
    return (statement.DropStmt.objects ?? []).flatMap((object) =>
      partnersOf(findTable(schema, nameOf(partsOf(object), namespace)), () => true, 'access_exclusive'),
    )
  if (!('AlterTableStmt' in statement)) return []
  const table = findTable(schema, relationName(statement.AlterTableStmt.relation, namespace))
  return commandsOf(statement).flatMap(({ subtype, name = '' }) => {
    const isNamed = (one: Constraint) => one.name === name
    switch (subtype) {
      case 'AT_ValidateConstraint':
        return partnersOf(table, isNamed, 'row_share')
      case 'AT_DropConstraint':
      case 'AT_AlterConstraint':
        return partnersOf(table, isNamed, 'access_exclusive')
      case 'AT_DropColumn':
        return partnersOf(
          table,
          (one) => table !== undefined && needsColumn(table, one, name),
          'access_exclusive',
        )
      default:
        return []
    }
  })
}

function partnersOf(
  table: Table | undefined,
  isMeant: (constraint: Constraint) => boolean,
  level: LockLevel,
): readonly StatementLock[] {
  return (table?.constraints ?? []).flatMap((one) =>
    one.references !== null && isMeant(one) ? [{ relation: one.references, level }] : [],
  )
}
