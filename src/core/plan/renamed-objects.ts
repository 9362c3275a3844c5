import { namedObject } from '../objects/database-object.ts'
import { targetOf } from '../operations/grant/target.ts'
import type { Operation } from '../operations/migration.ts'
import { objectOf } from '../operations/object/definition.ts'
import type { Tree } from '../parse.ts'
import { requalify } from '../requalify.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'
import { id, qualified } from '../sql.ts'
import { readStatements, relationName } from '../statements/statement.ts'
import { withNameOfTable } from './index-text.ts'

/** Operations on what hangs on a table, or is allowed on it: they have its name within a text. */
const HANGING = ['create_object', 'replace_object', 'drop_object', 'grant', 'revoke'] as const
type Hanging = Extract<Operation, { kind: (typeof HANGING)[number] }>

export function isHanging(op: Operation): op is Hanging {
  return HANGING.some((kind) => kind === op.kind)
}

/** The table whose name it says: that of a trigger or a policy, or the one that privileges are on. */
export function tableHungOn(op: Hanging): QualifiedName | undefined {
  switch (op.kind) {
    case 'create_object':
    case 'replace_object':
      return objectOf(op)?.on
    case 'drop_object': {
      const object = namedObject(op.object, op.namespace)
      return 'problem' in object ? undefined : object.on
    }
    default: {
      const target = targetOf(op)
      return 'problem' in target || target.kind !== 'table' ? undefined : target.name
    }
  }
}

/** The same operation, where it hangs on the table, with that under another name. */
export function hungOn<O extends Hanging>(op: O, from: QualifiedName, to: string): O {
  const table = tableHungOn(op)
  if (table === undefined || !isSameName(table, from)) return op
  const renamed = qualified({ ...from, name: to })
  switch (op.kind) {
    case 'create_object':
    case 'replace_object':
      return { ...op, definition: defined(op.definition, op.namespace, { from, to }) }
    case 'drop_object': {
      const object = namedObject(op.object, op.namespace)
      return 'problem' in object
        ? op
        : { ...op, object: `${object.kind} ${id(object.name.name)} on ${renamed}` }
    }
    default:
      return { ...op, on: renamed }
  }
}

/** The table may be named in what a policy asks as well. */
function defined(
  definition: string,
  namespace: string,
  table: { readonly from: QualifiedName; readonly to: string },
): string {
  const named = requalify(definition, 'statement', table)
  const statements = readStatements(named)
  const relation = 'problem' in statements ? undefined : relationOn(statements[0])
  if (relation === undefined || !isSameName(relationName(relation, namespace), table.from)) return named
  return withNameOfTable(named, relation, table.to)
}

function relationOn(statement: Tree.Node | undefined): Tree.RangeVar | undefined {
  if (statement === undefined) return undefined
  if ('CreateTrigStmt' in statement) return statement.CreateTrigStmt.relation
  return 'CreatePolicyStmt' in statement ? statement.CreatePolicyStmt.table : undefined
}
