import { changedObjects, grantedObjects } from '../objects/changed-objects.ts'
import { shownObject } from '../objects/database-object.ts'
import { shownType } from '../operations/enum/enum.ts'
import { specOf } from '../operations/index.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { ObjectTouch } from '../operations/needs.ts'
import { upOf } from '../operations/sql/run-sql.ts'
import type { Tree } from '../parse.ts'
import { droppedThings } from '../statements/made-things.ts'

/**
 * What two migrations work on and that is no table, as a person would call it: a function, a type, a value of an enum, a privilege.
 * A rollback of the one would take back what the other has done.
 */
export function elementOfBoth(one: Migration, other: Migration): string | undefined {
  const theirs = elementsOf(other)
  return elementsOf(one).find((mine) =>
    theirs.some(({ object, how }) => isSame(object, mine.object) && (how !== 'uses' || mine.how !== 'uses')),
  )?.object
}

function elementsOf({ operations }: Migration): readonly ObjectTouch[] {
  return operations.flatMap((op) => [
    ...specOf(op)
      .needs(op)
      .touches.filter((touch) => 'object' in touch),
    ...said(op),
    ...valued(op),
  ])
}

/** Values of a type come and go side by side, but not with the type itself. */
function valued(op: Operation): readonly ObjectTouch[] {
  const isValue =
    op.kind === 'add_enum_value' || op.kind === 'rename_enum_value' || op.kind === 'remove_enum_value'
  return isValue ? [{ object: `type ${shownType(op)}`, how: 'uses' }] : []
}

/** In the order of a person's own statements these go together, so that they are no touches within the migration. */
function said(op: Operation): readonly ObjectTouch[] {
  if (op.kind !== 'sql') return []
  return upOf(op)
    .flatMap((statement) => changedBy(statement, op.namespace))
    .map((object) => ({ object, how: 'replaces' }))
}

function changedBy(statement: Tree.Node, namespace: string): readonly string[] {
  if ('GrantStmt' in statement) return privilegesIn(statement.GrantStmt, namespace)
  const objects = changedObjects(statement, namespace)
  return objects.length > 0 ? objects.map(shownObject) : droppedThings(statement, namespace)
}

/** Of what is no table, each kind has one privilege. */
function privilegesIn(grant: Tree.GrantStmt, namespace: string): readonly string[] {
  const roles = (grant.grantees ?? []).flatMap((one) => {
    if (!('RoleSpec' in one)) return []
    return one.RoleSpec.roletype === 'ROLESPEC_PUBLIC' ? ['public'] : (one.RoleSpec.rolename ?? [])
  })
  return grantedObjects(grant, namespace).flatMap((object) => {
    const privilege = object.kind === 'function' || object.kind === 'procedure' ? 'execute' : 'usage'
    return roles.map((role) => `privilege ${privilege} of ${role} on ${shownObject(object)}`)
  })
}

/** A routine that is named without its arguments is each of that name. */
function isSame(one: string, other: string): boolean {
  const isRoutine = /^(?:privilege .* on )?(?:function|procedure) /.test(one)
  return one === other || (isRoutine && (isAnyOf(one, other) || isAnyOf(other, one)))
}

function isAnyOf(named: string, other: string): boolean {
  return !named.endsWith(')') && other.startsWith(`${named}(`)
}
