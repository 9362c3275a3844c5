import { findTable, type Grant, type Schema, type TableGrant, withTable } from '../../schema/model.ts'
import type { Change } from './change.ts'
import { type Item, isSameItem } from './privileges.ts'

/** The model knows what is given on tables and columns. */
export function withPrivileges({ target, before, after }: Change, schema: Schema): Schema {
  const table = target.kind === 'table' ? findTable(schema, target.name) : undefined
  if (table === undefined) return schema
  const changed = <G extends TableGrant>(grants: readonly G[], column: string | null): readonly G[] => {
    const named = [...before, ...after].filter((item) => item.column === column)
    const others = grants.filter((grant) => !named.some((item) => isSameItem(item, itemOf(grant, column))))
    const given = after.filter((item) => item.column === column).map((item) => grantOf(item) as G)
    return [...others, ...given].toSorted(inOrder)
  }
  return withTable(schema, {
    ...table,
    grants: changed(table.grants, null),
    columns: table.columns.map((column) => ({
      ...column,
      grants: changed<Grant>(column.grants, column.name),
    })),
  })
}

function itemOf({ grantee, privilege, grantable }: TableGrant, column: string | null): Item {
  return { column, grantee, privilege: privilege.toLowerCase() as Item['privilege'], grantable }
}

function grantOf({ grantee, privilege, grantable }: Item): TableGrant {
  return { grantee, toPublic: grantee === 'public', privilege: privilege.toUpperCase(), grantable }
}

/** As the server is asked for them. */
function inOrder(a: TableGrant, b: TableGrant): number {
  const key = ({ toPublic, grantee, privilege }: TableGrant) => `${toPublic ? 0 : 1}${grantee} ${privilege}`
  return key(a) < key(b) ? -1 : 1
}
