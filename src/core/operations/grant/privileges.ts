/** Who may do what, as an operation says it; `columns` of a table alone. */
export interface Privileges {
  /** Where names without a namespace are. */
  readonly namespace: string
  /** As GRANT names it, such as `users`, `sequence numbers`, `function area(integer)` or `schema app`. */
  readonly on: string
  readonly columns?: readonly string[]
  readonly privileges: readonly Privilege[]
}

export interface Grant extends Privileges {
  readonly kind: 'grant'
  /** Roles; `public` is everybody. */
  readonly to: readonly string[]
  readonly with_grant_option?: boolean
}

export interface Revoke extends Privileges {
  readonly kind: 'revoke'
  /** Roles; `public` is everybody. */
  readonly from: readonly string[]
  /** Takes away only that they may grant it to others. */
  readonly grant_option_for?: boolean
}

export const PRIVILEGES = [
  'select',
  'insert',
  'update',
  'delete',
  'truncate',
  'references',
  'trigger',
  'maintain',
  'usage',
  'execute',
  'create',
] as const
export type Privilege = (typeof PRIVILEGES)[number]

export type TargetKind = 'table' | 'sequence' | 'function' | 'procedure' | 'schema' | 'type' | 'domain'

/** What can be allowed on each kind of thing. */
export const OF_KIND: Readonly<Record<TargetKind | 'column', readonly Privilege[]>> = {
  table: ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger', 'maintain'],
  column: ['select', 'insert', 'update', 'references'],
  sequence: ['usage', 'select', 'update'],
  function: ['execute'],
  procedure: ['execute'],
  schema: ['usage', 'create'],
  type: ['usage'],
  domain: ['usage'],
}

/** What can be given: to whom, and on which column; null for the whole thing. */
export interface Right {
  readonly column: string | null
  readonly grantee: string
  readonly privilege: Privilege
}

/** One privilege of one role that the owner has given, as the catalog has it. */
export interface Item extends Right {
  readonly grantable: boolean
}

export function isSameItem(a: Right, b: Right): boolean {
  return a.column === b.column && a.grantee === b.grantee && a.privilege === b.privilege
}

/** Every privilege that an operation names, for each of the roles and columns. */
export function itemsOf({ columns, privileges }: Privileges, roles: readonly string[]): readonly Right[] {
  return roles.flatMap((grantee) =>
    (columns ?? [null]).flatMap((column) => privileges.map((privilege) => ({ column, grantee, privilege }))),
  )
}
