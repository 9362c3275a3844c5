import { type Leaver, ofItsTable, ofTable } from '../../plan/leaver.ts'
import { NOT_IN_LOG, type Thing } from '../../plan/thing.ts'
import type { Constraint, QualifiedName, Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'

/** A key, by which somebody may resolve conflicts, or only its name, where that alone goes. */
export function leavingConstraint(
  { namespace, name: of }: QualifiedName,
  {
    name,
    columns,
    ...more
  }: Pick<Constraint, 'name'> & Partial<Pick<Constraint, 'columns'>> & Pick<Thing, 'notInLog'>,
): Leaver {
  const table = { namespace, name: of }
  const what = columns === undefined ? 'the name of the constraint' : 'the constraint'
  return ofTable(table, `${what} ${shown(name)} of ${shown(namespace)}.${shown(of)}`, {
    shows: [{ by: 'conflict', table, constraint: name, ...(columns === undefined ? {} : { columns }) }],
    ...(more.notInLog === true ? NOT_IN_LOG : {}),
  })
}

/** Statements that a rule refuses once it is there: an old instance may send some, and nobody names them. */
export function leavingFreedom(table: QualifiedName & Partial<Pick<Table, 'kind'>>, rule: string): Leaver {
  return ofItsTable(
    table,
    `what ${rule} of ${shown(table.namespace)}.${shown(table.name)} refuses`,
    NOT_IN_LOG,
  )
}
