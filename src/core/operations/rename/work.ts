import { assert } from '../../errors.ts'
import { theTable } from '../../plan/table-checks.ts'
import { findColumn, findTable } from '../../schema/model.ts'
import { twinColumn, workUnderTwoNames } from '../copy/work.ts'
import type { Context } from '../operation.ts'
import { renamedKey } from './key.ts'
import type { RenameColumn } from './rename.ts'
import { renamingOf } from './renaming.ts'

/** Everything that the steps of one rename have in common. */
export function workFor(op: RenameColumn, context: Context) {
  const { schema, facts } = context
  const table = findTable(schema, theTable(op))
  const fromColumn = table === undefined ? undefined : findColumn(table, op.from)
  assert(table !== undefined && fromColumn !== undefined, 'steps come after check')
  const renaming = renamingOf(op, table, fromColumn, facts)
  assert(!('problem' in renaming), 'steps come after check')
  const { target, mapping, changesValues } = renaming
  const { notNull, collation, ...type } = target
  const adopted = findColumn(table, op.to)
  const work = workUnderTwoNames({
    table,
    fromColumn,
    toColumn: adopted ?? twinColumn(fromColumn, type, { name: op.to, collation }),
    adopted: adopted !== undefined,
    mapping,
    notNull,
    changesValues,
    context,
  })
  const key = renamedKey(op, context, work)
  if (key.links.length === 0) return { ...work, key }
  const { leaving } = work
  const known = [...leaving.known, ...key.links.map((one) => one.key.name)]
  return { ...work, key, leaving: { ...leaving, known, along: key.links.map(({ identity }) => identity) } }
}
