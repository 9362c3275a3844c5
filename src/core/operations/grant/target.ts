import { namedWithArguments } from '../../objects/database-object.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { id, join, qualified, type Sql, shown, sql, trusted } from '../../sql.ts'
import { partsOf, readStatements, relationName } from '../../statements/statement.ts'
import type { Privileges, TargetKind } from './privileges.ts'

/** The one thing that privileges are on. */
export interface Target {
  readonly kind: TargetKind
  /** A namespace has its name alone. */
  readonly name: QualifiedName
  /** Of a function or a procedure, as they are written. */
  readonly argumentTypes?: readonly Sql[]
}

const KINDS: Readonly<Record<string, TargetKind>> = {
  OBJECT_TABLE: 'table',
  OBJECT_SEQUENCE: 'sequence',
  OBJECT_FUNCTION: 'function',
  OBJECT_PROCEDURE: 'procedure',
  OBJECT_SCHEMA: 'schema',
  OBJECT_TYPE: 'type',
  OBJECT_DOMAIN: 'domain',
}

/** Reads what stands behind ON in GRANT. */
export function targetOf({ on, namespace }: Privileges): Target | { readonly problem: string } {
  const statements = readStatements(`grant all on ${on} to public`)
  if ('problem' in statements) return statements
  const [statement, ...more] = statements
  const grant = statement !== undefined && 'GrantStmt' in statement ? statement.GrantStmt : undefined
  const kind = KINDS[grant?.objtype ?? '']
  const [object, ...others] = grant?.objects ?? []
  if (more.length > 0 || others.length > 0 || object === undefined || kind === undefined)
    return { problem: 'it is not one table, sequence, function, procedure, schema, type or domain' }
  if (grant?.targtype !== 'ACL_TARGET_OBJECT' || grant.grantees?.length !== 1)
    return { problem: 'it is more than the name of one thing' }
  if ('RangeVar' in object) return { kind, name: relationName(object.RangeVar, namespace) }
  const parts = partsOf(object)
  if (kind === 'schema') return { kind, name: { namespace: '', name: parts[0] ?? '' } }
  return namedWithArguments(kind, object, namespace)
}

/** Its name in full, as SQL and the functions of the catalog take it. */
export function nameSql({ kind, name, argumentTypes }: Target): Sql {
  if (kind === 'schema') return id(name.name)
  return argumentTypes === undefined ? qualified(name) : sql`${qualified(name)}(${join(argumentTypes)})`
}

export function targetSql(target: Target): Sql {
  return sql`${trusted(target.kind)} ${nameSql(target)}`
}

/** As a person names it, such as `table public.users`. */
export function shownTarget({ kind, name, argumentTypes }: Target): string {
  const words = kind === 'schema' ? shown(name.name) : `${shown(name.namespace)}.${shown(name.name)}`
  return `${kind} ${words}${argumentTypes === undefined ? '' : `(${argumentTypes.join(', ')})`}`
}
