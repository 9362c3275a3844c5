import type { Tree } from '../parse.ts'
import type { QualifiedName } from '../schema/model.ts'
import { nameOf, partsOf, relationName } from '../statements/statement.ts'
import { type DatabaseObject, madeObject, namedWithArguments, type ObjectKind } from './database-object.ts'

/** What a word of a statement may mean: it says ROUTINE of a function and of a procedure, and TYPE of a domain, too. */
const KINDS: Readonly<Record<string, readonly ObjectKind[]>> = {
  OBJECT_VIEW: ['view'],
  OBJECT_FUNCTION: ['function'],
  OBJECT_PROCEDURE: ['procedure'],
  OBJECT_ROUTINE: ['function', 'procedure'],
  OBJECT_TRIGGER: ['trigger'],
  OBJECT_POLICY: ['policy'],
  OBJECT_TYPE: ['type', 'domain'],
  OBJECT_ATTRIBUTE: ['type'],
  OBJECT_DOMAIN: ['domain'],
  OBJECT_DOMCONSTRAINT: ['domain'],
}

/** The objects that a statement makes, changes or drops, under every kind that its words may mean. */
export function changedObjects(statement: Tree.Node, namespace: string): readonly DatabaseObject[] {
  const made = madeObject(statement, namespace)
  if (made !== undefined) return [made]
  if ('AlterEnumStmt' in statement) return ofName('OBJECT_TYPE', statement.AlterEnumStmt.typeName, namespace)
  if ('AlterDomainStmt' in statement)
    return ofName('OBJECT_DOMAIN', statement.AlterDomainStmt.typeName, namespace)
  if ('AlterPolicyStmt' in statement) {
    const { table, policy_name } = statement.AlterPolicyStmt
    return onRelation('OBJECT_POLICY', relationName(table, namespace), policy_name)
  }
  if ('AlterFunctionStmt' in statement) {
    const { objtype, func } = statement.AlterFunctionStmt
    return func === undefined ? [] : ofNode(objtype, { ObjectWithArgs: func }, namespace)
  }
  if ('DropStmt' in statement) {
    const { removeType, objects = [] } = statement.DropStmt
    return objects.flatMap((object) => ofNode(removeType, object, namespace))
  }
  if ('RenameStmt' in statement) return renamed(statement.RenameStmt, namespace)
  if ('AlterOwnerStmt' in statement)
    return told(statement.AlterOwnerStmt.objectType, statement.AlterOwnerStmt, namespace)
  return 'AlterObjectSchemaStmt' in statement ? moved(statement.AlterObjectSchemaStmt, namespace) : []
}

/** The objects on which a statement gives or takes privileges. */
export function grantedObjects(
  { objtype, objects = [] }: Tree.GrantStmt,
  namespace: string,
): readonly DatabaseObject[] {
  return objects.flatMap((object) => ofNode(objtype, object, namespace))
}

/** By its old name and its new one. */
function renamed(statement: Tree.RenameStmt, namespace: string): readonly DatabaseObject[] {
  const { renameType = '', newname = '' } = statement
  const found = told(renameType, statement, namespace)
  const isPart = renameType === 'OBJECT_ATTRIBUTE' || renameType === 'OBJECT_DOMCONSTRAINT'
  return isPart ? found : withOther(found, (name) => ({ ...name, name: newname }))
}

function moved(statement: Tree.AlterObjectSchemaStmt, namespace: string): readonly DatabaseObject[] {
  const { objectType, newschema = '' } = statement
  return withOther(told(objectType, statement, namespace), (name) => ({ ...name, namespace: newschema }))
}

interface Told {
  readonly object?: Tree.Node
  readonly relation?: Tree.RangeVar
  readonly subname?: string
}

function told(
  word: string | undefined,
  { object, relation, subname }: Told,
  namespace: string,
): readonly DatabaseObject[] {
  if (relation !== undefined) return onRelation(word, relationName(relation, namespace), subname)
  return object === undefined ? [] : ofNode(word, object, namespace)
}

function withOther(
  found: readonly DatabaseObject[],
  other: (name: QualifiedName) => QualifiedName,
): readonly DatabaseObject[] {
  return [...found, ...found.map((one) => ({ ...one, name: other(one.name) }))]
}

function ofNode(word: string | undefined, object: Tree.Node, namespace: string): readonly DatabaseObject[] {
  const parts = partsOf(object)
  if (word === 'OBJECT_TRIGGER' || word === 'OBJECT_POLICY')
    return onRelation(word, nameOf(parts.slice(0, -1), namespace), parts.at(-1))
  return (KINDS[word ?? ''] ?? []).map((kind) => {
    const named = namedWithArguments(kind, object, namespace)
    return 'problem' in named ? { kind, name: nameOf(parts, namespace) } : named
  })
}

function ofName(
  word: string,
  name: readonly Tree.Node[] | undefined,
  namespace: string,
): readonly DatabaseObject[] {
  return (KINDS[word] ?? []).map((kind) => ({ kind, name: nameOf(partsOf(name), namespace) }))
}

function onRelation(word: string | undefined, on: QualifiedName, name?: string): readonly DatabaseObject[] {
  return (KINDS[word ?? ''] ?? []).map((kind) =>
    kind === 'trigger' || kind === 'policy'
      ? { kind, name: { namespace: on.namespace, name: name ?? '' }, on }
      : { kind, name: on },
  )
}
