import { type Tree, typeText } from '../parse.ts'
import type { QualifiedName } from '../schema/model.ts'
import { id, join, qualified, type Sql, shown, sql } from '../sql.ts'
import { nameOf, partsOf, readStatements, relationName } from '../statements/statement.ts'

export type ObjectKind = 'view' | 'function' | 'procedure' | 'trigger' | 'policy' | 'type' | 'domain'

/** A thing of the database that is no table, and that a definition makes as a whole. */
export interface DatabaseObject {
  readonly kind: ObjectKind
  readonly name: QualifiedName
  /** The table of a trigger or a policy. */
  readonly on?: QualifiedName
  /** The types of the arguments of a function or a procedure, as they are written. */
  readonly argumentTypes?: readonly Sql[]
}

/** What a CREATE statement makes; nothing where that is no such object. */
export function madeObject(statement: Tree.Node, namespace: string): DatabaseObject | undefined {
  if ('ViewStmt' in statement) return { kind: 'view', name: relationName(statement.ViewStmt.view, namespace) }
  if ('CreateFunctionStmt' in statement) {
    const { is_procedure, funcname, parameters = [] } = statement.CreateFunctionStmt
    return {
      kind: is_procedure === true ? 'procedure' : 'function',
      name: nameOf(partsOf(funcname), namespace),
      argumentTypes: parameters.flatMap(inputTypes),
    }
  }
  if ('CreateTrigStmt' in statement)
    return onTable('trigger', statement.CreateTrigStmt.relation, statement.CreateTrigStmt.trigname, namespace)
  if ('CreatePolicyStmt' in statement)
    return onTable(
      'policy',
      statement.CreatePolicyStmt.table,
      statement.CreatePolicyStmt.policy_name,
      namespace,
    )
  if ('CreateEnumStmt' in statement)
    return { kind: 'type', name: nameOf(partsOf(statement.CreateEnumStmt.typeName), namespace) }
  if ('CompositeTypeStmt' in statement)
    return { kind: 'type', name: relationName(statement.CompositeTypeStmt.typevar, namespace) }
  if ('CreateRangeStmt' in statement)
    return { kind: 'type', name: nameOf(partsOf(statement.CreateRangeStmt.typeName), namespace) }
  if ('CreateDomainStmt' in statement)
    return { kind: 'domain', name: nameOf(partsOf(statement.CreateDomainStmt.domainname), namespace) }
  return undefined
}

function onTable(
  kind: 'trigger' | 'policy',
  table: Tree.RangeVar | undefined,
  name: string | undefined,
  namespace: string,
): DatabaseObject {
  const on = relationName(table, namespace)
  return { kind, name: { namespace: on.namespace, name: name ?? '' }, on }
}

function inputTypes(parameter: Tree.Node): readonly Sql[] {
  if (!('FunctionParameter' in parameter)) return []
  const { mode, argType } = parameter.FunctionParameter
  const isOutput = mode === 'FUNC_PARAM_OUT' || mode === 'FUNC_PARAM_TABLE'
  return argType === undefined || isOutput ? [] : [typeText(argType)]
}

const DROPPED: Readonly<Record<string, ObjectKind>> = {
  OBJECT_VIEW: 'view',
  OBJECT_FUNCTION: 'function',
  OBJECT_PROCEDURE: 'procedure',
  OBJECT_TRIGGER: 'trigger',
  OBJECT_POLICY: 'policy',
  OBJECT_TYPE: 'type',
  OBJECT_DOMAIN: 'domain',
}

/** Reads an object as DROP names it: `view names`, `function area(integer)`, `trigger note on users`. */
export function namedObject(text: string, namespace: string): DatabaseObject | { readonly problem: string } {
  const statements = readStatements(`drop ${text}\n`)
  if ('problem' in statements) return statements
  const [statement] = statements
  const drop = statement !== undefined && 'DropStmt' in statement ? statement.DropStmt : undefined
  const kind = DROPPED[drop?.removeType ?? '']
  const [object, ...more] = drop?.objects ?? []
  if (kind === undefined || object === undefined || more.length > 0 || statements.length > 1)
    return { problem: 'it is not one view, function, procedure, trigger, policy, type or domain' }
  if (drop?.missing_ok === true || drop?.behavior === 'DROP_CASCADE')
    return { problem: 'it says more than the name: leave IF EXISTS and CASCADE out' }
  const parts = partsOf(object)
  if (kind === 'trigger' || kind === 'policy') {
    const on = nameOf(parts.slice(0, -1), namespace)
    return { kind, name: { namespace: on.namespace, name: parts.at(-1) ?? '' }, on }
  }
  return namedWithArguments(kind, object, namespace)
}

/** The name of a thing, which of a function has the types of its arguments with it. */
export function namedWithArguments<K extends string>(
  kind: K,
  object: Tree.Node,
  namespace: string,
): (Pick<DatabaseObject, 'name' | 'argumentTypes'> & { readonly kind: K }) | { readonly problem: string } {
  const name = nameOf(partsOf(object), namespace)
  if (!('ObjectWithArgs' in object)) return { kind, name }
  const { args_unspecified, objargs = [] } = object.ObjectWithArgs
  if (args_unspecified === true) return { problem: 'write the types of its arguments, such as area(integer)' }
  return {
    kind,
    name,
    argumentTypes: objargs.flatMap((one) => ('TypeName' in one ? [typeText(one.TypeName)] : [])),
  }
}

/** As a person names it, such as `trigger note on public.users`. */
export function shownObject({ kind, name, on, argumentTypes }: DatabaseObject): string {
  const full = (of: QualifiedName) => `${shown(of.namespace)}.${shown(of.name)}`
  if (on !== undefined) return `${kind} ${shown(name.name)} on ${full(on)}`
  return `${kind} ${full(name)}${argumentTypes === undefined ? '' : `(${argumentTypes.join(', ')})`}`
}

export function dropSql(object: DatabaseObject): Sql {
  const { kind, name, on } = object
  const words = {
    view: sql`view`,
    function: sql`function`,
    procedure: sql`procedure`,
    trigger: sql`trigger`,
    policy: sql`policy`,
    type: sql`type`,
    domain: sql`domain`,
  }
  if (on !== undefined)
    return sql`drop ${words[kind]} ${id(name.name)} on ${qualified(on)}${kind === 'trigger' ? sql` restrict` : sql``}`
  return sql`drop ${words[kind]} ${signatureOf(object)} restrict`
}

/** Its name in full, with the types of the arguments where it has any. */
export function signatureOf({ name, argumentTypes }: DatabaseObject): Sql {
  return argumentTypes === undefined ? qualified(name) : sql`${qualified(name)}(${join(argumentTypes)})`
}
